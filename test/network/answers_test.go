package network

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// A server that answers something else than S3 does when all is well: named, asked once an attempt, waited for, forgotten.
func TestServersThatRefuse(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name  string
		fault meddler
		kind  string
		words []string
	}{
		{"slow down", refuse(503, "SlowDown"), "unavailable", []string{"503 SlowDown", "REQUEST1"}},
		{"internal error", refuse(500, "InternalError"), "unavailable", []string{"500 InternalError"}},
		{"another region", refuse(301, "PermanentRedirect", "X-Amz-Bucket-Region: eu-west-9"), "other", []string{"301 PermanentRedirect", "set AWS_REGION=eu-west-9"}},
		{"no such bucket", refuse(404, "NoSuchBucket"), "no-store", []string{"no such bucket", "404 NoSuchBucket"}},
		{"no head", refuse(404, "NoSuchKey"), "not-found", []string{"no such object"}},
		{"a gateway's page", page502, "unavailable", []string{"502"}},
		{"an expired session", refuse(400, "ExpiredToken"), "forbidden", []string{"400 ExpiredToken"}},
		{"cut in the middle of an answer", halfAnswer, "unavailable", []string{"the object ended early"}},
		{"an answer without end", endless, "unavailable", []string{"response headers exceeded", "127.0.0.1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.start(t, shop)
			front.set(row.fault)
			site.publish(t, 2)
			st := says(t, burgee, row.kind, append(row.words, "read the head", head)...)
			t.Log(st.Sync.LastError.Message)
			stale(t, burgee, 1)
			burgee.Until(t, "more failures", func(st kit.Status) bool { return st.Sync.Failures >= 3 })
			backsOff(t, burgee, staleAfter)
			if requests, failed := front.seen("GET"), burgee.Metric(t, `burgee_polls_total{result="failed"}`); float64(requests) > failed+1 {
				t.Errorf("%d requests in %v failed polls; want one each: the loop is what tries again", requests, failed)
			}
			front.set(nil)
			back(t, burgee, 2, backWithin)
		})
	}
}

func page502(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	http.Error(w, "<html>Bad Gateway</html>", http.StatusBadGateway)
}

func halfAnswer(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	drop(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\nEtag: \"x\"\r\n\r\n{\"payload")
}

// endless sends more header than any client reads.
func endless(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	drop(w, "HTTP/1.1 200 OK\r\n"+strings.Repeat("X-Filler: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n", 4000))
}

// What asks to be left alone is left alone for so long, from the first failure on, but not longer than the longest pause.
func TestRetryAfter(t *testing.T) {
	t.Parallel()
	const longest = 4 * time.Second
	for _, row := range []struct {
		name, header string
		least, most  time.Duration
	}{
		{"seconds", "Retry-After: 3", 3 * time.Second, 3600 * time.Millisecond},
		{"an hour", "Retry-After: 3600", longest * 4 / 5, longest},
		{"nonsense", "Retry-After: soon", 0, longest},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.start(t, shop, "--stale-after", longest.String())
			front.set(refuse(503, "SlowDown", row.header))
			site.publish(t, 2)
			burgee.Until(t, "three failures", func(st kit.Status) bool { return st.Sync.Failures >= 3 })
			all := attempts(t, burgee)
			for i, a := range all {
				most := row.most
				if a.failures > 1 {
					most = longest // the third pause may be longer by itself
				}
				if a.wait < row.least || a.wait > most {
					t.Errorf("%s: after failure %d a pause of %s; want %s to %s", row.header, a.failures, a.wait, row.least, most)
				}
				if i > 0 && a.at.Sub(all[i-1].at) < all[i-1].wait-5*time.Millisecond {
					t.Errorf("%s: failure %d came after %s; the pause was to be %s", row.header, a.failures, a.at.Sub(all[i-1].at), all[i-1].wait)
				}
			}
			for _, a := range all {
				t.Logf("%s: after failure %d a pause of %s", row.header, a.failures, a.wait)
			}
			front.set(nil)
			back(t, burgee, 2, backWithin)
		})
	}
}

// A page that a proxy serves in the store's place, with 200, is refused as what it is: no manifest. It changes nothing and is forgotten.
func TestPagesInTheStoresPlace(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		fault  meddler
		reason string
		word   string
	}{
		{"a captive portal", page("text/html", "<!doctype html><html><body>Please sign in</body></html>"), "envelope", "a page that a proxy answers with"},
		{"an empty answer", page("application/octet-stream", ""), "envelope", "a page that a proxy answers with"},
		{"a page without end", streaming, "oversized", "larger than its limit"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			front, shop := site.front(t)
			burgee := site.start(t, shop)
			front.set(row.fault)
			site.publish(t, 2)
			st := burgee.Until(t, "a refused head", func(st kit.Status) bool { return st.Reason() == row.reason && st.Freshness == "stale" })
			t.Log(st.Rejected.Message)
			if !strings.Contains(st.Rejected.Message, row.word) {
				t.Errorf("the refusal says %q; want also %q", st.Rejected.Message, row.word)
			}
			burgee.Serves(t, 1, 1)
			front.set(nil)
			back(t, burgee, 2, backWithin)
		})
	}
}

// streaming sends bytes until the client goes away.
func streaming(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	block := bytes.Repeat([]byte("all work and no play "), 1000)
	for {
		if _, err := w.Write(block); err != nil {
			return
		}
	}
}

// A bundle that was spoilt on the way once is looked at a second time, without a new head.
func TestABundleSpoiltOnce(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	front, shop := site.front(t)
	burgee := site.start(t, shop)
	front.set(only(http.MethodGet, "/bundles/", once(page("application/gzip", "not what was published"))))
	site.publish(t, 2)
	back(t, burgee, 2, backWithin)
	if got := front.seen("/bundles/"); got != 2 {
		t.Errorf("the bundle was read %d times; want twice", got)
	}
	if n := burgee.Metric(t, `burgee_refusals_total{reason="digest"}`); n != 1 {
		t.Errorf("%v refusals for the digest; want 1", n)
	}
}

// The real server names a region that is not its own.
func TestAWrongRegion(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	burgee := site.at(site.Endpoint(), "AWS_REGION=eu-west-9").Start(t, "--poll", poll.String(), "--stale-after", staleAfter.String())
	st := says(t, burgee, "other", "400 AuthorizationHeaderMalformed", "AWS_REGION")
	t.Log(st.Sync.LastError.Message)
}
