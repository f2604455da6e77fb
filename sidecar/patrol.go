package sidecar

import (
	"bytes"
	"context"
	"errors"
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
const patrolRound = 100 * time.Millisecond

// maxUnanswered is how many bytes may come between two answers: more than pipelined requests within their limits can have, and what
// bounds the rest of a request in chunks, whose sizes may be written at any length.
const maxUnanswered = 4 << 20

// connState is what a connection is doing, told by what was last asked of it.
type connState = int64

const (
	reading connState = iota // waits for the rest of a request; also before the first
	working                  // has bytes of a request, which may be the last
	writing                  // an answer
	idle
	ended    // by the patrol: too late
	gaveWay  // to a newcomer
	refused  // came when the listener was full
	draining // what the client still sends, after a refusal

	stateBits = 3
	known     = 1 << stateBits // it has been answered once
	markBits  = stateBits + 1
)

// lives tells whether the patrol may still end it; whatever else it is doing is its last.
func lives(s connState) bool { return s < ended }

// patrol bounds slow clients, and how many there are (crowd.go). The usual way, a deadline set before each read and
// write, takes the runtime's timers three times a request, which a small answer
// can tell (docs/decisions/serving.md). Here a connection only notes its state, and a round
// ten times a second ends those that have been in one for too long.
type patrol struct {
	waits  waits
	buffer int           // bytes that the server asks for when it has none of the next request yet
	now    atomic.Int64  // rounds so far
	come   chan struct{} // has one element while there may be connections

	mu    sync.Mutex
	crowd crowd
}

func newPatrol(w waits, l limits) *patrol {
	return &patrol{waits: w, buffer: l.header, come: make(chan struct{}, 1), crowd: newCrowd(l.connections)}
}

// run walks until ctx ends. Without connections it rests.
func (p *patrol) run(ctx context.Context) {
	defer p.crowd.memory.stop()
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

// alone tells whether nobody is connected, and sees to the memory of those who were.
func (p *patrol) alone() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crowd.memory.look(p.crowd.size)
	return len(p.crowd.peers) == 0
}

// round ends what has waited too long.
func (p *patrol) round() {
	now := p.now.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.crowd.all() {
		mark := c.mark.Load()
		since, state := mark>>markBits, stateOf(mark)
		if lives(state) && time.Duration(now-since)*patrolRound > p.waits.of(state) {
			c.end(mark, ended)
		}
	}
}

// closeAll ends whatever is left once nobody is to be served any more.
func (p *patrol) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.crowd.all() {
		_ = c.Conn.Close() // not by c.Close, which takes the lock
	}
}

var longAgo = time.Unix(1, 0)

// end lets a connection leave its state for its last, unless it was quicker. It sets a deadline in the past: whoever reads or writes the
// connection learns that time was up, and may still say so. To close it here would wait for that one to notice.
func (c *watched) end(mark int64, last connState) bool {
	if !c.mark.CompareAndSwap(mark, markOf(mark>>markBits, mark&known|last)) {
		return false
	}
	if stateOf(mark) == writing {
		_ = c.SetWriteDeadline(longAgo) // fails only where it is closed already, as below
	} else {
		_ = c.SetReadDeadline(longAgo)
	}
	return true
}

func (w waits) of(s connState) time.Duration {
	switch s {
	case reading, working:
		return w.request
	case writing:
		return w.answer
	default:
		return w.idle
	}
}

// watched is a connection that notes what it is doing. One goroutine reads and
// writes it; it may be closed from elsewhere.
type watched struct {
	net.Conn
	patrol     *patrol
	mark       atomic.Int64 // the round in which the state began, whether it was answered once, and the state
	answering  bool         // since the last read
	unanswered int          // bytes since the last answer
	lingers    atomic.Bool  // see linger.go
	place      place        // under the patrol's lock
}

// markOf puts a round and a state into one number.
func markOf(round int64, s connState) int64 { return round<<markBits | s }

func stateOf(mark int64) connState { return mark & (known - 1) }

func (c *watched) state() connState { return stateOf(c.mark.Load()) }

// note begins a state, unless the connection is in its last: what the patrol has ended stays so,
// and does not spoil the next exchange on the connection.
func (c *watched) note(s connState) error {
	return c.turn(c.patrol.now.Load(), s)
}

// goOn goes from one state to the other without a new time.
func (c *watched) goOn(s connState) error {
	return c.turn(c.mark.Load()>>markBits, s)
}

func (c *watched) turn(round int64, s connState) error {
	was := c.mark.Load()
	if lives(stateOf(was)) && c.mark.CompareAndSwap(was, markOf(round, was&known|s)) {
		return nil
	}
	return os.ErrDeadlineExceeded
}

var (
	errFull     = errors.New("the listener has all the connections that it takes")
	errTooLarge = errors.New("too many bytes between two answers")
)

// Read waits for a request when the answer to the last one has been written, or for the rest of one: the server, which reads ahead, has
// bytes of the next request already where it has not room for as many as it would take else.
func (c *watched) Read(b []byte) (int, error) {
	c.answering = false
	var err error
	switch c.state() {
	case writing:
		if len(b) == c.patrol.buffer {
			err = c.note(idle)
		} else {
			err = c.note(reading)
		}
	case working:
		err = c.goOn(reading)
	case refused:
		err = errFull
	}
	if err != nil {
		return 0, err
	}
	n, err := c.Conn.Read(b)
	if n > 0 {
		return n, c.came(n, err)
	}
	return n, err
}

// came notes that bytes of a request have come, which begins one where the connection was idle.
func (c *watched) came(n int, err error) error {
	if c.unanswered += n; c.unanswered > maxUnanswered {
		return errTooLarge
	}
	turn := c.goOn
	if c.state() == idle {
		turn = c.note
	}
	if late := turn(working); late != nil {
		return late
	}
	return err
}

// Write begins an answer, or goes on with it. A connection that was ended while a request was read may still be written to, to say so; that
// has the time of one answer, too. One that was ended while it was written to has had it.
func (c *watched) Write(b []byte) (int, error) {
	if bytes.HasSuffix(b, sayGoOn) {
		return c.writeGoOn(b)
	}
	if !c.answering {
		c.answering, c.unanswered = true, 0
		if err := c.note(writing | known); err != nil {
			_ = c.SetWriteDeadline(time.Now().Add(c.patrol.waits.answer)) // fails only where it is closed already
		}
	}
	return c.Conn.Write(b)
}

// sayGoOn is what a server says to a client that asked whether to send its body. It
// is no answer: the request is still to come.
var sayGoOn = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// writeGoOn lets a request go on, in the time that it has. To take these words is bounded as an answer is. Answers to earlier requests may
// stand before them.
func (c *watched) writeGoOn(b []byte) (int, error) {
	mark := c.mark.Load()
	began, before := mark>>markBits, c.answering || len(b) > len(sayGoOn)
	writes := writing
	if before {
		began, writes, c.unanswered = c.patrol.now.Load(), writing|known, 0
	}
	if err := c.note(writes); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err == nil {
		c.answering = false
		err = c.turn(began, working)
	}
	return n, err
}

func (c *watched) Close() error {
	if c.lingers.Swap(false) {
		c.drain()
	}
	c.patrol.leave(c)
	return c.Conn.Close()
}
