package sidecar

import (
	"io"
	"net"
	"time"

	"github.com/valyala/fasthttp"
)

// What is still read of a client that was refused.
const (
	lingerTime = 500 * time.Millisecond
	hastyTime  = 20 * time.Millisecond // where a newcomer waits for the place: what has come already is read all the same
	lingerSize = 1 << 20
)

// linger lets a refusal reach a client that is still sending. A connection that is closed with something in it unread is reset, and the
// client, which fails in the middle of its sending, may never look at what it was told.
func linger(ctx *fasthttp.RequestCtx) {
	ctx.SetConnectionClose()
	if c, ok := ctx.Conn().(*watched); ok {
		c.lingers.Store(true)
	}
}

// drain says that nothing more will be said, and reads what comes, for a little while. It is the connection's own goroutine that does so,
// and the first to give way where the listener is full.
func (c *watched) drain() {
	half, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil || !c.patrol.drains(c) {
		return
	}
	_, _ = io.CopyN(io.Discard, c.Conn, lingerSize) // whatever ends it, the connection is closed now
}

// drains moves a connection among those that are read from for a little while, unless it gave way.
func (p *patrol) drains(c *watched) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	wait := lingerTime
	if p.crowd.awaited {
		wait = hastyTime
	}
	mark := c.mark.Load()
	if c.place.at == nil || stateOf(mark) == gaveWay || c.SetReadDeadline(time.Now().Add(wait)) != nil {
		return false
	}
	if !c.mark.CompareAndSwap(mark, markOf(mark>>markBits, mark&known|draining)) {
		return false
	}
	p.crowd.put(c, drained)
	return true
}

// refusalOf is what a connection's own state says of a request that could not be read.
func refusalOf(conn net.Conn) connState {
	if c, ok := conn.(*watched); ok {
		return c.state()
	}
	return reading
}
