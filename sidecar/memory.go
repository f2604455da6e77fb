package sidecar

import (
	"runtime"
	"runtime/debug"
	"time"
)

const (
	// aCrowd is how many connections leave something behind that is worth giving back.
	aCrowd = 128
	// crowdGone is how long after it: the server ends the goroutines of connections that it had a little later.
	crowdGone = 2*idleWorker + time.Second
	// idleWorker is how long a connection's goroutine waits for another one.
	idleWorker = 2 * time.Second
)

// memory gives what a crowd of connections took back to the system, once most of them have gone: their buffers are kept for the next
// ones, and without a crowd there is little to collect, so that nobody would for minutes.
type memory struct {
	peak int
	tidy *time.Timer // nil before the first crowd
}

// look notes how many connections there are now.
func (m *memory) look(connections int) {
	m.peak = max(m.peak, connections)
	if m.peak < aCrowd || connections > m.peak/4 {
		return
	}
	m.peak = connections
	if m.tidy == nil {
		m.tidy = time.AfterFunc(crowdGone, giveBack)
	} else {
		m.tidy.Reset(crowdGone)
	}
}

// giveBack collects twice: what a pool holds outlives the first time.
func giveBack() {
	runtime.GC()
	debug.FreeOSMemory()
}

func (m *memory) stop() {
	if m.tidy != nil {
		m.tidy.Stop()
	}
}
