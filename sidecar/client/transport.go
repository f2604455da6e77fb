package client

import (
	"net/http"
	"net/netip"
	"strings"
)

// Transport passes the snapshot of a request's context on to the next service.
type Transport struct {
	Base http.RoundTripper // nil means http.DefaultTransport

	// Forward tells whether the server of this request is one's own; nil asks [Inside] for the host. A token is no secret, but it says which
	// revision of the flags runs here, and that is nobody else's business.
	Forward func(*http.Request) bool
}

// RoundTrip sends the request with the header, or, to others' servers and where the context carries no snapshot, without it: a header that
// a proxy copied from an incoming request would have the next service trust what nobody here did. The request that was given stays as it is.
func (t *Transport) RoundTrip(r *http.Request) (*http.Response, error) {
	s, found := From(r.Context())
	switch passes := found && t.forward(r); {
	case passes:
		r = r.WithContext(r.Context())
		if r.Header = r.Header.Clone(); r.Header == nil {
			r.Header = http.Header{}
		}
		r.Header.Set(Header, s.String())
	case len(r.Header.Values(Header)) > 0:
		r = r.WithContext(r.Context())
		r.Header = r.Header.Clone()
		r.Header.Del(Header)
	}
	return t.base().RoundTrip(r)
}

func (t *Transport) forward(r *http.Request) bool {
	if t.Forward != nil {
		return t.Forward(r)
	}
	return Inside(r.URL.Hostname())
}

func (t *Transport) base() http.RoundTripper {
	if t.Base != nil {
		return t.Base
	}
	return http.DefaultTransport
}

// CloseIdleConnections passes on what [http.Client.CloseIdleConnections] asks for.
func (t *Transport) CloseIdleConnections() {
	if base, can := t.base().(interface{ CloseIdleConnections() }); can {
		base.CloseIdleConnections()
	}
}

// insideDomains cannot be had by anybody on the public internet.
var insideDomains = []string{".svc", ".cluster.local", ".internal", ".localhost"}

// Inside tells whether a host can only be one's own: a loopback or private address, a name without a dot (a service of the same Kubernetes
// namespace, localhost), or one under .svc, .cluster.local, .internal or .localhost. A name such as orders.shop is none: there is a
// top-level domain of that name.
func Inside(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if !strings.Contains(host, ".") {
		return host != "" && 'a' <= host[0] && host[0] <= 'z' // some resolvers read 134744072 as an address
	}
	for _, domain := range insideDomains {
		if strings.HasSuffix(host, domain) {
			return true
		}
	}
	return false
}
