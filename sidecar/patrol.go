package sidecar

import (
	"context"
	"net"
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

const (
	patrolRound = 250 * time.Millisecond // how late a slow client may be noticed
	stateBits   = 2
)

// state of a connection, told by what was last asked of it.
type connState = int64

const (
	reading connState = iota // a request; also before the first
	writing                  // an answer
	idle
)

// patrol bounds slow clients. The usual way, a deadline set before each read and
// write, takes the runtime's timers three times a request, which is a third of
// what a small answer costs. Here a connection only notes its state, and a round
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

// round ends what has waited too long, by a deadline in the past: whoever reads
// or writes the connection learns that time was up.
func (p *patrol) round() {
	now := p.now.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		mark := c.mark.Load()
		since, state := mark>>stateBits, mark&(1<<stateBits-1)
		if time.Duration(now-since)*patrolRound > p.waits.of(state) {
			c.end(state)
		}
	}
}

var longAgo = time.Unix(1, 0)

// end lets a client still be told that its request came too late. It fails only where the connection is closed already.
func (c *watched) end(s connState) {
	if s == writing {
		_ = c.Conn.SetWriteDeadline(longAgo)
	} else {
		_ = c.Conn.SetReadDeadline(longAgo)
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
	c.note(reading)
	p.mu.Lock()
	p.conns[c] = struct{}{}
	p.mu.Unlock()
	select {
	case p.come <- struct{}{}:
	default:
	}
	return c
}

// watched is a connection that notes what it is doing. One goroutine serves it.
type watched struct {
	net.Conn
	patrol *patrol
	state  connState
	mark   atomic.Int64 // the round in which the state began, and the state
}

func (c *watched) note(s connState) {
	c.state = s
	c.mark.Store(c.patrol.now.Load()<<stateBits | s)
}

// Read waits for a request when the answer to the last one has been written.
func (c *watched) Read(b []byte) (int, error) {
	if c.state == writing {
		c.note(idle)
	}
	n, err := c.Conn.Read(b)
	if c.state == idle && n > 0 {
		c.note(reading)
	}
	return n, err
}

func (c *watched) Write(b []byte) (int, error) {
	if c.state != writing {
		c.note(writing)
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
