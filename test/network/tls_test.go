package network

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// authority signs certificates for servers on 127.0.0.1.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "an authority of a test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{certificate, key}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// server makes a certificate that is good until then.
func (a *authority) server(t *testing.T, until time.Time) *tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-2 * time.Hour), NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// write makes a file for AWS_CA_BUNDLE, whole at once as Kubernetes does.
func (a *authority) write(t *testing.T, path string) {
	t.Helper()
	replace(t, path, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.certificate.Raw})))
}

// replace puts a new file in the place of one that is being read.
func replace(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path+".new", []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// secure is a front that shows whatever certificate it is given.
type secure struct {
	*front
	shown atomic.Pointer[tls.Certificate]
}

func (s *site) secure(t *testing.T, c *tls.Certificate) *secure {
	t.Helper()
	f := &secure{front: s.newFront(t)}
	f.shown.Store(c)
	f.TLS = &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.shown.Load(), nil }}
	f.StartTLS()
	f.TLS.Certificates = nil // those of httptest itself
	return f
}

// show changes the certificate for all, those who are connected too.
func (f *secure) show(c *tls.Certificate) {
	f.shown.Store(c)
	f.CloseClientConnections()
}

// A certificate that is not to be trusted is named as such; AWS_CA_BUNDLE says whom to trust, and is read again when it changes.
func TestCertificates(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	first, second := newAuthority(t), newAuthority(t)
	later := time.Now().Add(time.Hour)
	front := site.secure(t, first.server(t, later))
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	first.write(t, bundle)
	shop := site.at(front.URL, "AWS_CA_BUNDLE="+bundle)
	burgee := site.start(t, shop)
	shop.TryPublish(kit.Flags(2, 0)).Good(t)
	burgee.WillServe(t, 2, 2)
	address := front.Listener.Addr().String()

	front.show(first.server(t, time.Now().Add(-time.Hour)))
	st := says(t, burgee, "tls", "no trusted connection", address, "certificate has expired", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 2)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "no trusted connection", "certificate has expired", "hint: check the server's certificate")
	front.show(first.server(t, later))
	back(t, burgee, 2, backWithin)

	front.show(second.server(t, later)) // the authority is replaced
	st = says(t, burgee, "tls", "no trusted connection", address, "unknown authority", "AWS_CA_BUNDLE", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 2)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "no trusted connection", "unknown authority", "hint: check the server's certificate")
	site.publish(t, 3)
	second.write(t, bundle)
	back(t, burgee, 3, backWithin)
	backsOff(t, burgee, staleAfter)
}

// Without AWS_CA_BUNDLE a certificate of one's own is refused, and so is a server that does not speak TLS at all.
func TestNoTrustedConnection(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	plain, _ := site.front(t)
	front := site.secure(t, newAuthority(t).server(t, time.Now().Add(time.Hour)))
	for name, row := range map[string]struct{ endpoint, word string }{
		"own authority": {front.URL, "unknown authority"},
		"no TLS":        {"https://" + plain.Listener.Addr().String(), "server gave HTTP response to HTTPS client"},
	} {
		t.Run(name, func(t *testing.T) {
			shop := site.at(row.endpoint)
			shop.TryPublish(kit.Flags(2, 0)).Refused(t, 1, "no trusted connection", row.word, "hint: check the server's certificate")
			burgee := shop.Start(t, "--poll", poll.String(), "--state-dir", "")
			if st := says(t, burgee, "tls", "no trusted connection", row.word, head); st.Freshness != "empty" {
				t.Errorf("flags are %s; want empty", st.Freshness)
			}
			burgee.Stop(t)
		})
	}
}
