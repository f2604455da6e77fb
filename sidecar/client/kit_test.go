package client_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

func TestMain(m *testing.M) {
	clienttest.Main(leakless{m})
}

// leakless runs the tests, and then wants no goroutine left.
type leakless struct{ m *testing.M }

func (l leakless) Run() int {
	if code := l.m.Run(); code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

var silent = slog.New(slog.DiscardHandler)

// connect gives a client with all the time that a test may need.
func connect(t testing.TB, socket string) *client.Client {
	t.Helper()
	return configure(t, client.Config{Socket: socket, Timeout: clienttest.Patience, Logger: silent})
}

// hurried gives one that soon loses its patience, for a sidecar that gives no answer.
func hurried(t testing.TB, socket string) *client.Client {
	t.Helper()
	return configure(t, client.Config{Socket: socket, Timeout: 20 * time.Millisecond, Logger: silent})
}

func configure(t testing.TB, config client.Config) *client.Client {
	t.Helper()
	c, err := client.New(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// Tokens with the shape of real ones.
var (
	ours   = "u1.7." + strings.Repeat("ab", 32)
	older  = "u1.6." + strings.Repeat("cd", 32)
	theirs = "r1." + strings.Repeat("Z_-9", 32)
)

// sidecar stands in for the calls that end in a snapshot: it answers with ours, or as it is told, and notes what it was asked.
type sidecar struct {
	mu    sync.Mutex
	asked []string // the header of each call
	body  string   // of the last call
	says  string   // instead of an answer with ours
}

func (s *sidecar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body) // a client that hangs up is looked at by the test
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r.Header.Get(client.Header))
	s.body = string(body)
	says := s.says
	if says == "" {
		says = fmt.Sprintf(`{"revision":7,"token":%q,"cacheKey":"0123456789abcdef0123456789abcdef","flags":[],"metadata":{}}`, ours)
	}
	_, _ = io.WriteString(w, says)
}

func (s *sidecar) calls() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.asked...)
}

// carrying is a context with a list of tokens as it would travel.
func carrying(t testing.TB, tokens ...string) context.Context {
	t.Helper()
	return client.With(t.Context(), client.Parse(strings.Join(tokens, "~")))
}
