package pull

import (
	"sync"
	"time"
)

// closest is how near to each other two polls may begin of which one was hastened.
const closest = time.Second

// early is who wants a poll before its time, and what came of the last one. Its zero value is that of a loop that does not run.
type early struct {
	mu      sync.Mutex
	wake    chan struct{} // tells Run that somebody wants one; a new one for each Run
	running bool
	polling bool
	wanted  bool          // the next poll is to be early
	again   bool          // somebody asked while a poll was under way, which may have read the head before that
	failing bool          // the last poll could not read the store
	began   time.Time     // of the last poll
	vain    int           // polls in a row that were asked for and found nothing new
	over    chan struct{} // closed when the poll that is wanted or under way is over; nil where there is none
}

// Hasten asks for a poll as soon as may be: at once, or a second after the last one began. Whoever asks meanwhile shares it. The channel
// is closed when that poll is over. It is nil where there is nothing to wait for: the store failed at the last attempt that is over (the
// backoff stands, and the poll that it ends with is nobody's hope), or Run is not under way.
//
// While a poll is under way its channel is given, though it may have read the head already; so if it finds nothing new, one more is made
// a second after it began. Polls that were asked for and find nothing new come 1 s, 2 s, 4 s and so on after each other, until one does:
// whoever holds the pin of a revision that this store does not give sets no pace for it.
//
// Hasten takes no more than a lock for a moment, and may be called from anywhere.
func (l *Loop) Hasten() <-chan struct{} { return l.early.ask() }

func (e *early) ask() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case !e.running || e.failing: // a poll that is under way after a failed one may hang as that did
		return nil
	case e.polling:
		e.again = true
	case !e.wanted:
		e.want()
	}
	return e.over
}

// want has the next poll made early.
func (e *early) want() {
	e.wanted, e.over = true, make(chan struct{})
	select {
	case e.wake <- struct{}{}:
	default: // Run has yet to look
	}
}

// run notes that Run is under way, or no more: then nobody waits for a poll that will not be.
func (e *early) run(running bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running, e.wake = running, make(chan struct{}, 1)
	if !running && e.over != nil {
		close(e.over)
		e.over, e.polling, e.wanted, e.again = nil, false, false, false
	}
}

// due is when an early poll may begin, if one is wanted. After the longest pause there is a poll anyway.
func (e *early) due(longest time.Duration) (at time.Time, wanted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	pause := closest
	for n := 1; n < e.vain && pause < longest; n++ { // one in vain may just have been too soon
		pause *= 2
	}
	return e.began.Add(max(min(pause, longest), closest)), e.wanted
}

// start notes that a poll begins, and tells whether somebody waits for it.
func (e *early) start(now time.Time) (wanted bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	wanted = e.wanted
	if e.over == nil {
		e.over = make(chan struct{})
	}
	e.began, e.polling, e.wanted = now, true, false
	return wanted
}

// end notes what became of the poll that was under way.
func (e *early) end(wanted, news, failed bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.over)
	e.over, e.polling, e.failing = nil, false, failed
	switch {
	case news:
		e.vain = 0
	case wanted:
		e.vain++
	}
	if e.again && e.running && !news && !failed {
		e.want()
	}
	e.again = false
}
