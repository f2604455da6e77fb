package sidecar

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/pull"
)

// maxBackfillDelay bounds how long a fleet that starts together is spread over before it asks for earlier revisions. Later its polls are.
const maxBackfillDelay = 5 * time.Second

// backfill brings in earlier revisions that requests may still be pinned to and that this sidecar does not hold: after a restart from the
// disk, and from the store those that were published between two polls. It ends with ctx.
func (s *Sidecar) backfill(ctx context.Context) {
	b := backfill{s: s, looked: map[string]bool{}}
	delay := time.Duration(s.config.Random() * float64(min(s.config.Poll, maxBackfillDelay)))
	for ctx.Err() == nil {
		wait := s.config.Poll
		b.restore(ctx)
		if b.due() {
			if s.holder.current.Load() != nil && !sleep(ctx, delay) {
				return
			}
			delay = 0
			if err := b.walk(ctx); err != nil && ctx.Err() == nil {
				s.config.Log.Warn("earlier revisions not read; requests that are pinned to them are answered from newer flags, and told so", "error", err, "retry_in", wait.String())
			}
		}
		s.holder.settle()
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.holder.news:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// backfill is how far back the store's revisions are known.
type backfill struct {
	s        *Sidecar
	complete int64           // up to this revision all are known that still count
	looked   map[string]bool // held files that were looked at
}

// due tells whether revisions before the newest may be missing. Most of the time none is, and the store is not asked.
func (b *backfill) due() bool {
	newest := b.s.holder.newest.Load()
	if newest == nil {
		return false
	}
	m := newest.Manifest()
	if m.Revision > b.complete && (m.Before() <= b.complete || b.s.holder.past(*newest)) { // the first revision has none before it
		b.complete = m.Revision
	}
	return m.Revision > b.complete
}

// walk goes back from the newest head to the first revision that counts no more.
func (b *backfill) walk(ctx context.Context) error {
	h, from := b.s.holder, *b.s.holder.newest.Load()
	oldest := int64(0)
	if served := h.current.Load(); served != nil {
		oldest = served.oldestPin()
	}
	want := func(head, next bundle.Head) pull.Wish {
		m := head.Manifest()
		switch {
		case m.Revision <= b.complete, m.Revision < oldest, h.past(next):
			return pull.Stop
		case h.knows(head, next), b.s.keeper.condemned(m.Bundle.Digest):
			return pull.Skip
		case h.full():
			return pull.Stop
		default:
			return pull.Take
		}
	}
	past := pull.Past{Source: b.s.config.Source, Policy: b.s.policy(), Log: b.s.config.Log}
	err := past.Walk(ctx, from, want, func(v bundle.Verified, after bundle.Head) error {
		packed := v.Packed()
		if err := h.remember(v, fromStore, after); err != nil {
			return err
		}
		select {
		case <-b.s.keeper.hold(packed): // one at a time is in memory
		case <-ctx.Done():
		}
		return nil
	})
	if err == nil {
		b.complete = from.Manifest().Revision
	}
	return err
}

// restore brings in what the disk holds beside the newest flags, if it verifies with today's keys. A disk that is late has it later.
func (b *backfill) restore(ctx context.Context) {
	s, after := b.s, b.s.holder.newest.Load()
	for _, name := range s.keeper.heldNames() {
		if ctx.Err() != nil || after != nil && s.holder.past(*after) {
			return
		}
		if b.looked[name] {
			continue
		}
		b.looked[name] = true
		revision, digest, _ := lkg.ParseHeld(name)
		if s.holder.has(digest) {
			continue
		}
		loaded, err := s.keeper.loadHeld(ctx, name)
		if err != nil || errors.Is(loaded.Err, os.ErrNotExist) { // all ends, or it made room for another
			continue
		}
		c := candidate{Loaded: loaded, source: fromDisk}
		err = s.reopen(&c)
		if err == nil && c.head.Manifest().Revision != revision {
			err = fmt.Errorf("holds revision %d", c.head.Manifest().Revision)
		}
		if err == nil {
			err = s.rememberHeld(c, after)
		}
		if err != nil {
			s.notTaken(c, err)
			s.keeper.discard(name)
			continue
		}
		after = &c.head
	}
}

func (s *Sidecar) rememberHeld(c candidate, after *bundle.Head) error {
	if after == nil {
		after = &c.head
	}
	if s.keeper.condemned(c.digest()) || s.holder.knows(c.head, *after) {
		return nil
	}
	verified, err := c.head.Open(c.Bundle)
	if err != nil {
		return err
	}
	return s.holder.remember(verified, fromDisk, *after)
}

// remember holds earlier flags, which stopped being the newest with the head after them. Those that are newer than what is served take their
// turn, as with everybody who saw them when they were published: the head after them waits for its moment.
func (h *holder) remember(v bundle.Verified, source string, after bundle.Head) error {
	digest := v.Head().Manifest().Bundle.Digest
	h.keeper.try(digest)
	one, err := h.compile(v, source)
	h.keeper.untry(digest)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	served := h.current.Load()
	switch {
	case served != nil && one.revision == served.revision:
		return nil
	case served != nil && one.revision < served.revision:
		h.held.note(one, h.replaced(after, now))
		h.held.add(one, served)
		h.compose(served, now)
	case h.early(one.head, now) > 0:
		h.await(one, now)
	default:
		h.activate(one, now)
	}
	h.arm(now)
	return nil
}

// replaced is when a head took the place of the one before it, as a reading.
func (h *holder) replaced(by bundle.Head, now time.Time) time.Time {
	m := by.Manifest()
	at := m.PublishedAt
	if m.ActivateAt.After(at) {
		at = m.ActivateAt
	}
	if h.clock.judge(now, h.published()) != "" {
		return now
	}
	return now.Add(-max(h.clock.at(now).Sub(at), 0))
}

// past tells whether what a head replaced does not count any more.
func (h *holder) past(by bundle.Head) bool {
	now := time.Now()
	return now.Sub(h.replaced(by, now)) > h.pinMaxAge
}

// knows tells whether a revision's flags are held already; its token is known from then on.
func (h *holder) knows(head, after bundle.Head) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	served, now := h.current.Load(), time.Now()
	if served == nil {
		return false
	}
	m := head.Manifest()
	known := served.content == m.Bundle.ContentDigest
	if m.Revision > served.revision { // then it is to be served yet
		return known || slices.ContainsFunc(h.held.waiting, func(w *flagset) bool { return w.content == m.Bundle.ContentDigest })
	}
	for _, p := range h.held.past {
		known = known || p.content == m.Bundle.ContentDigest
	}
	if !known {
		return false
	}
	h.held.note(newFlagset(served.bundle, head, m.Revision, served.source), h.replaced(after, now))
	h.compose(served, now)
	return true
}

// has tells whether the flags of a stored bundle are held, by the hexadecimal digits of its digest.
func (h *holder) has(stored string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range append(slices.Clone(h.held.waiting), h.current.Load()) {
		if f != nil && f.head.Manifest().Bundle.Digest.Hex() == stored {
			return true
		}
	}
	return slices.ContainsFunc(h.held.past, func(p *pastBundle) bool { return p.stored.Hex() == stored })
}

// full tells whether there is room for no more bundles.
func (h *holder) full() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return 1+len(h.held.waiting)+len(h.held.past) >= h.retain
}
