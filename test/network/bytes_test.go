package network

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/toxiproxy"
)

// answers is a toxic that spoils what the server says.
func answers(kind string, attributes map[string]int) toxiproxy.Toxic {
	return toxiproxy.Toxic{Type: kind, Stream: "downstream", Attributes: attributes}
}

// A connection that fails, in every way that a proxy can make it fail, is named, waited for with growing pauses, and forgotten once it
// works again.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		toxics []toxiproxy.Toxic // none: the proxy refuses connections
		kind   string
		words  []string
	}{
		{"cut", nil, "unavailable", []string{"connection refused", "127.0.0.1"}},
		{"reset before an answer", []toxiproxy.Toxic{answers("reset_peer", map[string]int{"timeout": 0})}, "unavailable", []string{"connection reset by peer"}},
		{"black hole", []toxiproxy.Toxic{answers("timeout", map[string]int{"timeout": 0})}, "timeout", []string{"within 5s"}},
		{"closed without an answer", []toxiproxy.Toxic{answers("timeout", map[string]int{"timeout": 300})}, "unavailable", []string{"the connection ended before an answer came"}},
		{"slower than the deadline", []toxiproxy.Toxic{answers("latency", map[string]int{"latency": 6000})}, "timeout", []string{"within 5s"}},
		{"byte after byte", []toxiproxy.Toxic{answers("slicer", map[string]int{"average_size": 1, "size_variation": 0, "delay": 20_000})}, "timeout", []string{"within 5s"}},
		{"half a head", []toxiproxy.Toxic{answers("limit_data", map[string]int{"bytes": 900})}, "unavailable", []string{"the object ended early"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			proxy, shop := site.through(t)
			burgee := site.start(t, shop)
			if row.toxics == nil {
				proxy.Cut(t)
			}
			proxy.Add(t, row.toxics...)
			site.publish(t, 2)
			st := says(t, burgee, row.kind, append(row.words, "read the head", head)...)
			t.Log(st.Sync.LastError.Message)
			stale(t, burgee, 1)
			burgee.Until(t, "more failures", func(st kit.Status) bool { return st.Sync.Failures >= 2 })
			backsOff(t, burgee, staleAfter)
			proxy.Mend(t)
			back(t, burgee, 2, backWithin)
		})
	}
}

// A bundle that does not come whole leaves the old flags, and /status says that there are newer ones.
func TestHalfABundle(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	proxy, shop := site.through(t)
	burgee := site.start(t, shop)
	proxy.Add(t, answers("limit_data", map[string]int{"bytes": 8000}))
	site.publisher.Publish(t, large(2, 32<<10))
	st := says(t, burgee, "unavailable", "read the bundle of revision 2", store+"/bundles/", "the object ended early")
	if !st.Behind || st.Sync.HeadRevision != 2 || st.Active.Revision != 1 {
		t.Errorf("behind %t, head %d, active %d; want the head of revision 2 and the flags of 1", st.Behind, st.Sync.HeadRevision, st.Active.Revision)
	}
	stale(t, burgee, 1)
	backsOff(t, burgee, staleAfter)
	proxy.Mend(t)
	back(t, burgee, 2, backWithin)
}

// large is a document whose bundle has about so many bytes however it is packed.
func large(number, size int) string {
	const piece = 48 << 10
	var doc strings.Builder
	doc.WriteString(strings.TrimSuffix(kit.Flags(number, 0), "}}"))
	for i := 0; size > 0; i++ {
		raw := make([]byte, min(size, piece)/4*3)
		_, _ = rand.Read(raw) // never fails
		fmt.Fprintf(&doc, `,"large-%d":{"state":"ENABLED","variants":{"it":%q},"defaultVariant":"it",
			"metadata":{"owner":"tests","kind":"permission","description":"Made by a test."}}`, i, base64.StdEncoding.EncodeToString(raw))
		size -= piece * 3 / 4
	}
	return doc.String() + "}}"
}

// A store that is slow, but no slower than it may be, is no fault: nothing fails and nothing is stale.
func TestSlowIsNotBroken(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name   string
		toxics []toxiproxy.Toxic
	}{
		{"a second later", []toxiproxy.Toxic{answers("latency", map[string]int{"latency": 1000, "jitter": 300})}},
		{"over a thin line", []toxiproxy.Toxic{answers("bandwidth", map[string]int{"rate": 4})}},
		{"in pieces", []toxiproxy.Toxic{answers("slicer", map[string]int{"average_size": 64, "size_variation": 32, "delay": 5000})}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			proxy, shop := site.through(t)
			burgee := site.start(t, shop, "--stale-after", "10s")
			proxy.Add(t, row.toxics...)
			site.publish(t, 2)
			burgee.WillServe(t, 2, 2)
			burgee.Fresh(t, 2)
			wantNoFailure(t, burgee)
		})
	}
}

func wantNoFailure(t *testing.T, burgee *kit.Sidecar) {
	t.Helper()
	if failed := burgee.Metric(t, `burgee_polls_total{result="failed"}`); failed != 0 {
		t.Errorf("%v failed polls; want none. The log:\n%s", failed, burgee.Log())
	}
}

const (
	largeBundle = 2200 << 10 // has half a minute
	pause       = 11 * time.Second
	smallBundle = 500 << 10 // has the 10 s that every bundle has
	slow        = 35        // KB/s
)

// A large bundle has as long as it takes at 64 KiB/s: longer than a small one, and not for ever.
func TestBandwidth(t *testing.T) {
	t.Parallel()
	t.Run("enough", func(t *testing.T) {
		t.Parallel()
		site := newSite(t)
		front, shop := site.front(t)
		burgee := site.start(t, shop)
		came := make(chan time.Duration, 1)
		front.set(only(http.MethodGet, "/bundles/", once(pausing(pause, came))))
		site.publisher.Publish(t, large(2, largeBundle), "--allow-growth")
		select {
		case took := <-came:
			t.Logf("the bundle came in %s", took.Round(time.Second/10))
		case <-time.After(time.Minute):
			t.Fatal("nobody read the bundle")
		}
		burgee.WillServe(t, 2, 2)
		wantNoFailure(t, burgee)
	})
	t.Run("too little", func(t *testing.T) {
		t.Parallel()
		site := newSite(t)
		proxy, shop := site.through(t)
		burgee := site.start(t, shop)
		proxy.Add(t, answers("bandwidth", map[string]int{"rate": slow}))
		site.publisher.Publish(t, large(2, smallBundle), "--allow-growth")
		st := says(t, burgee, "timeout", "read the bundle of revision 2", "within 10s")
		if !st.Behind || st.Sync.HeadRevision != 2 {
			t.Errorf("behind %t, head %d; want the head of revision 2", st.Behind, st.Sync.HeadRevision)
		}
		t.Log(st.Sync.LastError.Message)
		stale(t, burgee, 1)
		proxy.Mend(t)
		back(t, burgee, 2, backWithin)
	})
}

// pausing answers with what the real server says, and waits in the middle of the body.
func pausing(pause time.Duration, came chan<- time.Duration) meddler {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		began := time.Now()
		answer := httptest.NewRecorder()
		pass.ServeHTTP(answer, r)
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		body := answer.Body.Bytes()
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		timer := time.NewTimer(pause)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-r.Context().Done():
		}
		_, _ = w.Write(body[len(body)/2:])
		came <- time.Since(began)
	}
}
