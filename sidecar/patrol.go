package sidecar

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// waits bound how long a client may keep a connection in each of its states.
type waits struct {
	request time.Duration // from its first byte, or from the connection, to its last
	answer  time.Duration // to take an answer
	idle    time.Duration // between two requests
}

// patrolRound is how late a slow client may be noticed.
const patrolRound = 250 * time.Millisecond

// connState is what a connection is doing, told by what was last asked of it.
type connState = int64

const (
	reading connState = iota // a request; also before the first
	writing                  // an answer
	idle
	ended     // by the patrol; it never leaves this state
	stateBits = 2
)

// patrol bounds slow clients. The usual way, a deadline set before each read and
// write, takes the runtime's timers three times a request, which a small answer
// can tell (docs/decisions/serving.md). Here a connection only notes its state, and a round
// four times a second ends those that have been in one for too long.
type patrol struct {
	waits waits
	now   atomic.Int64 // rounds so far
	mu    sync.Mutex
	conns map[*watched]struct{}
	come  chan struct{} // has one element while there may be connections
}

func newPatrol(w waits) *patrol {
	return &patrol{waits: w, conns: make(map[*watched]struct{}), come: make(chan struct{}, 1)}
}

// run walks until ctx ends. Without connections it rests.
func (p *patrol) run(ctx context.Context) {
	ticker := time.NewTicker(patrolRound)
	defer ticker.Stop()
	for {
		if p.alone() {
			ticker.Stop()
			select {
			case <-ctx.Done():
				return
			case <-p.come:
				ticker.Reset(patrolRound)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			p.round()
		}
	}
}

func (p *patrol) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns) == 0
}

// round ends what has waited too long.
func (p *patrol) round() {
	now := p.now.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		mark := c.mark.Load()
		since, state := mark>>stateBits, mark&(1<<stateBits-1)
		if state != ended && time.Duration(now-since)*patrolRound > p.waits.of(state) && c.mark.CompareAndSwap(mark, ended) {
			c.end(state)
		}
	}
}

// closeAll ends whatever is left once nobody is to be served any more.
func (p *patrol) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Conn.Close() // not by c.Close, which takes the lock
	}
}

var longAgo = time.Unix(1, 0)

// end sets a deadline in the past: whoever reads or writes the connection learns
// that time was up. A client may still be told that its request came too late.
// It fails only where the connection is closed already.
func (c *watched) end(s connState) {
	if s == writing {
		_ = c.SetWriteDeadline(longAgo)
	} else {
		_ = c.SetReadDeadline(longAgo)
	}
}

func (w waits) of(s connState) time.Duration {
	switch s {
	case reading:
		return w.request
	case writing:
		return w.answer
	default:
		return w.idle
	}
}

// watch puts a connection on the patrol's round until it is closed.
func (p *patrol) watch(conn net.Conn) net.Conn {
	c := &watched{Conn: conn, patrol: p}
	c.mark.Store(markOf(p.now.Load(), reading))
	p.mu.Lock()
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	select {
	case p.come <- struct{}{}:
	default:
	}
	return c
}

// watched is a connection that notes what it is doing. One goroutine reads and
// writes it; it may be closed from elsewhere.
type watched struct {
	net.Conn
	patrol *patrol
	mark   atomic.Int64 // the round in which the state began, and the state
}

// markOf puts a round and a state into one number.
func markOf(round int64, s connState) int64 { return round<<stateBits | s }

func (c *watched) state() connState { return c.mark.Load() & (1<<stateBits - 1) }

// note begins a state, unless the patrol was quicker: what it has ended stays so,
// and does not spoil the next exchange on the connection.
func (c *watched) note(s connState) error {
	if was := c.mark.Load(); was != ended && c.mark.CompareAndSwap(was, markOf(c.patrol.now.Load(), s)) {
		return nil
	}
	return os.ErrDeadlineExceeded
}

// Read waits for a request when the answer to the last one has been written.
func (c *watched) Read(b []byte) (int, error) {
	if c.state() == writing {
		if err := c.note(idle); err != nil {
			return 0, err
		}
	}
	n, err := c.Conn.Read(b)
	if n > 0 && c.state() == idle {
		if err := c.note(reading); err != nil {
			return 0, err
		}
	}
	return n, err
}

// goOn is what a server says to a client that asked whether to send its body. It
// is no answer: the request is still to come.
var goOn = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// Write begins an answer, or goes on with it. A connection that was ended while a
// request was read may still be written to, once: to say so.
func (c *watched) Write(b []byte) (int, error) {
	if !bytes.HasSuffix(b, goOn) && c.state() != writing {
		if err := c.note(writing); err != nil {
			_ = c.SetWriteDeadline(time.Now().Add(c.patrol.waits.answer)) // fails only where it is closed already
		}
	}
	return c.Conn.Write(b)
}

func (c *watched) Close() error {
	c.patrol.mu.Lock()
	delete(c.patrol.conns, c)
	c.patrol.mu.Unlock()
	return c.Conn.Close()
}

// patrolled is a listener whose connections are watched.
type patrolled struct {
	net.Listener
	patrol *patrol
}

func (l *patrolled) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.patrol.watch(conn), nil
}
