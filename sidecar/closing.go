package sidecar

import (
	"time"

	"github.com/burgeehq/burgee/eval"
)

// describeClosing tells which flags fail closed, as they are served, and which will be the next.
func (s *Sidecar) describeClosing(st *Status, now, confirmed time.Time) {
	flags := s.holder.current.Load()
	if flags == nil {
		return
	}
	c := closingTimes{sidecar: s, lapse: flags.lapse, confirmed: confirmed}
	if newest := s.holder.newest.Load(); newest != nil {
		st.validUntil = newest.Manifest().ValidUntil
		if c.lapse.expired || st.validUntil.After(s.clock.at(now)) { // past it, the clock is not believed
			c.end = st.validUntil
		}
	}
	if c.lapse.expired {
		st.Validity = expired
	}
	for _, flag := range flags.rules.Flags() {
		after, closed := flag.FailsClosed()
		if !closed || flag.Disabled() || flag.Broken() { // a broken one has failed already, whatever its age
			continue
		}
		if bound := c.lapse.bound(flag); bound < 2*s.config.Poll {
			st.ShortBounds = append(st.ShortBounds, ShortBound{flag.Key(), after.String()})
		}
		if answer, fixed := flag.Fixed(); fixed && answer.Overridden {
			continue // for everyone
		}
		if why := c.lapse.why(flag); why != "" {
			st.FailingClosed = append(st.FailingClosed, FailingClosed{flag.Key(), why, stamp(c.since(why, flag))})
			continue
		}
		at := c.next(flag)
		switch next := st.NextClosing; {
		case at.IsZero():
		case next == nil || at.Before(next.At):
			st.NextClosing = &NextClosing{at, []string{flag.Key()}}
		case at.Equal(next.At):
			next.Flags = append(next.Flags, flag.Key())
		}
	}
}

// closingTimes tells when flags fail closed.
type closingTimes struct {
	sidecar   *Sidecar
	lapse     lapse
	confirmed time.Time // a reading; zero where it is not known
	end       time.Time // of validity; zero where there is none
}

// since is when a flag began to fail closed. Where nobody knows how old the flags are it was with the process.
func (c *closingTimes) since(why string, flag *eval.Flag) time.Time {
	switch {
	case why == closedExpired:
		return c.end
	case c.confirmed.IsZero():
		return c.sidecar.clock.at(c.sidecar.started)
	default:
		return c.sidecar.clock.at(c.confirmed.Add(c.lapse.bound(flag)))
	}
}

// next is when a flag will fail closed unless something comes between; zero where it will not.
func (c *closingTimes) next(flag *eval.Flag) time.Time {
	at := c.end.UTC()
	if c.sidecar.bench != nil { // no store confirms anything there
		return at
	}
	if stale := c.sidecar.clock.at(c.confirmed.Add(c.lapse.bound(flag))); !c.confirmed.IsZero() && (at.IsZero() || stale.Before(at)) {
		at = stale
	}
	return at
}
