package network

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// serverOf makes a certificate of the authority's that is good until then.
func serverOf(t *testing.T, a *kit.Authority, until time.Time) *tls.Certificate {
	t.Helper()
	pair := a.Issue(t, 2, time.Now().Add(-2*time.Hour), until)
	certificate, err := tls.X509KeyPair(pair["tls.crt"], pair["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	return &certificate
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
	first, second := kit.NewAuthority(t), kit.NewAuthority(t)
	later := time.Now().Add(time.Hour)
	front := site.secure(t, serverOf(t, first, later))
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	replace(t, bundle, string(first.Certificate())) // whole at once, as Kubernetes does
	shop := site.at(front.URL, "AWS_CA_BUNDLE="+bundle)
	burgee := site.start(t, shop)
	shop.TryPublish(kit.Flags(2, 0)).Good(t)
	burgee.WillServe(t, 2, 2)
	address := front.Listener.Addr().String()

	front.show(serverOf(t, first, time.Now().Add(-time.Hour)))
	st := says(t, burgee, "tls", "no trusted connection", address, "certificate has expired", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 2)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "no trusted connection", "certificate has expired", "hint: check the server's certificate")
	front.show(serverOf(t, first, later))
	back(t, burgee, 2, backWithin)

	front.show(serverOf(t, second, later)) // the authority is replaced
	st = says(t, burgee, "tls", "no trusted connection", address, "unknown authority", "AWS_CA_BUNDLE", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 2)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "no trusted connection", "unknown authority", "hint: check the server's certificate")
	site.publish(t, 3)
	replace(t, bundle, string(second.Certificate())) // whole at once, as Kubernetes does
	back(t, burgee, 3, backWithin)
	backsOff(t, burgee, staleAfter)
}

// Without AWS_CA_BUNDLE a certificate of one's own is refused, and so is a server that does not speak TLS at all.
func TestNoTrustedConnection(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	plain, _ := site.front(t)
	front := site.secure(t, serverOf(t, kit.NewAuthority(t), time.Now().Add(time.Hour)))
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
