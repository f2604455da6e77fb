package cluster

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// validFor is longer than any test.
const validFor = 24 * time.Hour

// authority signs the certificates of one cluster: nobody else's client or server passes for one of it.
type authority struct {
	*kit.Authority
	folder string
}

func newAuthority(t testing.TB, folder string) *authority {
	t.Helper()
	a := &authority{kit.NewAuthority(t), folder}
	a.write(t, "ca.crt", a.Certificate())
	return a
}

// client makes the certificate by which Kubernetes knows a user and the user's groups.
func (a *authority) client(t testing.TB, user string, groups ...string) (cert, key []byte) {
	t.Helper()
	template := newTemplate(t, pkix.Name{CommonName: user, Organization: groups})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.Sign(t, template)
}

// server writes NAME.crt and NAME.key, for a server on loopback that has those names.
func (a *authority) server(t testing.TB, name string, names ...string) {
	t.Helper()
	template := newTemplate(t, pkix.Name{CommonName: name})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames, template.IPAddresses = names, []net.IP{net.IPv4(127, 0, 0, 1)}
	cert, key := a.Sign(t, template)
	a.write(t, name+".crt", cert)
	a.write(t, name+".key", key)
}

func (a *authority) write(t testing.TB, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(a.folder, name), text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newTemplate(t testing.TB, name pkix.Name) *x509.Certificate {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	return &x509.Certificate{SerialNumber: serial, Subject: name, NotBefore: now.Add(-time.Minute), NotAfter: now.Add(validFor)}
}

// object is a part of a document for Kubernetes.
type object = map[string]any

// Identity writes the kubeconfig of a user who belongs to those groups, and gives its path.
func (c *Cluster) Identity(t testing.TB, user string, groups ...string) string {
	t.Helper()
	cert, key := c.authority.client(t, user, groups...)
	text, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []object{{"name": "test", "cluster": object{"server": c.URL, "certificate-authority-data": c.authority.Certificate()}}},
		"users":    []object{{"name": user, "user": object{"client-certificate-data": cert, "client-key-data": key}}},
		"contexts": []object{{"name": "test", "context": object{"cluster": "test", "user": user}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.CreateTemp(c.Dir, "*.kubeconfig")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(text); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}
