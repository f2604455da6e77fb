package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// validFor is longer than any test.
const validFor = 24 * time.Hour

// authority signs the certificates of one cluster: nobody else's client or server passes for one of it.
type authority struct {
	folder string
	key    *ecdsa.PrivateKey
	cert   *x509.Certificate
	pem    []byte
}

func newAuthority(t testing.TB, folder string) *authority {
	t.Helper()
	a := &authority{folder: folder, key: newKey(t)}
	template := newTemplate(t, pkix.Name{CommonName: "the test's own"})
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.pem = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	a.write(t, "ca.crt", a.pem)
	return a
}

// client makes the certificate by which Kubernetes knows a user and the user's groups.
func (a *authority) client(t testing.TB, user string, groups ...string) (cert, key []byte) {
	t.Helper()
	template := newTemplate(t, pkix.Name{CommonName: user, Organization: groups})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.sign(t, template)
}

// server writes NAME.crt and NAME.key, for a server on loopback that has those names.
func (a *authority) server(t testing.TB, name string, names ...string) {
	t.Helper()
	template := newTemplate(t, pkix.Name{CommonName: name})
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	template.DNSNames, template.IPAddresses = names, []net.IP{net.IPv4(127, 0, 0, 1)}
	cert, key := a.sign(t, template)
	a.write(t, name+".crt", cert)
	a.write(t, name+".key", key)
}

func (a *authority) sign(t testing.TB, template *x509.Certificate) (cert, key []byte) {
	t.Helper()
	private := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), encodeKey(t, private)
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

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodeKey(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})
}

// object is a part of a document for Kubernetes.
type object = map[string]any

// Identity writes the kubeconfig of a user who belongs to those groups, and gives its path.
func (c *Cluster) Identity(t testing.TB, user string, groups ...string) string {
	t.Helper()
	cert, key := c.authority.client(t, user, groups...)
	text, err := json.Marshal(object{
		"apiVersion": "v1", "kind": "Config", "current-context": "test",
		"clusters": []object{{"name": "test", "cluster": object{"server": c.URL, "certificate-authority-data": c.authority.pem}}},
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
