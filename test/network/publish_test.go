package network

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/toxiproxy"
)

// watched is a sidecar that reads without faults what is published with some.
func (s *site) watched(t *testing.T) *kit.Sidecar {
	t.Helper()
	return s.start(t, s.at(s.Endpoint()))
}

// refuses wants a publication to fail with that exit code and those words, without a secret, and nothing to come of it: the store holds
// revision 1 as before, and the next publication makes revision 2.
func (s *site) refuses(t *testing.T, shop *kit.Shop, document string, code int, words ...string) {
	t.Helper()
	printed := shop.TryPublish(document)
	printed.Refused(t, code, words...)
	s.printsNoSecret(t, printed)
	t.Log(strings.TrimSpace(printed.Stderr))
	if shown := s.show(t, ""); strings.Join(strings.Fields(shown)[:2], " ") != "revision 1" {
		t.Errorf("after a publication that failed the store shows\n%s\nwant revision 1", shown)
	}
}

func (s *site) printsNoSecret(t *testing.T, printed kit.Printed) {
	t.Helper()
	for _, secret := range s.secrets {
		if strings.Contains(printed.String(), secret) {
			t.Errorf("burgeectl prints %q: %s", secret, printed)
		}
	}
}

// show is what burgeectl tells of a revision, read without faults; of the newest without a number.
func (s *site) show(t *testing.T, revision string) string {
	t.Helper()
	args := []string{"show", "--store", store, "--trust-key", s.publisher.Path("team.pub")}
	if revision != "" {
		args = append(args, revision)
	}
	return s.publisher.Ctl(args...).Good(t).Stdout
}

// completes wants the same publication done over a network without faults.
func (s *site) completes(t *testing.T, burgee *kit.Sidecar, document string) {
	t.Helper()
	printed := s.publisher.TryPublish(document).Good(t)
	if !strings.HasPrefix(printed.Stdout, "published revision 2 of ") {
		t.Errorf("the next publication prints\n%s\nwant revision 2", printed)
	}
	burgee.WillServe(t, 2, 2)
	s.show(t, "2")
}

// A publication over a connection that fails ends with exit code 1, says why, and leaves nothing half done.
func TestPublishingOverBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		toxics []toxiproxy.Toxic // none: the proxy refuses connections
		words  []string
	}{
		{"cut", nil, []string{"connection refused", "hint: check the network"}},
		{"reset", []toxiproxy.Toxic{answers("reset_peer", map[string]int{"timeout": 0})}, []string{"connection reset by peer", "hint: check the network"}},
		{"black hole", []toxiproxy.Toxic{answers("timeout", map[string]int{"timeout": 0})}, []string{"the store is too slow: not done within 3", "hint: check the network"}},
		{"half an answer", []toxiproxy.Toxic{answers("limit_data", map[string]int{"bytes": 900})}, []string{"ended early", "hint: check the network"}},
		{"half a request", []toxiproxy.Toxic{{Type: "limit_data", Stream: "upstream", Attributes: map[string]int{"bytes": 9000}}}, []string{"write bundles/", "hint: check the network"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			proxy, shop := site.through(t)
			burgee := site.watched(t)
			if row.toxics == nil {
				proxy.Cut(t)
			}
			proxy.Add(t, row.toxics...)
			document := large(2, 32<<10)
			site.refuses(t, shop, document, 1, row.words...)
			proxy.Mend(t)
			site.completes(t, burgee, document)
		})
	}
}

