package client

import "net/http"

// Middleware gives each incoming request its snapshot.
type Middleware struct {
	Client *Client // required

	// TrustIncoming tells whether the request comes from one of one's own services, so that the snapshot that it carries is adopted; nil
	// trusts nobody. A snapshot can be no forgery, but it can be an old one: who may choose among the states of the last minutes may
	// choose the one before a mistake was mended.
	TrustIncoming func(*http.Request) bool
}

// Wrap gives a handler that calls next with the request's snapshot in its context. The header is taken out of what next sees, whether it
// was trusted or not: the context is the one place to read it from, and [Transport] the one way out. Where the sidecar is away, next is
// called all the same. Without a Client it panics: better where the program starts than at the first request.
func (m Middleware) Wrap(next http.Handler) http.Handler {
	if m.Client == nil {
		panic("client: Middleware has no Client to ask for snapshots: set it to what client.New gives")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := r.Context()
		lines := r.Header.Values(Header)
		if len(lines) > 0 && m.TrustIncoming != nil && m.TrustIncoming(r) {
			ctx = With(ctx, Parse(lines...))
		}
		r = r.WithContext(m.Client.Enter(ctx))
		if len(lines) > 0 {
			r.Header = r.Header.Clone() // the caller's request stays as it is
			r.Header.Del(Header)
		}
		next.ServeHTTP(w, r)
	})
}
