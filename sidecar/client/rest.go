package client

import (
	"sync/atomic"
	"time"
)

const (
	restAfter = 5           // calls in a row without an answer in time
	restFor   = time.Second // until one call tries again
)

// rest spares callers a sidecar that hangs: were each call to wait for its timeout, a page with twenty flags would take five seconds. A
// sidecar that refuses connections needs none: that costs nothing, and one that comes back is noticed at once.
type rest struct {
	misses atomic.Int64 // in a row: an answer, and whatever else came at once, ends it
	until  atomic.Int64 // nanoseconds since epoch
}

// epoch is what monotonic times count from.
var epoch = time.Now()

func sinceEpoch() int64 { return int64(time.Since(epoch)) }

// allow tells whether to ask; of all who want to while it rests, one a second may.
func (r *rest) allow() bool {
	if r.misses.Load() < restAfter {
		return true
	}
	now, until := sinceEpoch(), r.until.Load()
	return now >= until && r.until.CompareAndSwap(until, now+int64(restFor))
}

func (r *rest) timedOut() {
	if r.misses.Add(1) == restAfter {
		r.until.Store(sinceEpoch() + int64(restFor))
	}
}

func (r *rest) answered() {
	if r.misses.Load() != 0 { // mostly read: a write would have all processors pass the line around
		r.misses.Store(0)
	}
}
