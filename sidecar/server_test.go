package sidecar

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/valyala/fasthttp"
)

// run serves a development sidecar on a socket and two loopback ports, until the test ends.
func run(t *testing.T, change ...func(*Config)) (s *Sidecar, socket, listen, admin string) {
	t.Helper()
	s = develop(t, shop)
	s.config.Socket, s.config.Listen, s.config.Admin = filepath.Join(shortDir(t), "s.sock"), "127.0.0.1:0", "127.0.0.1:0"
	for _, f := range change {
		f(&s.config)
	}
	if err := s.listen(); err != nil {
		t.Fatal(err)
	}
	all := s.serving
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if err := serveAll(ctx, all); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	return s, s.config.Socket, all[1].Addr().String(), all[2].Addr().String()
}

// exchange writes raw bytes to a connection and reads all that comes, until the other side closes.
func exchange(t *testing.T, network, address, raw string) string {
	t.Helper()
	conn, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, raw) }()
	got, _ := io.ReadAll(conn)
	return string(got)
}

func request(head, body string) string {
	return "POST " + flagsPath + "/on HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + "\r\n" + body
}

func TestRequestsBeyondALimit(t *testing.T) {
	_, socket, listen, _ := run(t)
	for _, row := range []struct{ name, raw, status string }{
		{"good", request("Content-Length: 2\r\n", "{}"), "200"},
		{"body", request("Content-Length: 1000000\r\n", strings.Repeat("x", 1000000)), "413"},
		{"body in chunks", request("Transfer-Encoding: chunked\r\n", "fffff\r\n"+strings.Repeat("x", 0xfffff)+"\r\n0\r\n\r\n"), "413"},
		{"header", request("X: "+strings.Repeat("x", 20000)+"\r\n", ""), "431"},
		{"garbage", "\x00\x01\x02 garbage\r\n\r\n", "400"},
	} {
		for _, at := range [][2]string{{"unix", socket}, {"tcp", listen}} {
			got := exchange(t, at[0], at[1], row.raw)
			response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(got)), nil)
			if err != nil {
				t.Errorf("%s over %s: %q (%v)", row.name, at[0], got, err)
				continue
			}
			body, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if !strings.HasPrefix(response.Status, row.status) || !json.Valid(body) || row.status != "200" && !strings.Contains(string(body), `"errorDetails":"`) {
				t.Errorf("%s over %s: %s %s; want %s with JSON", row.name, at[0], response.Status, body, row.status)
			}
		}
	}
}

// A client that wants the connection closed says so in any case, among other options.
func TestConnectionOptions(t *testing.T) {
	_, socket, _, _ := run(t)
	for options, closes := range map[string]bool{"close": true, "Close": true, "TE, CLOSE": true, "keep-alive ,close": true, "closed": false, "keep-alive": false} {
		first := "POST " + flagsPath + "/on HTTP/1.1\r\nHost: localhost\r\nConnection: " + options + "\r\nContent-Length: 0\r\n\r\n"
		got := exchange(t, "unix", socket, first+request("", ""))
		if answers := strings.Count(got, "HTTP/1.1 200"); answers == 1 != closes {
			t.Errorf("Connection: %s: %d answers; want it to close: %v", options, answers, closes)
		}
	}
}

func TestEveryBoundIsSet(t *testing.T) {
	for _, l := range []limits{evaluationLimits, adminLimits} {
		plain, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		one := newServed("test", plain, newMeter(nil), nil, l)
		_ = one.Close()
		if w := one.patrol.waits; w.request > 5*time.Second || w.answer > 5*time.Second || w.idle > 3*time.Minute || min(w.request, w.answer, w.idle) <= 0 {
			t.Errorf("waits of %+v", w)
		}
		s := one.server
		if s.MaxRequestBodySize == 0 || s.ReadBufferSize == 0 || one.patrol.crowd.bound == 0 || cap(one.patrol.crowd.slots) == 0 {
			t.Errorf("a bound of %+v is not set", l)
		}
	}
}

