package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// running is a webhook that serves, on ports of the kernel's choice.
type running struct {
	*fixture
	w              *Webhook
	reviews, admin string // addresses
	stop           func()
	ended          chan error
}

func run(t *testing.T, times func(*times)) *running {
	t.Helper()
	f := newFixture(t)
	f.rotate(t, 1, time.Now().Add(-time.Minute), time.Now().Add(time.Hour))
	w, err := New(f.config(t))
	if err != nil {
		t.Fatal(err)
	}
	times(&w.times)
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{fixture: f, w: w, stop: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- w.Run(ctx) }()
	kit.Eventually(t, func() error {
		for _, m := range regexp.MustCompile(`for=(\w+) address=(\S+)`).FindAllStringSubmatch(f.log.String(), -1) {
			if m[1] == "admin" {
				r.admin = m[2]
			} else {
				r.reviews = m[2]
			}
		}
		if r.admin == "" || r.reviews == "" {
			return errors.New("it does not listen")
		}
		return nil
	})
	return r
}

// wait wants the good end.
func (r *running) wait(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}

// client trusts the authority; with http2 it speaks as the API server does.
func (r *running) client(t *testing.T, http2 bool) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.authority.Pool()}, ForceAttemptHTTP2: http2}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: kit.Patience}
}

func page(t *testing.T, address, path string) (int, string) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: kit.Patience}
	answer, err := client.Get("http://" + address + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

func TestServesWithTLS(t *testing.T) {
	r := run(t, func(its *times) { its.after = func(time.Duration) <-chan time.Time { return time.After(0) } })
	for _, http2 := range []bool{true, false} {
		answer, err := r.client(t, http2).Post("https://"+r.reviews+"/inject", "application/json", strings.NewReader(asked(small)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK || !strings.Contains(string(body), `"allowed":true,"patchType":"JSONPatch"`) {
			t.Errorf("%s: %d %s, error %v", answer.Proto, answer.StatusCode, body, err)
		}
		if (answer.ProtoMajor == 2) != http2 || answer.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v; want HTTP/2: %v", answer.Proto, answer.Header, http2)
		}
	}
	old := &tls.Config{RootCAs: r.authority.Pool(), MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	if conn, err := tls.Dial("tcp", r.reviews, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is taken")
	}
	for path, want := range map[string]string{
		"/livez": "ok\n", "/readyz": "ok\n", "/metrics": `burgee_injections_total{result="injected"} 2`,
		"/": "no such path; there are /livez, /readyz and /metrics\n",
	} {
		code, text := page(t, r.admin, path)
		if (code == 200) != (path != "/") || !strings.Contains(text, want) {
			t.Errorf("%s: %d %s; want %s", path, code, text, want)
		}
	}
	r.wait(t)
}

// After the signal it is not ready, and goes on answering for the grace; a review that is under way then is answered too. The test says when
// the grace is over, and no review is late however slow this machine is.
func TestStopsAfterTheLastReview(t *testing.T) {
	over := make(chan time.Time)
	r := run(t, func(its *times) {
		its.read, its.write, its.shutdown = kit.Patience, kit.Patience, kit.Patience
		its.after = func(grace time.Duration) <-chan time.Time {
			if grace != DefaultGrace {
				t.Errorf("a grace of %s", grace)
			}
			return over
		}
	})
	body, sends := io.Pipe()
	answers := make(chan error, 1)
	go func() {
		answer, err := r.client(t, true).Post("https://"+r.reviews+"/inject", "application/json", body)
		if err == nil {
			text, _ := io.ReadAll(answer.Body)
			_ = answer.Body.Close()
			if !strings.Contains(string(text), "JSONPatch") {
				err = errors.New(answer.Status + " " + string(text))
			}
		}
		answers <- err
	}()
	whole := asked(small)
	if _, err := io.WriteString(sends, whole[:100]); err != nil {
		t.Fatal(err)
	}
	kit.Eventually(t, func() error {
		if n := r.w.held.Load(); n != 100 {
			return fmt.Errorf("%d bytes of the review have arrived", n)
		}
		return nil
	})
	r.stop()
	kit.Eventually(t, func() error {
		if code, text := page(t, r.admin, "/readyz"); code != 503 || text != "stopping\n" {
			return errors.New("/readyz says " + text)
		}
		return nil
	})
	answer, err := r.client(t, true).Post("https://"+r.reviews+"/inject", "application/json", strings.NewReader(whole))
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("within the grace: %v, error %v", answer, err)
	}
	_ = answer.Body.Close()
	close(over)
	kit.Eventually(t, func() error {
		if conn, err := net.Dial("tcp", r.reviews); err == nil {
			_ = conn.Close()
			return errors.New("it still takes connections")
		}
		return nil
	})
	if _, err := io.WriteString(sends, whole[100:]); err != nil {
		t.Fatal(err)
	}
	_ = sends.Close()
	if err := <-answers; err != nil {
		t.Errorf("the review that was under way: %v", err)
	}
	r.wait(t)
}

// The certificate that it has alone decides whether it is ready; what is wrong with the files is said beside.
func TestReady(t *testing.T) {
	w, f := started(t)
	now := time.Now()
	for _, row := range []struct {
		at   time.Time
		code int
		want string
	}{{now, 200, "ok"}, {now.Add(2 * time.Hour), 503, "the certificate is valid from "}, {now.Add(-time.Hour), 503, "the certificate is valid from "}} {
		if code, text := w.ready(row.at); code != row.code || !strings.HasPrefix(text, row.want) {
			t.Errorf("at %s: %d %s; want %d %s", row.at, code, text, row.code, row.want)
		}
	}
	kit.Mount(t, f.folder, map[string][]byte{"tls.crt": []byte("x"), "tls.key": []byte("y")})
	kit.Eventually(t, func() error {
		if code, text := w.ready(now); code != 200 || !strings.HasPrefix(text, "ok, but not taken: certificate "+f.file("tls.crt")) {
			return errors.New(text)
		}
		return nil
	})
	recorder := httptest.NewRecorder()
	w.admin().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"burgee_inject_certificate_not_taken 1\n", `burgee_build_info{version="test"} 1` + "\n", "\ngo_goroutines "} {
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("/metrics does not say %s", want)
		}
	}
	recorder = httptest.NewRecorder()
	w.admin().ServeHTTP(recorder, httptest.NewRequest(http.MethodPost, "/readyz", nil))
	if recorder.Code != 405 {
		t.Errorf("POST /readyz: %d", recorder.Code)
	}
}

