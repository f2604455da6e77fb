package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

// hang takes connections and says nothing.
func hang(t testing.TB) string {
	return clienttest.Connect(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
}

// say answers every connection's first request with those bytes, and hangs up.
func say(t testing.TB, text string) string {
	return clienttest.Connect(t, func(conn net.Conn) {
		_ = readRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	})
}

func readRequest(r *bufio.Reader) error {
	request, err := http.ReadRequest(r)
	if err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, request.Body)
	return err
}

func nobody(t testing.TB) string { return filepath.Join(clienttest.Folder(t), "nobody.sock") }

// flood writes much more than anybody should read, and tells whether all of it was taken.
func flood(w io.Writer) bool {
	part := make([]byte, 1<<16)
	for range 1 << 12 {
		if _, err := w.Write(part); err != nil {
			return false
		}
	}
	return true
}

// failures are sidecars that give no answer, or none that can be read.
var failures = []struct {
	name string
	at   func(testing.TB) string
	want error
}{
	{"no socket", nobody, client.ErrAway},
	{"a hang", hang, client.ErrAway},
	{"a hang-up", func(t testing.TB) string { return say(t, "") }, client.ErrAway},
	{"half a header", func(t testing.TB) string { return say(t, "HTTP/1.1 200 OK\r\nContent-") }, client.ErrAway},
	{"half a body", func(t testing.TB) string {
		return say(t, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"key\":\"f\",")
	}, client.ErrAway},
	{"not HTTP", func(t testing.TB) string { return say(t, "SSH-2.0-OpenSSH_9.2\r\n") }, client.ErrAway},
	{"a header that is too long", func(t testing.TB) string {
		const body = `{"key":"f","value":true,"token":"a","flags":[{"key":"f"}]}`
		return say(t, fmt.Sprintf("HTTP/1.1 200 OK\r\nX: %s\r\nContent-Length: %d\r\n\r\n%s", strings.Repeat("x", 1<<17), len(body), body))
	}, client.ErrAway},
	{"no JSON", func(t testing.TB) string { return clienttest.Answer(t, 200, "<html>") }, client.ErrAnswer},
	{"nothing", func(t testing.TB) string { return clienttest.Answer(t, 200, "") }, client.ErrAnswer},
	{"two answers in one", func(t testing.TB) string {
		return clienttest.Answer(t, 200, `{"key":"f","value":true,"token":"a"} {}`)
	}, client.ErrAnswer},
	{"another type", func(t testing.TB) string {
		return clienttest.Answer(t, 200, `{"key":"f","variant":7,"token":7}`)
	}, client.ErrAnswer},
	{"another status", func(t testing.TB) string { return clienttest.Answer(t, 418, `{}`) }, client.ErrAnswer},
	{"elsewhere", func(t testing.TB) string {
		return say(t, "HTTP/1.1 307 \r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\n{}")
	}, client.ErrAnswer},
	{"an answer that says it is too long", func(t testing.TB) string {
		return say(t, "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n{}")
	}, client.ErrAnswer},
	{"an answer without end", func(t testing.TB) string {
		return clienttest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { flood(w) })
	}, client.ErrAnswer},
}

func TestFailuresAreErrorsInTime(t *testing.T) {
	for _, row := range failures {
		t.Run(row.name, func(t *testing.T) {
			c := configure(t, client.Config{Socket: row.at(t), Timeout: patienceFor(row.name), Logger: silent})
			if flag, err := c.Evaluate(t.Context(), "f", nil); !errors.Is(err, row.want) || flag.Value != nil {
				t.Errorf("Evaluate gives %+v, error %v; want none, and that %v", flag, err, row.want)
			}
			if s, err := c.Open(t.Context()); !errors.Is(err, row.want) || !s.IsZero() {
				t.Errorf("Open gives %q, error %v; want none, and that %v", s, err, row.want)
			}
			if values, err := c.Values(t.Context(), nil, "f"); !errors.Is(err, row.want) || values.Flags != nil {
				t.Errorf("Values gives %+v, error %v; want none, and that %v", values, err, row.want)
			}
		})
	}
}

// patienceFor gives all the time that a test may need, but for what takes all that it is given.
func patienceFor(failure string) time.Duration {
	if failure == "a hang" {
		return 20 * time.Millisecond
	}
	return clienttest.Patience
}

// Without a setting, nobody waits for longer than a page can.
func TestTheDefaultTimeout(t *testing.T) {
	c := configure(t, client.Config{Socket: hang(t)})
	if _, err := c.Evaluate(t.Context(), "f", nil); !errors.Is(err, client.ErrAway) || !strings.Contains(err.Error(), "within 250ms") {
		t.Errorf("error %v; want ErrAway after 250ms", err)
	}
}

// What is too long is not read to its end.
func TestAnAnswerWithoutEndIsNotRead(t *testing.T) {
	taken := make(chan bool, 1)
	c := connect(t, clienttest.Serve(t, func(w http.ResponseWriter, _ *http.Request) { taken <- flood(w) }))
	if _, err := c.Values(t.Context(), nil); !errors.Is(err, client.ErrAnswer) || !strings.Contains(err.Error(), "more than 16777216 bytes") {
		t.Errorf("error %v; want ErrAnswer, and the bound", err)
	}
	if <-taken {
		t.Error("256 MiB were taken")
	}
}

