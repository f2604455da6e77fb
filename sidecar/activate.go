package sidecar

import (
	"slices"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// take serves flags, or holds them until the moment that their head sets for the whole fleet.
func (h *holder) take(next *flagset) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	switch current := h.current.Load(); {
	case current != nil && next.revision < current.revision: // a late disk's: something newer came while it was compiled
	case h.early(next.head, now) > 0:
		h.await(next, now)
	default:
		h.activate(next, now)
	}
	h.arm(now)
}

// early is how long it is until the moment of a head; 0 where it has come, or where this machine's clock cannot tell.
func (h *holder) early(head bundle.Head, now time.Time) time.Duration {
	at := head.Manifest().ActivateAt
	if at.IsZero() || h.clock.judge(now, h.published()) != "" {
		return 0
	}
	return max(at.Sub(h.clock.at(now)), 0)
}

// await holds flags for their moment. Another head over the same flags takes the place of the one before, whichever comes first.
func (h *holder) await(next *flagset, now time.Time) {
	if !h.held.wait(next) {
		return
	}
	h.held.note(next, time.Time{})
	h.log.Info("flags held for their moment", "revision", next.revision, "activate_at", next.head.Manifest().ActivateAt)
	h.proveLater(next)
	h.recompose(now)
}

// activateDue serves those whose moment has come: of several the newest.
func (h *holder) activateDue(now time.Time) {
	for _, w := range slices.Backward(slices.Clone(h.held.waiting)) {
		if h.early(w.head, now) == 0 {
			h.activate(w, now)
			return
		}
	}
}

// settle serves what waits for its moment where there is nothing else to serve until then.
func (h *holder) settle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.held.waiting); n > 0 && h.current.Load() == nil {
		now := time.Now()
		h.activate(h.held.waiting[n-1], now)
		h.arm(now)
	}
}

// activate serves a flagset under the overrides of the newest head. What was served is held.
func (h *holder) activate(next *flagset, now time.Time) {
	h.newest.CompareAndSwap(nil, &next.head)
	before := h.current.Load()
	next.since = now
	h.held.follow(before, next, now)
	h.compose(next, now)
	h.keeper.forget(next.oldestPin())
	h.thrift.endSoon(h.weight())
	h.proveLater(next)
	h.log.Info("flags active", "revision", next.revision, "flags", next.rules.Len(), "from", next.source)
	for i, problem := range next.bundle.Broken() {
		if i == maxBrokenLogged {
			h.log.Warn("more flags are broken; /status names them all", "broken", len(next.bundle.Broken()))
			break
		}
		h.log.Warn("flag is broken", "flag", problem.Flag, "at", problem.Path, "problem", problem.Message)
	}
	h.sayOverrides()
}

// sayOverrides puts those into the log that do not do what they say.
func (h *holder) sayOverrides() {
	for _, o := range h.current.Load().overrides() {
		if o.Problem != "" {
			h.log.Warn("override without its effect", "flag", o.Flag, "segment", o.Segment, "problem", o.Problem)
		}
	}
}

// compiled gives the flags of a bundle that is served or waits, or nil.
func (h *holder) compiled(ref bundle.Ref) *eval.Ruleset {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, one := range h.whole() {
		if sameBundle(one.head.Manifest().Bundle, ref) {
			return one.bundle
		}
	}
	return nil
}

// whole are the flags that are not kept as a difference to others: those that wait for their moment, and those that are served.
func (h *holder) whole() []*flagset {
	all := slices.Clone(h.held.waiting)
	if current := h.current.Load(); current != nil {
		all = append(all, current)
	}
	return all
}

// makeRoom lets go of what is held where the flags of a revision that are being compiled find no room beside it, and take so many bytes
// already: the oldest first, and what waits for its moment last, since more than one such large document at a time is rare. What is newer
// stays.
func (h *holder) makeRoom(revision int64, growing int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	served := h.served()
	if served == nil {
		return
	}
	changed := false
	fits := func() bool { return served.Weight()+h.held.weight(served)+growing <= maxAllMemory }
	for ; len(h.held.past) > 0 && !fits(); changed = true {
		h.held.letGo(h.held.past[0].revision)
	}
	for ; len(h.held.waiting) > 0 && h.held.waiting[0].revision < revision && !fits(); changed = true {
		h.log.Warn("flags that wait for their moment are let go, for want of memory", "revision", h.held.waiting[0].revision)
		h.held.waiting = slices.Delete(h.held.waiting, 0, 1)
	}
	if changed {
		h.recompose(time.Now()) // the table of pins holds them too
	}
}

// hasRoom tells whether past flags find room that are being compiled, and take so many bytes already. Only what is older goes for them.
func (h *holder) hasRoom(revision int64, growing int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.current.Load()
	if now == nil {
		return true
	}
	changed := false
	for len(h.held.past) > 0 && h.held.past[0].revision < revision && h.held.weight(now.bundle)+growing > roomBeside(now) {
		changed = true
		h.held.letGo(h.held.past[0].revision)
	}
	if changed {
		h.recompose(time.Now())
	}
	return h.held.weight(now.bundle)+growing <= roomBeside(now)
}
