package sidecar

import (
	"math"
	"runtime/debug"
	"sync"
	"time"
)

// tidyAfter is how long after the last change memory is given back to the system: reading and compiling leave several times the
// document behind, which an idle sidecar would keep for minutes, and giving it back holds up whoever asks meanwhile.
const tidyAfter = 2 * time.Second

const (
	thriftFrom    = 2 << 20 // bytes of a document and of the flags before it: below, there is room for whatever it leaves behind
	thriftPercent = 10      // garbage to a hundred bytes in use, while it lasts
	thriftShare   = 3       // quarters of the memory that the runtime may use, if that is bounded

	largeFlags   = 4 << 20 // bytes of flags beside which little garbage is kept for as long as they are served
	largePercent = 40
)

// thrift keeps memory within bounds while flags are exchanged. Old and new ones are in memory together then: with the garbage beside them
// that the runtime lets grow, the largest documents would not fit a pod of 64 MiB. It costs the compiling goroutine time, and requests next
// to none. What it sets is the process's.
type thrift struct {
	mu      sync.Mutex
	timer   *time.Timer // nil before the first change
	turn    int         // counts what begins, so that an end that comes late does nothing
	large   bool        // what is served is large
	changed bool        // what follows is how it was, before the first change
	percent int
	bound   int64
}

// begin is called before a document is read; size is that of all that is large then.
func (t *thrift) begin(size int) {
	if size < thriftFrom {
		return
	}
	t.mu.Lock()
	t.turn++
	if !t.changed {
		t.changed, t.percent, t.bound = true, debug.SetGCPercent(thriftPercent), debug.SetMemoryLimit(-1)
	}
	t.set(thriftPercent)
	if t.bound != math.MaxInt64 {
		debug.SetMemoryLimit(t.bound / 4 * thriftShare)
	}
	t.mu.Unlock()
	debug.FreeOSMemory()
}

// set changes how much garbage is kept, unless whoever runs us wants even less.
func (t *thrift) set(percent int) {
	if t.percent >= 0 {
		percent = min(percent, t.percent)
	}
	debug.SetGCPercent(percent)
}

// endSoon is called when the document is served or refused; size is that of the flags that are served.
func (t *thrift) endSoon(size int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	t.large = size >= largeFlags
	turn := t.turn
	if t.timer != nil {
		t.timer.Stop()
	}
	t.timer = time.AfterFunc(tidyAfter, func() { t.end(turn) })
}

func (t *thrift) end(turn int) {
	debug.FreeOSMemory()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.turn != turn || !t.changed {
		return
	}
	debug.SetMemoryLimit(t.bound)
	if t.large {
		t.set(largePercent)
	} else {
		debug.SetGCPercent(t.percent)
	}
}

// close makes everything as it was.
func (t *thrift) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.changed {
		debug.SetGCPercent(t.percent)
		debug.SetMemoryLimit(t.bound)
	}
}
