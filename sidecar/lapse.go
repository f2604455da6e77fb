package sidecar

import (
	"slices"
	"time"

	"github.com/burgeehq/burgee/eval"
)

// Why a flag fails closed, as answers and /status have it.
const (
	closedStale   = "stale"
	closedExpired = "expired"
	closedMissed  = "pin-missed"
)

// lapse is how far the flags have gone past what their owners allow. It changes at the moments that it is made of and not between them, so
// that nothing has to be worked out while a request waits.
type lapse struct {
	staleSince string        // as answers say it; empty while the flags are fresh
	passed     time.Duration // the longest of the flags' bounds that is passed; 0 while none is
	expired    bool          // the newest head is past its validUntil
	unbounded  time.Duration // the bound of flags that fail closed and name none
}

// closing tells the evaluator which flags fail closed; nil where none does.
func (l lapse) closing() eval.Closing {
	if l.passed == 0 && !l.expired {
		return nil
	}
	return l.why
}

// why tells why a flag fails closed, of those whose contract says so; empty where it does not.
func (l lapse) why(f *eval.Flag) string {
	switch {
	case l.passed >= l.bound(f):
		return closedStale
	case l.expired:
		return closedExpired
	default:
		return ""
	}
}

// bound is after how long without confirmation a flag fails closed that does so at all.
func (l lapse) bound(f *eval.Flag) time.Duration {
	if after, _ := f.FailsClosed(); after > 0 {
		return after
	}
	return l.unbounded
}

// marks are the members that all answers carry meanwhile.
func (l lapse) marks() string {
	if l.staleSince == "" {
		return ""
	}
	return `"burgee.staleSince":"` + l.staleSince + `"`
}

// bounds are the times without confirmation after which some flag fails closed: ascending, each once.
type bounds []time.Duration

// with adds those of more flags.
func (b bounds) with(flags []*eval.Flag, unbounded time.Duration) bounds {
	l := lapse{unbounded: unbounded}
	for _, f := range flags {
		if _, closed := f.FailsClosed(); closed {
			b = append(b, l.bound(f))
		}
	}
	slices.Sort(b)
	return slices.Compact(b)
}

// passed is the longest bound that an age is past; 0 where there is none.
func (b bounds) passed(age time.Duration) (longest time.Duration) {
	for _, bound := range b {
		if age > bound {
			longest = bound
		}
	}
	return longest
}

// next is the first bound that an age is not past yet.
func (b bounds) next(age time.Duration) (bound time.Duration, there bool) {
	for _, bound := range b {
		if age <= bound {
			return bound, true
		}
	}
	return 0, false
}
