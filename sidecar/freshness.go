package sidecar

import (
	"sync"
	"time"
)

// The states of freshness.
const (
	freshEmpty = "empty" // nothing verified yet
	fresh      = "fresh" // the store confirmed the newest state not long ago
	freshStale = "stale"
)

// freshness knows how old the flags may be. Ages are measured on the monotonic clock while the process runs, so that a jump of the
// machine's makes nothing fresh or stale; across a restart only that one can tell.
type freshness struct {
	mu        sync.Mutex
	limit     time.Duration
	started   time.Time
	serving   bool
	confirmed time.Time // zero: not known
	freshFrom time.Time // when the present run of confirmations began
}

func newFreshness(started time.Time, limit time.Duration) *freshness {
	return &freshness{limit: limit, started: started}
}

// serve notes that there are flags to answer from.
func (f *freshness) serve() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.serving = true
}

// confirm notes that the store's newest state is served.
func (f *freshness) confirm(at time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.confirmed.IsZero() || at.Sub(f.confirmed) > f.limit {
		f.freshFrom = at
	}
	f.confirmed = at
}

// resume takes how long ago the store confirmed the flags, before a restart. From here on that age runs on the monotonic clock too.
func (f *freshness) resume(age time.Duration, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := now.Add(-age)
	f.confirmed, f.freshFrom = at, at
}

// state gives the freshness, since when it is so, and the last confirmation.
func (f *freshness) state(now time.Time) (state string, since, confirmed time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case !f.serving:
		return freshEmpty, f.started, f.confirmed
	case f.confirmed.IsZero():
		return freshStale, f.started, f.confirmed
	case now.Sub(f.confirmed) > f.limit:
		return freshStale, f.confirmed.Add(f.limit), f.confirmed
	default:
		return fresh, f.freshFrom, f.confirmed
	}
}