// Whoever sends half a request is told that time is up, and loses the connection; others do not notice.
func TestHalfARequestTimesOut(t *testing.T) {
	s := develop(t, shop)
	plain, err := net.Listen("unix", filepath.Join(shortDir(t), "s.sock"))
	if err != nil {
		t.Fatal(err)
	}
	one := newServed("socket", plain, s.meter, s.evaluation(), evaluationLimits)
	one.patrol.waits = waits{request: patrolRound, answer: time.Second, idle: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = serveAll(ctx, []served{one}) })
	defer group.Wait()
	defer cancel()

	good, err := net.Dial("unix", plain.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = good.Close() }()
	ask := func() {
		fmt.Fprintf(good, "POST %s/on HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}", flagsPath)
		response, err := http.ReadResponse(bufio.NewReader(good), nil)
		if err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("a good client got %v (%v)", response, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	ask()
	for _, half := range []string{"", "POST ", "POST " + flagsPath + "/on HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{"} {
		got := exchange(t, "unix", plain.Addr().String(), half)
		if !strings.HasPrefix(got, "HTTP/1.1 408") || !strings.Contains(got, "did not arrive in time") {
			t.Errorf("%q: %q; want 408", half, got)
		}
	}
	ask()
}

func TestAdminPages(t *testing.T) {
	s, _, _, admin := run(t)
	for path, status := range map[string]int{"/livez": 200, "/readyz": 200, "/startupz": 200, "/status": 200, "/metrics": 200, "/": 404, "/debug/pprof/": 404} {
		response, err := http.Get("http://" + admin + path)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != status {
			t.Errorf("%s: %d; want %d", path, response.StatusCode, status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if ctx := call(s.admin(), "POST", "/status", ""); ctx.Response.StatusCode() != fasthttp.StatusMethodNotAllowed {
		t.Errorf("POST /status: %d; want 405", ctx.Response.StatusCode())
	}
}

func TestATakenAddressIsSaid(t *testing.T) {
	_, socket, listen, _ := run(t)
	for _, c := range []Config{{Listen: listen}, {Socket: socket}, {Listen: "127.0.0.1:0", Admin: listen}} {
		c.FlagsFile = "unread"
		s, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "listen (") {
			t.Errorf("error %v; want what could not be listened for", err)
		}
	}
}

// scarce gives a fault for its first accepts, as a system does that is out of file descriptors.
type scarce struct {
	net.Listener
	left int
}

func (s *scarce) Accept() (net.Conn, error) {
	if s.left > 0 {
		s.left--
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
	return s.Listener.Accept()
}

func TestAFailedAcceptIsNotTheEnd(t *testing.T) {
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := newMeter(nil)
	ln := newSturdy(&scarce{plain, 3}, m)
	var group sync.WaitGroup
	group.Go(func() {
		if conn, err := net.Dial("tcp", plain.Addr().String()); err == nil {
			_ = conn.Close()
		}
	})
	conn, err := ln.Accept()
	if err != nil || m.acceptFaults.Load() != 3 {
		t.Fatalf("accept gave %v after %d faults; want a connection after 3", err, m.acceptFaults.Load())
	}
	_ = conn.Close()
	group.Wait()
	ln.Listener.(*scarce).left = 1 << 20
	group.Go(func() { _ = ln.Close() })
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a closed listener: %v; want %v", err, net.ErrClosed)
	}
	group.Wait()
}

// A connection that once had a large answer does not keep the memory of it.
func TestConnectionsKeepNoLargeAnswers(t *testing.T) {
	const flags, connections = 3000, 100
	var document strings.Builder
	for i := range flags {
		fmt.Fprintf(&document, `%s"flag-%d":{"state":"ENABLED","variants":{"it":%q},"defaultVariant":"it"}`, strings.Repeat(",", min(i, 1)), i, strings.Repeat("x", 100))
	}
	s := develop(t, `{"flags":{`+document.String()+`}}`)
	s.config.Listen = "127.0.0.1:0"
	if err := s.listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = serveAll(ctx, s.serving) })
	before := heap()
	var open []net.Conn
	for range connections {
		conn, err := net.Dial("tcp", s.serving[0].Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, conn)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n{}%s", flagsPath, 60000, strings.Repeat(" ", 59998))
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, response.Body); err != nil || n < flags*100 {
			t.Fatalf("%d bytes (%v); want all flags", n, err)
		}
		_ = response.Body.Close() // which leaves the connection open
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d idle connections hold %d KiB; want no answers in it", connections, grown>>10)
	}
	for _, conn := range open {
		_ = conn.Close()
	}
	cancel()
	group.Wait()
}

// heap is the memory in use after a collection.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
