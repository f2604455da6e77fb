// Package cluster runs a real Kubernetes for tests: etcd and kube-apiserver, and where a test asks for them the controllers and the
// scheduler, on loopback, with everything that they keep in a folder of the test's own. It has no node: pods are made, admitted and
// refused as anywhere, and run nowhere. It is for tests only.
package cluster

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// Binaries is the environment variable with the folder that holds etcd, kube-apiserver and kubectl, and what else a test asks for.
const Binaries = "BURGEE_TEST_KUBERNETES"

// HelmBinary is the environment variable with the path of Helm, whichever its version.
const HelmBinary = "BURGEE_TEST_HELM"

// Config says what a cluster consists of.
type Config struct {
	EmulatedVersion string   // of the API, such as "1.35"; "" means that of the binary
	Controllers     bool     // kube-controller-manager: Deployments and Jobs become pods, namespaces get a service account, garbage goes
	Scheduler       bool     // kube-scheduler
	APIServer       []string // more arguments of kube-apiserver; they come last, so they win
}

// Cluster is one control plane. Its administrator may do everything.
type Cluster struct {
	URL        string // of the API, https
	Dir        string // what it keeps, which goes with the test
	Kubeconfig string // the administrator's, a path

	binaries  string
	config    Config
	authority *authority
	client    *http.Client // the administrator's
	etcd      string       // URL
	children  []*Child
	apiServer *Child // one of them
}

// Start gives a running cluster, and ends it with the test. Without binaries it skips the test.
func Start(t testing.TB, config Config) *Cluster {
	t.Helper()
	binaries := os.Getenv(Binaries)
	if binaries == "" {
		kit.Skip(t, Binaries+" is not set to a folder with kube-apiserver, etcd and kubectl; run: make e2e")
	}
	c := &Cluster{Dir: t.TempDir(), binaries: binaries, config: config}
	t.Cleanup(func() { c.end(t) })
	c.authority = newAuthority(t, c.Dir)
	c.startEtcd(t)
	c.startAPIServer(t)
	if config.Controllers {
		c.startControllers(t)
	}
	if config.Scheduler {
		c.Spawn(t, "kube-scheduler", "--kubeconfig="+c.Identity(t, "system:kube-scheduler"), "--leader-elect=false", "--secure-port=0")
	}
	return c
}

// Path is that of a file in the cluster's folder.
func (c *Cluster) Path(name string) string { return filepath.Join(c.Dir, name) }