// The same for servers that answer something else; a single such answer is got over by asking again.
func TestPublishingToServersThatRefuse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		fault meddler
		code  int
		words []string
	}{
		{"slow down", refuse(503, "SlowDown", "Retry-After: 1"), 1, []string{"503 SlowDown", "asks to be left alone for 1s", "hint: check the network"}},
		{"internal error at the head", only(http.MethodPut, "/manifest.json", refuse(500, "InternalError")), 1, []string{"write head", "500 InternalError"}},
		{"another region", refuse(301, "PermanentRedirect", "X-Amz-Bucket-Region: eu-west-9"), 1, []string{"301 PermanentRedirect", "set AWS_REGION=eu-west-9"}},
		{"an expired session", refuse(400, "ExpiredToken"), 1, []string{"400 ExpiredToken", "hint: check credentials"}},
		{"a captive portal", page("text/html", "<html>Please sign in</html>"), 3, []string{"read envelope", "hint: "}},
		{"a captive portal for writes", only(http.MethodPut, "/", page("text/html", "<html>Please sign in</html>")), 1, []string{"no ETag", "proxy in the server's place"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.watched(t)
			front.set(row.fault)
			document := kit.Flags(2, 0)
			site.refuses(t, shop, document, row.code, row.words...)
			front.set(nil)
			site.completes(t, burgee, document)
		})
	}
	t.Run("slow down once", func(t *testing.T) {
		t.Parallel()
		site := newSite(t)
		front, shop := site.front(t)
		burgee := site.watched(t)
		front.set(only(http.MethodPut, "/manifest.json", once(refuse(503, "SlowDown"))))
		shop.Publish(t, kit.Flags(2, 0))
		burgee.WillServe(t, 2, 2)
		if n := front.seen("PUT /flags/shop/prod/manifest.json"); n != 2 {
			t.Errorf("the head was written %d times; want twice", n)
		}
	})
}

// lose lets a request through, and drops the answer.
func lose(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	pass.ServeHTTP(httptest.NewRecorder(), r)
	drop(w, "")
}

// hole drops requests.
func hole(w http.ResponseWriter, _ *http.Request, _ http.Handler) { drop(w, "") }

// Answers that get lost after the work was done are settled by looking: the publication is done, once, and says so.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, part string }{
		{"of the head", "/manifest.json"},
		{"of the bundle", "/bundles/"},
		{"of the ledger", "/ledgers/"},
		{"of the copy", "/revisions/"},
		{"of every write", "/"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.watched(t)
			front.set(only(http.MethodPut, row.part, lose))
			printed := shop.TryPublish(kit.Flags(2, 0)).Good(t)
			said := strings.TrimSpace(printed.Stderr)
			if !strings.HasPrefix(printed.Stdout, "published revision 2 of ") || said != "" && !strings.HasPrefix(said, "waiting for ") {
				t.Errorf("burgeectl: %s\nwant revision 2 published, and nothing else but that it was waited for", printed)
			}
			burgee.WillServe(t, 2, 2)
			site.show(t, "2")
			front.set(nil)
			shop.Publish(t, kit.Flags(3, 0))
			burgee.WillServe(t, 3, 3)
		})
	}
}

// A network that ends right after the head was written leaves a revision that stands, and a publisher who says that it may. Whoever
// publishes next completes it.
func TestCutAfterTheHead(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	front, shop := site.front(t)
	burgee := site.watched(t)
	front.set(only(http.MethodPut, "/manifest.json", func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		front.set(hole)
		lose(w, r, pass)
	}))
	printed := shop.TryPublish(kit.Flags(2, 0))
	printed.Refused(t, 1, "hint: burgeectl show tells whether the revision stands")
	site.printsNoSecret(t, printed)
	t.Log(strings.TrimSpace(printed.Stderr))
	burgee.WillServe(t, 2, 2)
	front.set(nil)
	if again := shop.TryPublish(kit.Flags(2, 0)).Good(t); !strings.HasPrefix(again.Stdout, "unchanged: revision 2 ") {
		t.Errorf("the same flags again: %s\nwant them unchanged", again)
	}
	site.publish(t, 3)
	burgee.WillServe(t, 3, 3)
	site.show(t, "2") // from its copy, now that the head is another
}

// A network that ends right before the head is written leaves what was, and the next publication is the one that counts.
func TestCutBeforeTheHead(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	front, shop := site.front(t)
	burgee := site.watched(t)
	front.set(only(http.MethodPut, "/manifest.json", hole))
	document := kit.Flags(2, 0)
	site.refuses(t, shop, document, 1, "write head", "the connection ended before an answer came", "hint: check the network")
	burgee.Serves(t, 1, 1)
	front.set(nil)
	site.completes(t, burgee, document)
}