func TestAnAddressThatIsTaken(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	w, _ := started(t)
	w.config.Admin = taken.Addr().String()
	if err := w.Run(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "listen (admin): ") {
		t.Errorf("error %v", err)
	}
}

// Each wait that a stranger could cause has an end.
func TestTheServerIsBounded(t *testing.T) {
	w, _ := started(t)
	s := w.server(nil)
	for name, bound := range map[string]time.Duration{"header": s.ReadHeaderTimeout, "read": s.ReadTimeout, "write": s.WriteTimeout, "idle": s.IdleTimeout} {
		if bound <= 0 || bound > 2*time.Minute {
			t.Errorf("%s: %s", name, bound)
		}
	}
	if s.MaxHeaderBytes > maxHeader || s.TLSConfig.MinVersion < tls.VersionTLS12 {
		t.Errorf("header %d, TLS %x", s.MaxHeaderBytes, s.TLSConfig.MinVersion)
	}
}

// More reviews than there are places wait, and one whose asker has gone gives up.
func TestReviewsWaitForAPlace(t *testing.T) {
	w, _ := started(t)
	for range maxReviews {
		w.places <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	recorder := httptest.NewRecorder()
	w.review(recorder, httptest.NewRequestWithContext(ctx, http.MethodPost, path, strings.NewReader(asked(small))))
	if recorder.Body.Len() != 0 || counted(t, w, injected) != 0 {
		t.Errorf("an answer without a place: %s", recorder.Body)
	}
	<-w.places
	if code, text := post(w, strings.NewReader(asked(small))); code != 200 || len(w.places) != maxReviews-1 {
		t.Errorf("with a place: %d %s, and %d places taken", code, text, len(w.places))
	}
}

// A mistake of ours is an error of that one review.
func TestAPanicIsAnError(t *testing.T) {
	w, f := started(t)
	w.config.Definition = nil
	if code, text := post(w, strings.NewReader(asked(small))); code != 500 || text != "internal error\n" || f.log.count("mistake of ours") != 1 {
		t.Errorf("%d %s; the log says\n%s", code, text, f.log)
	}
	if len(w.places) != 0 {
		t.Error("its place is not given back")
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := newBounded(ln, 1)
	accepted := make(chan net.Conn)
	go func() {
		defer close(accepted)
		for {
			conn, err := b.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for range 2 {
		conn, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
	}
	first := <-accepted
	select {
	case <-accepted:
		t.Error("a second connection found a place")
	case <-time.After(50 * time.Millisecond):
	}
	_ = first.Close()
	_ = first.Close() // gives its place back once
	second := <-accepted
	if len(b.places) != 1 {
		t.Errorf("%d places taken; want 1", len(b.places))
	}
	_ = b.Close() // while Accept waits for a place
	if conn, more := <-accepted; more {
		t.Errorf("%v was taken after the end", conn.RemoteAddr())
	}
	_ = second.Close()
}
