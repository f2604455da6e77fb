package kit

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority signs certificates for a test's own servers and clients.
type Authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// NewAuthority makes one that is valid at any time of a test, that of a bubble too.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of a test"},
		NotBefore: time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2190, 1, 1, 0, 0, 0, 0, time.UTC),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{certificate, key}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Pool is for clients that trust it.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Certificate is its own, in PEM.
func (a *Authority) Certificate() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})
}

// Sign makes a certificate by the template, and its key, both in PEM.
func (a *Authority) Sign(t testing.TB, template *x509.Certificate) (certificate, key []byte) {
	t.Helper()
	private := newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, private.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded})
}

// Issue makes a server's pair, under the names that a Secret of type kubernetes.io/tls has. The serial number tells it from others.
func (a *Authority) Issue(t testing.TB, serial int64, from, until time.Time) map[string][]byte {
	t.Helper()
	certificate, key := a.Sign(t, &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: from, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return map[string][]byte{"tls.crt": certificate, "tls.key": key}
}

// Mount puts files into a folder as kubelet mounts a Secret or a ConfigMap: each is a link into ..data, which is a link to a folder, and a
// change swaps that link.
func Mount(t testing.TB, folder string, files map[string][]byte) {
	t.Helper()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	version, err := os.MkdirTemp(folder, "..version")
	must(err)
	for name, text := range files {
		must(os.WriteFile(filepath.Join(version, name), text, 0o600))
		if link := filepath.Join(folder, name); !linked(link) {
			must(os.Symlink(filepath.Join("..data", name), link))
		}
	}
	before, _ := os.Readlink(filepath.Join(folder, "..data")) // there is none at first
	must(os.Symlink(filepath.Base(version), filepath.Join(folder, "..data_tmp")))
	must(os.Rename(filepath.Join(folder, "..data_tmp"), filepath.Join(folder, "..data")))
	if before != "" {
		must(os.RemoveAll(filepath.Join(folder, before)))
	}
}

func linked(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
