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
	thriftPercent = 15      // garbage to a hundred bytes in use, while it lasts
	thriftShare   = 5       // sixths of the memory that the runtime may use, if that is bounded
)

// thrift keeps memory within bounds while flags are exchanged. Old and new ones are in memory together then: with the garbage beside them
// that the runtime lets grow, the largest documents would not fit a pod of 64 MiB. It costs the compiling goroutine time, and requests next
// to none. What it sets is the process's.
type thrift struct {
	mu      sync.Mutex
	timer   *time.Timer // nil before the first change
	turn    int         // counts what begins, so that an end that comes late does nothing
	on      bool
	percent int   // as it was
	bound   int64 // as it was
}

// begin is called before a document is read; size is that of all that is large then.
func (t *thrift) begin(size int) {
	if size < thriftFrom {
		return
	}
	t.mu.Lock()
	t.turn++
	if !t.on {
		t.on = true
		t.percent, t.bound = debug.SetGCPercent(thriftPercent), debug.SetMemoryLimit(-1)
		if t.percent >= 0 && t.percent < thriftPercent { // whoever runs us wants even less
			debug.SetGCPercent(t.percent)
		}
		if t.bound != math.MaxInt64 {
			debug.SetMemoryLimit(t.bound / 6 * thriftShare)
		}
	}
	t.mu.Unlock()
	debug.FreeOSMemory()
}

// endSoon is called when the document is served or refused.
func (t *thrift) endSoon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
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
	if t.turn == turn {
		t.restore()
	}
}

// close ends it at once.
func (t *thrift) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turn++
	if t.timer != nil {
		t.timer.Stop()
	}
	t.restore()
}

func (t *thrift) restore() {
	if t.on {
		debug.SetGCPercent(t.percent)
		debug.SetMemoryLimit(t.bound)
		t.on = false
	}
}