// An answer about another flag, or about flags that were not asked for, is none.
func TestAnswersToOtherQuestions(t *testing.T) {
	if _, err := connect(t, clienttest.Answer(t, 200, `{"key":"g","value":true}`)).Evaluate(t.Context(), "f", nil); !errors.Is(err, client.ErrAnswer) {
		t.Errorf("asked for f, answered about g: error %v", err)
	}
	for _, flags := range []string{`[]`, `[{"key":"g"}]`, `[{"key":"f"},{"key":"g"}]`} {
		socket := clienttest.Answer(t, 200, fmt.Sprintf(`{"revision":1,"token":"a","flags":%s}`, flags))
		if _, err := connect(t, socket).Values(t.Context(), nil, "f"); !errors.Is(err, client.ErrAnswer) {
			t.Errorf("asked for f, answered %s: error %v", flags, err)
		}
	}
}

func TestWhatCannotBeAsked(t *testing.T) {
	c := connect(t, nobody(t))
	if _, err := c.Evaluate(t.Context(), "f", map[string]any{"callback": func() {}}); !errors.Is(err, client.ErrContext) {
		t.Errorf("a context with a function: error %v; want ErrContext", err)
	}
	if flag, err := c.Evaluate(t.Context(), "", nil); err != nil || flag.ErrorCode != "FLAG_NOT_FOUND" || flag.Err() == nil {
		t.Errorf("an empty key: %+v, error %v; want FLAG_NOT_FOUND", flag, err)
	}
}

// A caller who goes away gets its own reason back, at once, and it is not counted against the sidecar.
func TestACallerGoesAway(t *testing.T) {
	c := connect(t, hang(t))
	reason := errors.New("the customer closed the page")
	for range 20 {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(reason)
		if _, err := c.Evaluate(ctx, "f", nil); !errors.Is(err, reason) || errors.Is(err, client.ErrAway) {
			t.Fatalf("error %v; want the caller's reason", err)
		}
	}
}

// answers writes one whole answer to f.
func answers(conn net.Conn) {
	const body = `{"key":"f","value":true}`
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// Connections are kept. One that died while nobody used it costs nobody an answer.
func TestADeadConnectionIsReplaced(t *testing.T) {
	var connections, requests atomic.Int64
	c := connect(t, clienttest.Connect(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		first, r := connections.Add(1) == 1, bufio.NewReader(conn)
		for n := 0; readRequest(r) == nil; n++ {
			requests.Add(1)
			if first && n == 2 {
				return // as one that died when the third request was on its way
			}
			answers(conn)
		}
	}))
	for i := range 4 {
		if flag, err := c.Evaluate(t.Context(), "f", nil); err != nil || string(flag.Value) != "true" {
			t.Fatalf("call %d: %+v, error %v; want true", i, flag, err)
		}
	}
	if connections.Load() != 2 || requests.Load() != 5 {
		t.Errorf("%d connections and %d requests for 4 calls, of which one met a dead connection; want 2 and 5", connections.Load(), requests.Load())
	}
}

// What fails on a connection of its own is not asked again: it might be the question that the sidecar cannot bear.
func TestNothingIsAskedTwice(t *testing.T) {
	var requests atomic.Int64
	c := connect(t, clienttest.Connect(t, func(conn net.Conn) {
		if readRequest(bufio.NewReader(conn)) == nil {
			requests.Add(1)
		}
		_ = conn.Close()
	}))
	if _, err := c.Evaluate(t.Context(), "f", nil); !errors.Is(err, client.ErrAway) {
		t.Errorf("error %v; want ErrAway", err)
	}
	if n := requests.Load(); n != 1 {
		t.Errorf("asked %d times; want once", n)
	}
}

// A crowd of callers shares a few connections, and all get their answers.
func TestConnectionsAreBounded(t *testing.T) {
	var now, most atomic.Int64
	socket := clienttest.Connect(t, func(conn net.Conn) {
		for n := now.Add(1); ; {
			if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
				break
			}
		}
		defer now.Add(-1)
		for r := bufio.NewReader(conn); readRequest(r) == nil; {
			answers(conn)
		}
		_ = conn.Close()
	})
	c := configure(t, client.Config{Socket: socket, Timeout: clienttest.Patience, Connections: 3})
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if _, err := c.Evaluate(t.Context(), "f", nil); err != nil {
				t.Error(err)
			}
		})
	}
	callers.Wait()
	if n := most.Load(); n > 3 {
		t.Errorf("%d connections at once; want at most 3", n)
	}
}

// Only the first callers wait for a sidecar that hangs; once it answers again it is asked as before.
func TestASidecarThatHangsIsSpared(t *testing.T) {
	var asked atomic.Int64
	var wakes sync.Once
	awake := make(chan struct{})
	wake := func() { wakes.Do(func() { close(awake) }) }
	socket := clienttest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		select {
		case <-awake:
			_, _ = io.WriteString(w, `{"key":"f","value":true}`)
		case <-r.Context().Done():
		}
	})
	t.Cleanup(wake)
	c := hurried(t, socket)
	begin := time.Now()
	for range 200 {
		if _, err := c.Evaluate(t.Context(), "f", nil); !errors.Is(err, client.ErrAway) {
			t.Fatalf("error %v; want ErrAway", err)
		}
	}
	// Five calls, and one for each second that this took; never the two hundred that would take four seconds.
	if n, most := asked.Load(), 5+int64(time.Since(begin)/time.Second)+1; n > most {
		t.Errorf("asked %d times by 200 calls in %s; want at most %d", n, time.Since(begin), most)
	}
	wake()
	clienttest.Eventually(t, func() error {
		_, err := c.Evaluate(t.Context(), "f", nil)
		return err
	})
	for range 10 {
		if _, err := c.Evaluate(t.Context(), "f", nil); errors.Is(err, client.ErrAway) && strings.Contains(err.Error(), "once a second") {
			t.Fatalf("after an answer: %v", err)
		}
	}
}
