package client_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
)

// sent is what leaves an application.
type sent struct {
	header http.Header
	same   bool // the request itself, not a copy
}

// leave sends a request through the transport.
func leave(ctx context.Context, t *testing.T, transport client.Transport, url string, header http.Header) sent {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = header
	before := header.Clone()
	var out sent
	transport.Base = roundTripper(func(o *http.Request) (*http.Response, error) {
		out = sent{o.Header, o == r}
		return &http.Response{Body: http.NoBody}, nil
	})
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got, want := r.Header.Get(client.Header), before.Get(client.Header); got != want || len(r.Header) != len(before) {
		t.Errorf("the caller's request has the header %q now; it had %q", r.Header, before)
	}
	return out
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestTransport(t *testing.T) {
	with, without := carrying(t, ours, theirs), t.Context()
	list := ours + "~" + theirs
	nobody := func(*http.Request) bool { return false }
	copied := func() http.Header { return http.Header{client.Header: {older}, "Accept": {"*/*"}} }
	for _, row := range []struct {
		name    string
		ctx     context.Context
		forward func(*http.Request) bool
		url     string
		header  http.Header
		want    string
	}{
		{"inside", with, nil, "http://orders:8080/", http.Header{}, list},
		{"inside, without any header", with, nil, "http://orders:8080/", nil, list},
		{"inside, without a snapshot", without, nil, "http://orders:8080/", http.Header{}, ""},
		{"inside, in place of a copy", with, nil, "http://orders:8080/", copied(), list},
		{"inside, copied from an incoming request", without, nil, "http://orders:8080/", copied(), ""},
		{"inside, copied with an empty line before it", without, nil, "http://orders:8080/", http.Header{client.Header: {"", older}}, ""},
		{"outside", with, nil, "https://api.example.com/", http.Header{}, ""},
		{"outside, copied from an incoming request", without, nil, "https://api.example.com/", copied(), ""},
		{"outside, as Forward says", with, everybody, "https://api.example.com/", http.Header{}, list},
		{"inside, but not for Forward", with, nobody, "http://orders:8080/", copied(), ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			out := leave(row.ctx, t, client.Transport{Forward: row.forward}, row.url, row.header)
			if got := strings.Join(out.header.Values(client.Header), ", "); got != row.want {
				t.Errorf("%q leaves; want %q", got, row.want)
			}
			if row.header.Get("Accept") != out.header.Get("Accept") {
				t.Errorf("other headers were %q; now %q", row.header, out.header)
			}
		})
	}
}

// A redirect to somebody else's server does not take the snapshot along.
func TestRedirectsDoNotTakeItAlong(t *testing.T) {
	var arrived []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived = append(arrived, r.Host+" "+r.Header.Get(client.Header))
		if r.URL.Path == "/here" {
			http.Redirect(w, r, "/there", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(server.Close)
	caller := &http.Client{Transport: &client.Transport{
		Base: server.Client().Transport, Forward: func(r *http.Request) bool { return r.URL.Path == "/here" },
	}}
	r, err := http.NewRequestWithContext(carrying(t, ours), http.MethodGet, server.URL+"/here", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := caller.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	caller.CloseIdleConnections()
	host := server.Listener.Addr().String()
	if len(arrived) != 2 || arrived[0] != host+" "+ours || arrived[1] != host+" " {
		t.Errorf("arrived %q; want the snapshot with the first request alone", arrived)
	}
}

func TestInside(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "orders": true, "ORDERS": true, "orders.shop.svc": true, "orders.shop.svc.cluster.local": true,
		"orders.shop.svc.cluster.local.": true, "db.eu-west-1.compute.internal": true, "x.localhost": true,
		"127.0.0.1": true, "::1": true, "10.1.2.3": true, "192.168.0.1": true, "172.16.0.1": true, "fd00::1": true, "::ffff:10.0.0.1": true,
		"": false, "example.com": false, "orders.shop": false, "svc.example.com": false, "notinternal": true, "evil-internal.com": false,
		"8.8.8.8": false, "2001:4860:4860::8888": false, "169.254.169.254": false, "172.32.0.1": false, "::ffff:8.8.8.8": false, "1.2.3": false,
		".": false, "internal.": true, "134744072": false, "0x08080808": false, "example.com.": false,
	} {
		if got := client.Inside(host); got != want {
			t.Errorf("Inside(%q) is %t; want %t", host, got, want)
		}
	}
}
