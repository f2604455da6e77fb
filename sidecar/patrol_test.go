package sidecar

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// patrolTest is a watched connection and its other end, with a patrol on its round.
// What else the test starts ends when the connection does.
func patrolTest(t *testing.T, w waits, f func(t *testing.T, group *sync.WaitGroup, server, client net.Conn)) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatrol(w)
		go p.run(t.Context())
		near, far := net.Pipe()
		server := p.watch(near)
		var group sync.WaitGroup
		f(t, &group, server, far)
		_, _ = server.Close(), far.Close()
		group.Wait()
		if !p.alone() {
			t.Error("a closed connection is still watched")
		}
	})
}

var shortWaits = waits{request: 5 * time.Second, answer: 3 * time.Second, idle: time.Minute}

// ended tells whether a connection ran out of time after about so long.
func ended(t *testing.T, began time.Time, err error, after time.Duration) {
	t.Helper()
	took := time.Since(began)
	if !errors.Is(err, os.ErrDeadlineExceeded) || took < after || took > after+2*patrolRound {
		t.Errorf("ended after %v with %v; want %v and %v", took, err, after, os.ErrDeadlineExceeded)
	}
}

func TestAClientThatSendsNothing(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, _ *sync.WaitGroup, server, _ net.Conn) {
		began := time.Now()
		_, err := server.Read(make([]byte, 1))
		ended(t, began, err, shortWaits.request)
	})
}

// However many bytes come, the request must be there in time.
func TestAClientThatDribbles(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		group.Go(func() {
			for {
				time.Sleep(time.Second)
				if _, err := client.Write([]byte("x")); err != nil {
					return
				}
			}
		})
		began := time.Now()
		_, err := io.Copy(io.Discard, server)
		ended(t, began, err, shortWaits.request)
	})
}

func TestAClientThatDoesNotTakeItsAnswer(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, _ *sync.WaitGroup, server, _ net.Conn) {
		began := time.Now()
		_, err := server.Write([]byte("answer"))
		ended(t, began, err, shortWaits.answer)
	})
}

// Parts of one answer share its time.
func TestAClientThatTakesItsAnswerSlowly(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		group.Go(func() {
			for {
				time.Sleep(time.Second)
				if _, err := client.Read(make([]byte, 1)); err != nil {
					return
				}
			}
		})
		began, err := time.Now(), error(nil)
		for err == nil {
			_, err = server.Write([]byte("x"))
		}
		ended(t, began, err, shortWaits.answer)
	})
}

// Between requests a connection may rest, and then has its time for the next one.
func TestAnIdleClient(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		buf := make([]byte, 16)
		exchange := func(pause time.Duration) {
			group.Go(func() {
				time.Sleep(pause)
				_, _ = client.Write([]byte("request"))
				_, _ = client.Read(make([]byte, 16))
			})
			if _, err := server.Read(buf); err != nil {
				t.Fatal(err)
			}
			if _, err := server.Write([]byte("answer")); err != nil {
				t.Fatal(err)
			}
		}
		exchange(shortWaits.request - time.Second)
		exchange(shortWaits.idle - time.Second)
		exchange(shortWaits.idle - time.Second)
		began := time.Now()
		_, err := server.Read(buf)
		ended(t, began, err, shortWaits.idle)
	})
}

// An idle sidecar wakes for nobody.
func TestAPatrolRestsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatrol(shortWaits)
		go p.run(t.Context())
		time.Sleep(time.Hour)
		synctest.Wait()
		if rounds := p.now.Load(); rounds > 1 {
			t.Errorf("%d rounds in an hour without a connection; want none", rounds)
		}
	})
}
