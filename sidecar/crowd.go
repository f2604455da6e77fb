package sidecar

import (
	"container/list"
	"iter"
	"net"
	"sync/atomic"
	"time"
)

// crowd is who is connected to a listener, by the user on the other side. It bounds how many they are: where it is full, a newcomer takes
// the place of whoever needs it least, so that a client that opens many connections shuts out but itself. The patrol's lock guards it,
// but for the counters. Nothing here is asked on the way of a request: who has been answered is found out when a place is looked for.
type crowd struct {
	bound   int // connections that are served
	size    int // that have a place: those, and newcomers that are told that there is none
	peers   map[user]*peer
	slots   chan struct{} // has an element for each connection that is open, also of one that is about to be closed
	memory  memory
	hurried bool      // somebody gave way whose request nobody had got to
	awaited bool      // a newcomer cannot be let in before somebody has left
	inARow  int       // newcomers since others had a turn
	last    time.Time // when the last of them came

	evicted, turnedAway atomic.Uint64
}

// user tells clients apart: the user id behind a Unix socket; whoever comes over TCP is one.
type user int64

const anyone user = -1

// peer is one user's connections.
type peer struct {
	size int
	rows [rows]list.List // of *watched, each in the order of their coming
}

// rows are what a peer's connections are sorted into, in the order in which they give way.
const (
	drained = iota // have been refused, and are read from for a little while
	young          // have not been answered yet, as far as was looked
	settled        // have been answered once
	gone           // gave way, or were told that there is no place; still to be closed
	rows
)

// place is where a connection stands in its crowd.
type place struct {
	user user
	row  int
	at   *list.Element // nil: it has left
}

// spare is how many more than are served may be open for a moment: those that have given way and do not know it yet, and newcomers that
// are told so. The accept waits for them beyond that.
func spare(connections int) int { return connections/4 + 1 }

func newCrowd(connections int) crowd {
	return crowd{bound: connections, peers: map[user]*peer{}, slots: make(chan struct{}, connections+spare(connections))}
}

// all gives every connection.
func (r *crowd) all() iter.Seq[*watched] {
	return func(yield func(*watched) bool) {
		for _, p := range r.peers {
			for i := range p.rows {
				for at := p.rows[i].Front(); at != nil; at = at.Next() {
					if !yield(connOf(at)) {
						return
					}
				}
			}
		}
	}
}

func connOf(at *list.Element) *watched {
	c, _ := at.Value.(*watched) // there is nothing else in it
	return c
}

// put gives a connection a place, the last of its row.
func (r *crowd) put(c *watched, row int) {
	if c.place.at != nil {
		r.drop(c)
	}
	p := r.peers[c.place.user]
	if p == nil {
		p = &peer{}
		r.peers[c.place.user] = p
	}
	c.place.row, c.place.at = row, p.rows[row].PushBack(c)
	if row != gone {
		p.size++
		r.size++
	}
}

// drop takes its place from a connection.
func (r *crowd) drop(c *watched) {
	p := r.peers[c.place.user]
	p.rows[c.place.row].Remove(c.place.at)
	c.place.at = nil
	if c.place.row != gone {
		p.size--
		r.size--
	}
}

// leave takes a connection out, and tells whether it was in.
func (r *crowd) leave(c *watched) bool {
	if c.place.at == nil {
		return false
	}
	r.drop(c)
	if p := r.peers[c.place.user]; p.size == 0 && p.rows[gone].Len() == 0 {
		delete(r.peers, c.place.user)
	}
	return true
}

// watch puts a newcomer on the patrol's round until it is closed. Where the listener is full, another connection gives way, or else the
// newcomer is told that there is no place.
func (p *patrol) watch(conn net.Conn, of user) *watched {
	c := &watched{Conn: conn, patrol: p}
	c.place.user = of
	c.mark.Store(markOf(p.now.Load(), reading))
	p.mu.Lock()
	if p.crowd.makeRoom(of, p.now.Load()) {
		p.crowd.put(c, young)
	} else {
		c.mark.Store(markOf(p.now.Load(), refused))
		p.crowd.put(c, gone)
		p.crowd.turnedAway.Add(1)
	}
	rest, hurried := p.crowd.restAfter(time.Now()), p.crowd.hurried
	p.crowd.hurried = false
	p.mu.Unlock()
	select {
	case p.come <- struct{}{}:
	default:
	}
	if hurried {
		<-time.After(catchUp)
	}
	if rest {
		<-time.After(turn)
	}
	return c
}

const (
	// turn is how long no newcomer is let in after several, so that others are read: as long as there is something to run, the runtime
	// looks only every 10 ms whether a connection has something to read.
	turn     = 20 * time.Microsecond
	turnOf   = 8                // newcomers, one right after the other
	rightNow = time.Millisecond // how soon that is
)

// restAfter tells whether others are to have a turn after the newcomer of this moment.
func (r *crowd) restAfter(now time.Time) bool {
	if now.Sub(r.last) > rightNow {
		r.inARow = 0
	}
	r.last = now
	r.inARow++
	if r.inARow < turnOf {
		return false
	}
	r.inARow = 0
	return true
}

// catchUp is how long no newcomer is let in after that, so that requests that have come are read.
const catchUp = time.Millisecond

