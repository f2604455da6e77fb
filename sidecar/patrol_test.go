package sidecar

import (
	"context"
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
		p := newPatrol(w, limits{connections: 2, header: aRead})
		go p.run(t.Context())
		near, far := net.Pipe()
		p.crowd.slots <- struct{}{}
		server := p.watch(near, anyone)
		var group sync.WaitGroup
		f(t, &group, server, far)
		_, _ = server.Close(), far.Close()
		group.Wait()
		if !p.alone() {
			t.Error("a closed connection is still watched")
		}
	})
}

// aRead is how much a server asks for when it waits for a request.
const aRead = 16

var shortWaits = waits{request: 5 * time.Second, answer: 3 * time.Second, idle: time.Minute}

// ranOut wants a connection to have run out of time after about so long.
func ranOut(t *testing.T, began time.Time, err error, after time.Duration) {
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
		ranOut(t, began, err, shortWaits.request)
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
		ranOut(t, began, err, shortWaits.request)
	})
}

// Who was too late is told so.
func TestAClientThatIsLateIsTold(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		if _, err := server.Read(make([]byte, 1)); err == nil {
			t.Fatal("read something")
		}
		group.Go(func() {
			got := make([]byte, 4)
			if _, err := io.ReadFull(client, got); err != nil || string(got) != "late" {
				t.Errorf("the client got %q (%v)", got, err)
			}
		})
		if _, err := server.Write([]byte("late")); err != nil {
			t.Error(err)
		}
		group.Wait()
		if _, err := server.Write([]byte("more")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an answer that nobody takes: %v", err)
		}
	})
}

// To be told to go on is no answer: the body has the time of its request, and the client is no better than others that wait for their first.
func TestAClientThatAsksAndSendsNothing(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		began := time.Now()
		asks(t, group, server, client, "")
		if c, _ := server.(*watched); c.mark.Load()&known != 0 {
			t.Error("it counts as answered")
		}
		_, err := server.Read(make([]byte, 64))
		ranOut(t, began, err, shortWaits.request)
	})
}

// Where an answer to an earlier request goes before, the time of the next one begins there.
func TestAClientThatAsksBehindAnotherRequest(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		began := asks(t, group, server, client, "answer")
		if c, _ := server.(*watched); c.mark.Load()&known == 0 || c.unanswered != 0 {
			t.Error("it does not count as answered")
		}
		_, err := server.Read(make([]byte, 64))
		ranOut(t, began, err, shortWaits.request)
	})
}

// asks asks to go on, and is told so some time later, behind an answer or none. It gives when.
func asks(t *testing.T, group *sync.WaitGroup, server, client net.Conn, before string) time.Time {
	t.Helper()
	told := append([]byte(before), sayGoOn...)
	group.Go(func() {
		_, _ = client.Write([]byte("Expect: 100-continue"))
		_, _ = io.ReadFull(client, make([]byte, len(told)))
	})
	if _, err := server.Read(make([]byte, 64)); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	now := time.Now()
	if _, err := server.Write(told); err != nil {
		t.Fatal(err)
	}
	return now
}

// Whoever does not take these words is given up as one that does not take its answer; answers may stand before them.
func TestAClientThatAsksAndTakesNothing(t *testing.T) {
	for _, before := range []string{"", "answer"} {
		patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
			group.Go(func() { _, _ = client.Write([]byte("Expect: 100-continue")) })
			began := time.Now()
			if _, err := server.Read(make([]byte, 64)); err != nil {
				t.Fatal(err)
			}
			_, err := server.Write(append([]byte(before), sayGoOn...))
			ranOut(t, began, err, shortWaits.answer)
		})
	}
}

// Clients are bounded until the last request has been served, though the sidecar is to stop already; who is left then is cut off.
func TestWhoIsLeftIsCutOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatrol(shortWaits, evaluationLimits)
		stopped, stop := context.WithCancel(t.Context())
		end := patrolAll(stopped, []served{{patrol: p}})
		stop()
		slow, _ := net.Pipe()
		began := time.Now()
		_, err := p.watch(slow, anyone).Read(make([]byte, 1))
		ranOut(t, began, err, shortWaits.request)

		near, far := net.Pipe()
		p.crowd.slots <- struct{}{}
		server := p.watch(near, anyone)
		end()
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the connection is still open: %v", err)
		}
		_ = server.Close()
	})
}

func TestAClientThatDoesNotTakeItsAnswer(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, _ *sync.WaitGroup, server, _ net.Conn) {
		began := time.Now()
		for range 2 { // an answer that was given up gets no second time
			_, err := server.Write([]byte("answer"))
			ranOut(t, began, err, shortWaits.answer)
		}
	})
}

// Parts of one answer share its time, also of one that says that time was up.
func TestAClientThatTakesItsAnswerSlowly(t *testing.T) {
	patrolTest(t, shortWaits, takesSlowly)
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		if _, err := server.Read(make([]byte, 1)); err == nil {
			t.Fatal("read something")
		}
		takesSlowly(t, group, server, client)
	})
}

func takesSlowly(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
	t.Helper()
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
	ranOut(t, began, err, shortWaits.answer)
}

// Between requests a connection may rest, and then has its time for the next one.
func TestAnIdleClient(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		buf := make([]byte, aRead)
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
		ranOut(t, began, err, shortWaits.idle)
	})
}

// A client whose next request has begun is not idle, though the server had those bytes before.
func TestAClientThatBeganItsNextRequest(t *testing.T) {
	patrolTest(t, shortWaits, func(t *testing.T, group *sync.WaitGroup, server, client net.Conn) {
		group.Go(func() { _, _ = client.Read(make([]byte, 16)) })
		if _, err := server.Write([]byte("answer")); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		_, err := server.Read(make([]byte, aRead-1))
		ranOut(t, began, err, shortWaits.request)
	})
}

// An idle sidecar wakes for nobody.
func TestAPatrolRestsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPatrol(shortWaits, evaluationLimits)
		go p.run(t.Context())
		time.Sleep(time.Hour)
		synctest.Wait()
		if rounds := p.now.Load(); rounds > 0 {
			t.Errorf("%d rounds in an hour without a connection; want none", rounds)
		}
	})
}
