// Package toxiproxy runs a real proxy of that name for tests: it stands between a client and a server on loopback and spoils what passes,
// below HTTP, where no handler could. It is for tests only.
package toxiproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"testing"
	"time"
)

// Binary is the environment variable with the path of the proxy's binary.
const Binary = "BURGEE_TEST_TOXIPROXY"

// Server is one process, with as many proxies as a test makes.
type Server struct {
	binary  string
	api     string // host:port
	client  *http.Client
	proxies int
}

// Start gives a running process without proxies, and ends it with the test. Without a binary it skips the test.
func Start(t testing.TB) *Server {
	t.Helper()
	binary := os.Getenv(Binary)
	if binary == "" {
		t.Skipf("SKIP: %s is not set to a toxiproxy-server binary; run: make network-test", Binary)
	}
	s := &Server{binary: binary, client: &http.Client{Timeout: time.Minute}}
	s.startAnywhere(t)
	return s
}

// Proxy is one way to one server.
type Proxy struct {
	Address string // host:port to connect to

	server *Server
	path   string
	toxics []string // their paths
}

// Toxic is one way to spoil what passes; its kinds and their attributes are toxiproxy's.
type Toxic struct {
	Type       string         `json:"type"`
	Stream     string         `json:"stream"` // "downstream": answers; "upstream": requests
	Attributes map[string]int `json:"attributes"`
}

// Proxy makes a way to upstream, a host:port, that spoils nothing yet.
func (s *Server) Proxy(t testing.TB, upstream string) *Proxy {
	t.Helper()
	s.proxies++
	name := fmt.Sprintf("proxy%d", s.proxies)
	var made struct{ Listen string }
	s.do(t, http.MethodPost, "/proxies", map[string]any{"name": name, "listen": "127.0.0.1:0", "upstream": upstream, "enabled": true}, &made)
	return &Proxy{Address: made.Listen, server: s, path: "/proxies/" + name}
}

// Add spoils what passes from now on, on connections that stand already too.
func (p *Proxy) Add(t testing.TB, toxics ...Toxic) {
	t.Helper()
	for _, toxic := range toxics {
		var made struct{ Name string }
		p.server.do(t, http.MethodPost, p.path+"/toxics", toxic, &made)
		p.toxics = append(p.toxics, p.path+"/toxics/"+made.Name)
	}
}

// Cut ends all connections and refuses others.
func (p *Proxy) Cut(t testing.TB) {
	t.Helper()
	p.server.do(t, http.MethodPost, p.path, map[string]any{"enabled": false}, nil)
}

// Mend takes all faults away.
func (p *Proxy) Mend(t testing.TB) {
	t.Helper()
	for _, toxic := range p.toxics {
		p.server.do(t, http.MethodDelete, toxic, nil, nil)
	}
	p.toxics = nil
	p.server.do(t, http.MethodPost, p.path, map[string]any{"enabled": true}, nil)
}

// do calls the process's API.
func (s *Server) do(t testing.TB, method, path string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.api+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		t.Fatalf("toxiproxy: %v", err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("toxiproxy: %s %s: %s %s (%v)", method, path, response.Status, text, err)
	}
	if out == nil {
		return
	}
	if err := json.Unmarshal(text, out); err != nil {
		t.Fatalf("toxiproxy: %s %s: %s: %v", method, path, text, err)
	}
}
