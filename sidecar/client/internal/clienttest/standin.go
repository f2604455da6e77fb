// Package clienttest is what the tests of this module ask: a real burgee, and stand-ins for what a real one does not do.
package clienttest

import (
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Patience bounds every wait for something that is to happen.
const Patience = 20 * time.Second

// Folder is a folder with a path short enough for a socket in it.
func Folder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "burgee")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// Listen listens on a new socket.
func Listen(t testing.TB) (net.Listener, string) {
	t.Helper()
	socket := filepath.Join(Folder(t), "s.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	return listener, socket
}

// Serve has a handler stand in for a sidecar, and gives its socket.
func Serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	listener, socket := Listen(t)
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close() // of the port that it was given
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return socket
}

// Answer serves one answer, always.
func Answer(t testing.TB, status int, body string) string {
	t.Helper()
	return Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body)) // a client that has seen enough hangs up
	})
}

// Connect hands each connection to a function that is not HTTP's.
func Connect(t testing.TB, serve func(net.Conn)) string {
	t.Helper()
	listener, socket := Listen(t)
	var mu sync.Mutex
	var open []net.Conn
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			mu.Lock()
			open = append(open, conn)
			mu.Unlock()
			running.Go(func() { serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		mu.Lock()
		for _, conn := range open {
			_ = conn.Close()
		}
		mu.Unlock()
		running.Wait()
	})
	return socket
}

// Eventually looks again until try gives nil, and fails with its last error where patience ends.
func Eventually(t testing.TB, try func() error) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %v", Patience, err)
		case <-tick.C:
		}
	}
}