// leave ends the watch over a connection.
func (p *patrol) leave(c *watched) {
	p.mu.Lock()
	had := p.crowd.leave(c)
	p.mu.Unlock()
	if had {
		<-p.crowd.slots
	}
}

// makeRoom lets others give way as long as there is no place for a newcomer, and tells whether there is one then. They are those of the
// user who has the most, or else of the newcomer's own, so that nobody loses one to a user who has more.
func (r *crowd) makeRoom(newcomer user, now int64) bool {
	for r.size >= r.bound {
		most := newcomer
		for who, p := range r.peers {
			if p.size > r.sizeOf(most) {
				most = who
			}
		}
		if !r.giveWay(most, now) && (most == newcomer || !r.giveWay(newcomer, now)) {
			return false
		}
	}
	return true
}

func (r *crowd) sizeOf(who user) int {
	if p := r.peers[who]; p != nil {
		return p.size
	}
	return 0
}

// stalled is how many rounds an answer may be under way before its connection may give way. Whoever reads is done long before.
const stalled = 1

// giveWay ends one of a user's connections: one that was refused already, else the one whose first request is longest in coming, else
// the one that is idle for longest, else the one whose next request is, else the one that has long not taken its answer. Others that are
// being answered never give way.
func (r *crowd) giveWay(who user, now int64) bool {
	p := r.peers[who]
	if p == nil {
		return false
	}
	if r.giveWayRefused(p) || r.giveWayUnanswered(p) {
		return true
	}
	for range p.rows[settled].Len() { // again, where one began to work meanwhile
		c, mark := p.longest(idle)
		if c == nil {
			c, mark = p.longest(reading)
		}
		if c == nil {
			c, mark = p.longest(writing)
		}
		if c == nil || stateOf(mark) == writing && now-mark>>markBits < stalled {
			return false
		}
		if r.evict(c, mark) {
			return true
		}
	}
	return false
}

// giveWayRefused ends a connection that was refused already.
func (r *crowd) giveWayRefused(p *peer) bool {
	for at := p.rows[drained].Front(); at != nil; at = at.Next() {
		if c := connOf(at); r.evict(c, c.mark.Load()) {
			return true
		}
	}
	return false
}

// maxSpared bounds how many are looked at more closely for one newcomer.
const maxSpared = 16

// giveWayUnanswered ends the connection whose first request is longest in coming. One whose request has come, and waits for the processor,
// is spared: a flood comes faster than a busy machine gets to it.
func (r *crowd) giveWayUnanswered(p *peer) bool {
	var spared []*watched
	for at := p.rows[young].Front(); at != nil && len(spared) < maxSpared; {
		c := connOf(at)
		at = at.Next()
		switch mark := c.mark.Load(); {
		case mark&known != 0:
			r.put(c, settled)
		case stateOf(mark) != reading:
		case hasUnread(c.Conn):
			spared = append(spared, c)
		case r.evict(c, mark):
			return true
		}
	}
	r.hurried = r.hurried || len(spared) > 0
	for _, c := range spared {
		if mark := c.mark.Load(); stateOf(mark) == reading && r.evict(c, mark) {
			return true
		}
	}
	return false
}

// longest gives the connection that has been in a state for longest, of those that have been answered once.
func (p *peer) longest(s connState) (oldest *watched, mark int64) {
	for at := p.rows[settled].Front(); at != nil; at = at.Next() {
		c := connOf(at)
		if m := c.mark.Load(); stateOf(m) == s && (oldest == nil || m < mark) {
			oldest, mark = c, m
		}
	}
	return oldest, mark
}

func (r *crowd) evict(c *watched, mark int64) bool {
	if !c.end(mark, gaveWay) {
		return false
	}
	r.evicted.Add(1)
	r.put(c, gone)
	return true
}

// hasten ends a connection that was refused already, whoever's it is, and has those that are refused from now on end soon.
func (p *patrol) hasten() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crowd.awaited = true
	for _, one := range p.crowd.peers {
		if p.crowd.giveWayRefused(one) {
			return
		}
	}
}

// relax leaves those that are refused their time again.
func (p *patrol) relax() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.crowd.awaited = false
}

// sendBuffer is what the kernel is to hold of answers over TCP: left alone, it takes up to 4 MiB for each client that does not read, of
// the pod's memory. A Unix socket has about as much by itself.
const sendBuffer = 128 << 10

// crowded is a listener whose connections are watched.
type crowded struct {
	*sturdy
	patrol *patrol
}

// Accept waits until there is room for one more, be it to be told that there is none.
func (l *crowded) Accept() (net.Conn, error) {
	if err := l.takeSlot(); err != nil {
		return nil, err
	}
	conn, err := l.sturdy.Accept()
	if err != nil {
		<-l.patrol.crowd.slots
		return nil, err
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(sendBuffer) // fails only where the client has gone already
	}
	return l.patrol.watch(conn, userOf(conn)), nil
}

func (l *crowded) takeSlot() error {
	select {
	case l.patrol.crowd.slots <- struct{}{}:
		return nil
	default:
	}
	l.patrol.hasten()
	defer l.patrol.relax()
	select {
	case <-l.closed:
		return net.ErrClosed
	case l.patrol.crowd.slots <- struct{}{}:
		return nil
	}
}
