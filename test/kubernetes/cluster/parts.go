package cluster

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// Anywhere starts a program on ports that are free, and looks for others where somebody took them in between.
func (c *Cluster) Anywhere(t testing.TB, start func() (*Child, func() error)) {
	t.Helper()
	var err error
	for range portTries {
		p, ready := start()
		if err = p.Until(ready); err == nil {
			return
		}
		p.Kill()
	}
	t.Fatal(err)
}

// startEtcd starts it without a sync after each write: nobody looks at what it leaves.
func (c *Cluster) startEtcd(t testing.TB) {
	t.Helper()
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	c.Anywhere(t, func() (*Child, func() error) {
		peer := "http://" + kit.FreeAddress(t, "127.0.0.1")
		c.etcd = "http://" + kit.FreeAddress(t, "127.0.0.1")
		p := c.Spawn(t, "etcd", "--data-dir="+c.Path("etcd"), "--unsafe-no-fsync", "--log-level=warn",
			"--listen-client-urls="+c.etcd, "--advertise-client-urls="+c.etcd,
			"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
		return p, func() error { return ask(client, c.etcd+"/readyz") }
	})
}

// startAPIServer starts it with the admission plug-ins that it has by itself, PodSecurity and those for policies among them. It calls the
// endpoints of services by their own addresses, for there is no node that would know a service's.
func (c *Cluster) startAPIServer(t testing.TB) {
	t.Helper()
	c.authority.server(t, "kube-apiserver", "kubernetes", "kubernetes.default.svc")
	c.authority.server(t, "service-account") // tokens are signed with its key, and checked by its certificate
	c.Anywhere(t, func() (*Child, func() error) {
		c.URL = "https://" + kit.FreeAddress(t, "127.0.0.1")
		c.becomeAdministrator(t)
		return c.spawnAPIServer(t)
	})
}

func (c *Cluster) spawnAPIServer(t testing.TB) (*Child, func() error) {
	t.Helper()
	host, port, err := net.SplitHostPort(strings.TrimPrefix(c.URL, "https://"))
	if err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--etcd-servers=" + c.etcd, "--bind-address=" + host, "--advertise-address=" + host, "--secure-port=" + port,
		"--endpoint-reconciler-type=none", "--enable-aggregator-routing", "--service-cluster-ip-range=10.0.0.0/24", "--authorization-mode=RBAC",
		"--client-ca-file=" + c.Path("ca.crt"), "--tls-cert-file=" + c.Path("kube-apiserver.crt"), "--tls-private-key-file=" + c.Path("kube-apiserver.key"),
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file=" + c.Path("service-account.crt"),
		"--service-account-signing-key-file=" + c.Path("service-account.key"),
	}
	if c.config.EmulatedVersion != "" {
		args = append(args, "--emulated-version="+c.config.EmulatedVersion)
	}
	c.apiServer = c.Spawn(t, "kube-apiserver", append(args, c.config.APIServer...)...)
	return c.apiServer, func() error { return ask(c.client, c.URL+"/readyz") }
}

// Upgrade starts the server anew with the API of its own version, at the same address and with all that there is.
func (c *Cluster) Upgrade(t testing.TB) {
	t.Helper()
	c.apiServer.Kill()
	c.config.EmulatedVersion = ""
	p, ready := c.spawnAPIServer(t)
	if err := p.Until(ready); err != nil {
		t.Fatal(err)
	}
}

// becomeAdministrator makes the client and the kubeconfig that the test works with.
func (c *Cluster) becomeAdministrator(t testing.TB) {
	t.Helper()
	const group = "system:masters" // the one that no rule is asked for
	cert, key := c.authority.client(t, "administrator", group)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: c.authority.Pool(), Certificates: []tls.Certificate{pair}}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	c.client = &http.Client{Timeout: time.Minute, Transport: transport}
	c.Kubeconfig = c.Identity(t, "administrator", group)
}

// startControllers starts all of them, each as a service account of its own with no more rights than it has elsewhere, and waits for the
// first thing that they do.
func (c *Cluster) startControllers(t testing.TB) {
	t.Helper()
	p := c.Spawn(t, "kube-controller-manager", "--kubeconfig="+c.Identity(t, "system:kube-controller-manager"), "--leader-elect=false", "--secure-port=0",
		"--use-service-account-credentials", "--service-account-private-key-file="+c.Path("service-account.key"), "--root-ca-file="+c.Path("ca.crt"))
	if err := p.Until(func() error { return ask(c.client, c.URL+"/api/v1/namespaces/default/serviceaccounts/default") }); err != nil {
		t.Fatal(err)
	}
}

// ask says why an address is not answered well.
func ask(client *http.Client, url string) error {
	response, err := client.Get(url)
	if err != nil {
		return err
	}
	if err := response.Body.Close(); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, response.Status)
	}
	return nil
}
