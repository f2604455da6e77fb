package pull

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// State is what the loop knows of its store. Times are readings of time.Now, so that their ages can be told whatever the clock does since;
// they are zero where there was none.
type State struct {
	LastAttempt time.Time
	LastSuccess time.Time // the store was read, whatever it held
	LastChange  time.Time // a newer head was accepted
	NextAttempt time.Time

	HeadRevision int64     // the newest accepted head's; above the served one while its bundle is not
	Failures     int       // in a row
	LastError    *Failure  // of the last failed poll; nil after a good one
	Rejected     *Rejected // nil once the store's newest state is served

	Unchanged, Changed, Failed uint64 // polls: the head was the same, was another, or something could not be read
	Refusals                   map[bundle.Reason]uint64
}

// Failure is a store that could not be read.
type Failure struct {
	At      time.Time
	Kind    string // one of those of kindOf, or other
	Message string
}

// Rejected is the store's present state where it is not acceptable.
type Rejected struct {
	At       time.Time
	Revision int64 // 0 where the head could not be verified
	Reason   bundle.Reason
	Message  string
}

// same tells whether this is one verdict met again, poll after poll.
func (r *Rejected) same(other *Rejected) bool {
	return other != nil && r.Revision == other.Revision && r.Reason == other.Reason && r.Message == other.Message
}

// State is a copy of what the loop knows now.
func (l *Loop) State() State {
	l.mu.Lock()
	defer l.mu.Unlock()
	state := l.state
	state.Refusals = maps.Clone(l.refused)
	return state
}

func (l *Loop) note(change func(*State)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.state)
}

// succeed notes a poll that read all it wanted, whatever the verdict on it.
func (s *State) succeed(now time.Time, news bool) {
	s.LastSuccess, s.Failures, s.LastError = now, 0, nil
	if news {
		s.Changed++
	} else {
		s.Unchanged++
	}
}

// kindOf sorts a failure for people who page by it.
func kindOf(err error) string {
	for _, k := range []struct {
		err  error
		name string
	}{
		{object.ErrCredentials, "credentials"},
		{object.ErrInsecure, "tls"},
		{object.ErrClock, "clock"},
		{context.DeadlineExceeded, "timeout"},
		{object.ErrForbidden, "forbidden"},
		{object.ErrNoStore, "no-store"},
		{object.ErrNotFound, "not-found"},
		{object.ErrUnavailable, "unavailable"},
	} {
		if errors.Is(err, k.err) {
			return k.name
		}
	}
	return "other"
}
