package eval

import "time"

// Closing says why a flag fails closed now, such as "stale" or "expired", or ""
// where it does not. It is asked only for flags whose failMode is closed, and of
// those not for disabled and broken ones. It goes by what the flag says: a past
// asks with flags of its own, which have other places.
type Closing func(*Flag) string

// modeClosed is the failMode of flags that would rather answer their safe variant than an old one.
const modeClosed = "closed"

// FailsClosed tells whether the flag's failMode is closed.
func (c Contract) FailsClosed() bool { return c.FailMode == modeClosed }

// Staleness is how long after the store last confirmed the flags this one may be
// served. What is no duration above 0 sets no bound.
func (c Contract) Staleness() (bound time.Duration, ok bool) {
	bound, err := time.ParseDuration(c.MaxStaleness)
	if err != nil || bound <= 0 {
		return 0, false
	}
	return bound, true
}

// FailsClosed tells whether the contract says failMode closed, and after how
// long without confirmation. The bound is 0 where the contract names none that
// can be read.
func (p *program) FailsClosed() (after time.Duration, closed bool) { return p.bound, p.closed }

// declare notes what the contract says that answers depend on.
func (p *program) declare(contract Contract) {
	if end, ok := contract.End(); ok {
		p.end = end.Unix()
	}
	if p.closed = contract.FailsClosed(); p.closed {
		p.bound, _ = contract.Staleness()
	}
}

// FailClosed is the answer of the flag's safe variant, marked with why: "stale",
// "expired", "pin-missed" or "broken". A flag that declares none answers with
// an error, so that the caller's default is served. It is made anew at each call.
func (p *program) FailClosed(why string) Answer {
	a, ok := p.forcedTo((*parts).safeVariant, failClosedEntry(why))
	if !ok {
		return p.renderer().failure(General, "the flag fails closed ("+why+") and declares no safe variant")
	}
	a.FailClosed = true
	return a
}

// closedFor gives the flag as it is while it fails closed, or the flag itself
// where it does not. Overrides for segments decide before that. A disabled flag
// has nothing to fail, and a broken one has failed already.
func (f *Flag) closedFor(closing Closing) *Flag {
	if !f.closed || f.disabled || f.Broken() {
		return f
	}
	if answer, fixed := f.Fixed(); fixed && answer.Overridden {
		return f // for everyone
	}
	why := closing(f)
	if why == "" {
		return f
	}
	return f.atLast(f.FailClosed(why))
}
