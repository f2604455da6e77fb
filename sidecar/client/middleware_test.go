package client_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

func everybody(*http.Request) bool { return true }

// served is what a handler behind the middleware sees of a request.
type served struct {
	snapshot string
	header   []string
}

// pass sends a request with those header lines through the middleware.
func pass(t *testing.T, m client.Middleware, lines ...string) served {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/basket", nil)
	for _, line := range lines {
		r.Header.Add(client.Header, line)
	}
	var seen *served
	m.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		s, _ := client.From(r.Context())
		seen = &served{s.String(), r.Header.Values(client.Header)}
	})).ServeHTTP(httptest.NewRecorder(), r)
	if seen == nil {
		t.Fatal("the handler was not called")
	}
	if !slices.Equal(r.Header.Values(client.Header), lines) {
		t.Errorf("the caller's request has the header %q now; it had %q", r.Header.Values(client.Header), lines)
	}
	return *seen
}

func TestMiddleware(t *testing.T) {
	for _, row := range []struct {
		name  string
		trust func(*http.Request) bool
		lines []string
		want  string
	}{
		{"opens", nil, nil, ours},
		{"trusts nobody of itself", nil, []string{older}, ours},
		{"does as TrustIncoming says: no", func(*http.Request) bool { return false }, []string{older}, ours},
		{"adopts and completes", everybody, []string{theirs}, theirs + "~" + ours},
		{"adopts several lines", everybody, []string{theirs, older}, theirs + "~" + older + "~" + ours},
		{"drops what is malformed", everybody, []string{"not a token~" + theirs}, theirs + "~" + ours},
		{"opens where nothing was carried by whom it trusts", everybody, nil, ours},
	} {
		t.Run(row.name, func(t *testing.T) {
			c := connect(t, clienttest.Serve(t, (&sidecar{}).ServeHTTP))
			got := pass(t, client.Middleware{Client: c, TrustIncoming: row.trust}, row.lines...)
			if got.snapshot != row.want {
				t.Errorf("the handler's snapshot is %q; want %q", got.snapshot, row.want)
			}
			if len(got.header) > 0 {
				t.Errorf("the handler sees the header %q; want none", got.header)
			}
		})
	}
}

func TestAMiddlewareNeedsAClient(t *testing.T) {
	defer func() {
		if said, _ := recover().(string); !strings.Contains(said, "Middleware has no Client") {
			t.Errorf("Wrap says %q; want what is missing", said)
		}
	}()
	client.Middleware{}.Wrap(http.NotFoundHandler())
}

// Whatever a sidecar does or does not do, the request is served.
func TestRequestsAreServedWithoutASidecar(t *testing.T) {
	for _, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			told := 0
			c := configure(t, client.Config{
				Socket: row.at(t), Logger: silent, OnFailure: func(error) { told++ },
				Timeout: patienceFor(row.name),
			})
			if got := pass(t, client.Middleware{Client: c}, older); got.snapshot != "" || len(got.header) > 0 {
				t.Errorf("the handler got %+v; want neither snapshot nor header", got)
			}
			if got := pass(t, client.Middleware{Client: c, TrustIncoming: everybody}, theirs); got.snapshot != theirs {
				t.Errorf("a trusted request goes on with %q; want what it carried, %q", got.snapshot, theirs)
			}
			if told != 2 {
				t.Errorf("the hook was told of %d requests; want 2", told)
			}
		})
	}
}

// What comes from the public internet does not reach the sidecar.
func TestTheSidecarDoesNotSeeWhatIsNotTrusted(t *testing.T) {
	stand := &sidecar{}
	c := connect(t, clienttest.Serve(t, stand.ServeHTTP))
	pass(t, client.Middleware{Client: c}, older)
	if calls := stand.calls(); !slices.Equal(calls, []string{""}) {
		t.Errorf("the sidecar was sent %q; want no snapshot", calls)
	}
}
