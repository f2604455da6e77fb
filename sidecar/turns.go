package sidecar

import "time"

// lookAfter is how long nothing is looked at at most: the moments that are known beforehand have a timer, but a clock may be set.
const lookAfter = 5 * time.Second

// staleness is since when the flags are stale, as answers say it. It stays as it was said while it lasts, though the clock may be corrected:
// bulk answers would else change.
type staleness struct {
	since time.Time // a reading
	text  string
}

// look serves what the present moment asks for, and waits for the next one.
func (h *holder) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	now := time.Now()
	h.activateDue(now)
	if current := h.current.Load(); current != nil && (h.lapseAt(now) != current.lapse || h.held.over(now)) {
		h.compose(current, now)
	}
	h.arm(now)
}

// compose serves a flagset under the circumstances of the moment, with all that is held beside it.
func (h *holder) compose(of *flagset, now time.Time) {
	h.freshness.serve()
	h.held.trim(of, h.limits(of, now))
	h.weighs.Store(int64(of.bundle.Weight() + h.held.weighs))
	h.bounds = h.held.bounds(of, h.staleAfter)
	c := circumstances{lapse: h.lapseAt(now)}
	if newest := h.newest.Load(); newest != nil {
		m := newest.Manifest()
		c.overrides, c.revision = m.Overrides, m.Revision
	}
	next := of.under(&c)
	next.plan = planBulk(next.rules)
	next.pins = h.held.table(next, &c)
	h.current.Store(next)
}

// recompose serves the same flags, if there are any, since something beside them has changed.
func (h *holder) recompose(now time.Time) {
	if current := h.current.Load(); current != nil {
		h.compose(current, now)
	}
}

// lapseAt is how far the flags have lapsed.
func (h *holder) lapseAt(now time.Time) lapse {
	state, since, confirmed := h.freshness.state(now)
	l := lapse{unbounded: h.staleAfter, expired: h.expired(now)}
	if state == freshStale {
		if !since.Equal(h.stale.since) || h.stale.text == "" {
			h.stale = staleness{since, h.clock.at(since).UTC().Format(time.RFC3339)}
		}
		l.staleSince = h.stale.text
	}
	l.passed = h.bounds.passed(now.Sub(confirmed)) // beyond every bound where nothing is known
	return l
}

// expired tells whether the newest head is past its end, by a clock that is believed.
func (h *holder) expired(now time.Time) bool {
	newest := h.newest.Load()
	if newest == nil {
		return false
	}
	m := newest.Manifest()
	return !m.ValidUntil.IsZero() && h.clock.judge(now, m.PublishedAt) == "" && h.clock.at(now).After(m.ValidUntil)
}

// arm has the holder look again at the next moment at which something changes by itself.
func (h *holder) arm(now time.Time) {
	if h.closed {
		return
	}
	wait := lookAfter
	at := func(moment time.Time) {
		if until := moment.Sub(now); until >= 0 {
			wait = min(wait, until+time.Millisecond) // past it, not at it
		}
	}
	_, _, confirmed := h.freshness.state(now)
	if !confirmed.IsZero() {
		at(confirmed.Add(h.staleAfter))
		if bound, there := h.bounds.next(now.Sub(confirmed)); there {
			at(confirmed.Add(bound))
		}
	}
	if newest := h.newest.Load(); newest != nil {
		if end := newest.Manifest().ValidUntil; !end.IsZero() {
			at(now.Add(end.Sub(h.clock.at(now))))
		}
	}
	for _, w := range h.held.waiting {
		wait = min(wait, max(h.early(w.head, now), time.Millisecond))
	}
	if !h.held.next.IsZero() {
		at(h.held.next)
	}
	if h.turn == nil {
		h.turn = time.AfterFunc(wait, h.look)
	} else {
		h.turn.Reset(wait)
	}
}
