package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// While it rests, one of all who want to ask may, once a second; an answer ends the rest.
func TestRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r rest
		allowed := func() (n int) {
			for range 100 {
				if r.allow() {
					n++
				}
			}
			return n
		}
		for range restAfter - 1 {
			r.timedOut()
		}
		if n := allowed(); n != 100 {
			t.Errorf("after %d misses %d of 100 may ask; want all", restAfter-1, n)
		}
		r.answered()
		for range restAfter {
			r.timedOut()
		}
		for second := range 3 {
			if n := allowed(); second == 0 && n != 0 || second > 0 && n != 1 {
				t.Errorf("second %d: %d of 100 may ask", second, n)
			}
			r.timedOut() // the one that asked
			time.Sleep(restFor)
		}
		r.answered()
		if n := allowed(); n != 100 {
			t.Errorf("after an answer %d of 100 may ask; want all", n)
		}
	})
}

// Misses are counted in a row. What comes at once, be it an answer or not, is a sidecar that does not hang.
func TestWhatComesAtOnceEndsTheRow(t *testing.T) {
	says := func(what string) func() (net.Conn, error) {
		return func() (net.Conn, error) {
			ours, its := net.Pipe()
			go func() {
				_, _ = its.Read(make([]byte, maxHeader)) // a part of the question
				_, _ = io.WriteString(its, what)
				_ = its.Close()
			}()
			return ours, nil
		}
	}
	for _, row := range []struct {
		name  string
		comes func() (net.Conn, error)
		want  error
		rests bool
	}{
		{"an answer that is too long", says("HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"), ErrAnswer, false},
		{"no HTTP", says("hello\r\n\r\n"), ErrAway, false},
		{"nothing", says(""), ErrAway, false},
		{"a refusal", func() (net.Conn, error) { return net.Dial("unix", filepath.Join(t.TempDir(), "s")) }, ErrAway, false},
		{"a full queue", func() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Err: syscall.EAGAIN} }, ErrAway, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLine(Config{Address: "burgee:1", Timeout: time.Second})
			var hangs atomic.Bool
			hangs.Store(true)
			l.transport.DialContext = func(context.Context, string, string) (net.Conn, error) {
				if hangs.Load() {
					time.Sleep(2 * l.timeout)
					return nil, syscall.ETIMEDOUT
				}
				return row.comes()
			}
			ask := func() error {
				_, err := l.ask(t.Context(), &url.URL{Path: flagsPath}, []byte("{}"), 100)
				time.Sleep(2 * l.timeout)
				return err
			}
			for range restAfter - 1 {
				_ = ask()
			}
			hangs.Store(false)
			if err := ask(); !errors.Is(err, row.want) {
				t.Errorf("%s: %v; want %v", row.name, err, row.want)
			}
			hangs.Store(true)
			_ = ask()
			if rests := l.rest.misses.Load() >= restAfter; rests != row.rests {
				t.Errorf("%s: it rests after %d misses in all: %t; want %t", row.name, restAfter, rests, row.rests)
			}
			l.transport.CloseIdleConnections()
		})
	}
}
