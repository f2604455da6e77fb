package network

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// meddler answers a request itself, or lets it pass to the real server.
type meddler func(w http.ResponseWriter, r *http.Request, pass http.Handler)

// front stands before the server and speaks HTTP: it spoils answers where a proxy of bytes could not.
type front struct {
	*httptest.Server
	mu       sync.Mutex
	meddle   meddler
	requests []string // method and path of each
}

// newFront makes one that lets everything pass.
func (s *site) newFront(t *testing.T) *front {
	t.Helper()
	f := &front{}
	f.Server = httptest.NewUnstartedServer(f.handler(t, s))
	f.Config.ErrorLog = log.New(io.Discard, "", 0) // broken connections are what is tested
	t.Cleanup(f.Close)
	return f
}

// front is newFront, started, with the shop behind it.
func (s *site) front(t *testing.T) (*front, *kit.Shop) {
	t.Helper()
	f := s.newFront(t)
	f.Start()
	return f, s.at(f.URL)
}

func (f *front) handler(t *testing.T, s *site) http.Handler {
	t.Helper()
	target, err := url.Parse(s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true} // what is signed must pass as it is
	t.Cleanup(transport.CloseIdleConnections)
	pass := &httputil.ReverseProxy{
		Transport: transport,
		ErrorLog:  log.New(io.Discard, "", 0),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		meddle := f.meddle
		f.requests = append(f.requests, r.Method+" "+r.URL.Path)
		f.mu.Unlock()
		if meddle == nil {
			meddle = func(w http.ResponseWriter, r *http.Request, pass http.Handler) { pass.ServeHTTP(w, r) }
		}
		meddle(w, r, pass)
	})
}

// set spoils requests from now on; nil lets them pass. It forgets the requests so far.
func (f *front) set(m meddler) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.meddle, f.requests = m, nil
}

// seen are the requests since set, of paths that hold part.
func (f *front) seen(part string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, request := range f.requests {
		if strings.Contains(request, part) {
			n++
		}
	}
	return n
}

// refuse answers as S3 does, with header lines as "Name: value".
func refuse(status int, code string, header ...string) meddler {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for _, line := range header {
			name, value, _ := strings.Cut(line, ": ")
			w.Header().Set(name, value)
		}
		w.Header().Set("Content-Type", "application/xml")
		w.Header().Set("X-Amz-Request-Id", "REQUEST1")
		w.WriteHeader(status)
		_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><Message>So it is.</Message><RequestId>REQUEST1</RequestId></Error>`, code)
	}
}

// says answers with a page, whatever was asked.
func page(contentType, body string) meddler {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", contentType)
		_, _ = io.WriteString(w, body)
	}
}

// drop closes the connection without an answer, and sends what it has of one before.
func drop(w http.ResponseWriter, part string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err) // a server of HTTP/1 gives its connection
	}
	_, _ = io.WriteString(conn, part)
	_ = conn.Close()
}

// only meddles with one method and the paths that hold part.
func only(method, part string, m meddler) meddler {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		if r.Method == method && strings.Contains(r.URL.Path, part) {
			m(w, r, pass)
			return
		}
		pass.ServeHTTP(w, r)
	}
}

// once meddles with the first request that comes.
func once(m meddler) meddler {
	var done sync.Once
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		spoilt := false
		done.Do(func() { spoilt = true; m(w, r, pass) })
		if !spoilt {
			pass.ServeHTTP(w, r)
		}
	}
}
