package sidecar

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/pull"
)

// busyWait is how long to wait where other flags are being compiled.
const busyWait = 100 * time.Millisecond

// maxDoublings bounds how much longer the wait gets after failures.
const maxDoublings = 6

// maxBackfillDelay bounds how long a fleet that starts together is spread over before it asks for earlier revisions. Later its polls are.
const maxBackfillDelay = 5 * time.Second

// backfill brings in earlier revisions that requests may still be pinned to and that this sidecar does not hold: after a restart from the
// disk, and from the store those that were published between two polls. It ends with ctx.
func (s *Sidecar) backfill(ctx context.Context) {
	b := backfill{s: s, looked: map[string]bool{}}
	delay := time.Duration(s.config.Random() * float64(min(s.config.Poll, maxBackfillDelay)))
	for ctx.Err() == nil {
		busy := b.restore(ctx)
		if !busy && b.due() {
			if s.holder.current.Load() != nil && !sleep(ctx, delay) {
				return
			}
			delay = 0
			err := b.walk(ctx)
			busy = errors.Is(err, errBusy)
			if err != nil && !busy && b.failures == 1 && ctx.Err() == nil { // once, not with each poll
				s.config.Log.Warn("earlier revisions not read; requests that are pinned to them are answered from newer flags, and told so", "error", err, "retry_in", b.wait().String())
			}
		}
		wait := b.wait()
		if busy { // what was to be looked at may be all that there is to serve
			wait = busyWait
		} else {
			s.holder.settle()
		}
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
	failures int             // in a row
}

// due tells whether revisions before the newest may be missing. Most of the time none is, and the store is not asked.
func (b *backfill) due() bool {
	newest := b.s.holder.newest.Load()
	if newest == nil {
		return false
	}
	m := newest.Manifest()
	if m.Before() > b.complete && !b.s.holder.past(*newest) { // the first revision has none before it
		return true
	}
	b.knownBefore(m)
	return false
}

// knownBefore notes that all revisions before one are known, and it too if its flags have come.
func (b *backfill) knownBefore(m bundle.Manifest) {
	known := m.Before()
	if b.s.holder.has(m.Bundle.Digest.Hex()) {
		known = m.Revision
	}
	b.complete = max(b.complete, known)
}

// wait is how long to wait before the store is asked again: longer each time that it failed.
func (b *backfill) wait() time.Duration {
	return min(b.s.config.Poll<<min(b.failures, maxDoublings), b.s.config.StaleAfter)
}

// walk goes back from the newest head to the first revision that counts no more.
func (b *backfill) walk(ctx context.Context) error {
	h, from := b.s.holder, *b.s.holder.newest.Load()
	oldest := h.oldestPin()
	spilled := false
	var taking bundle.Digest // the bundle that is being fetched and taken up
	want := func(head, next bundle.Head) pull.Wish {
		m := head.Manifest()
		switch {
		case m.Revision <= b.complete, m.Revision < oldest, h.past(next), h.knowsEnough():
			return pull.Stop
		case h.knows(head, next), b.s.keeper.condemned(m.Bundle.Digest), h.refusedBefore(m.Bundle.Digest):
			return pull.Skip
		case spilled || h.full(m.Revision):
			return pull.Stop
		default:
			taking = m.Bundle.Digest
			return pull.Take
		}
	}
	past := pull.Past{Source: b.s.config.Source, Policy: b.s.policy(), Log: b.s.config.Log}
	err := past.Walk(ctx, from, want, func(v bundle.Verified, after bundle.Head) error {
		packed := v.Packed()
		if err := h.remember(v, fromStore, after); err != nil {
			return err
		}
		spilled = !h.keeps(packed.Head())
		taking = ""
		kept, cancel := context.WithTimeout(ctx, saveWait)
		defer cancel()
		select {
		case <-b.s.keeper.hold(packed): // one at a time is in memory
		case <-kept.Done(): // a disk that hangs does not keep the rest from coming
		}
		return nil
	})
	switch {
	case err == nil:
		b.failures = 0
		b.knownBefore(from.Manifest())
		b.s.config.Log.Info("earlier revisions read", "back_from", from.Manifest().Revision)
	case errors.Is(err, errBusy): // soon again
	default:
		if taking != "" {
			h.refuseFor(err, taking)
		}
		b.failures++
	}
	return err
}

// errBusy is that other flags are being compiled. Two documents at a time are too much for a pod, and so is one that waits for the other.
var errBusy = errors.New("other flags are being compiled")

// restore brings in what the disk holds beside the newest flags, if it verifies with today's keys. A disk that is late has it later, and so
// has one that is to be looked at while other flags are compiled, which it tells.
func (b *backfill) restore(ctx context.Context) (busy bool) {
	s, after := b.s, b.s.holder.newest.Load()
	names := s.keeper.heldNames()
	maps.DeleteFunc(b.looked, func(name string, _ bool) bool { return !slices.Contains(names, name) })
	for _, name := range names {
		if ctx.Err() != nil || after != nil && s.holder.past(*after) {
			return false
		}
		if b.looked[name] {
			continue
		}
		b.looked[name] = true
		revision, digest, _ := lkg.ParseHeld(name)
		if s.holder.has(digest) || revision < s.holder.oldestPin() || s.holder.full(revision) {
			continue
		}
		loaded, err := b.load(ctx, name)
		switch {
		case err != nil: // a disk that hangs is asked again later
			delete(b.looked, name)
			return false
		case errors.Is(loaded.Err, os.ErrNotExist): // it made room for another
			continue
		}
		c := candidate{Loaded: loaded, source: fromDisk}
		err = s.reopen(&c)
		if err == nil && c.head.Manifest().Revision != revision {
			err = fmt.Errorf("holds revision %d", c.head.Manifest().Revision)
		}
		head := c.head
		if err == nil {
			err = s.rememberHeld(c, after)
		}
		if errors.Is(err, errBusy) {
			delete(b.looked, name)
			return true
		}
		if err != nil {
			s.notTaken(c, err)
			s.keeper.discard(name)
			continue
		}
		after = &head // not that of the candidate, which has the bundle's bytes
	}
	return false
}

func (b *backfill) load(ctx context.Context, name string) (lkg.Loaded, error) {
	ctx, cancel := context.WithTimeout(ctx, restoreWait)
	defer cancel()
	return b.s.keeper.loadHeld(ctx, name)
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

// remember holds earlier flags, which stopped being the newest with the head after them. Where there is nothing to serve, or something older
// until a newer revision's moment, it serves them, or has them wait for their own.
func (h *holder) remember(v bundle.Verified, source string, after bundle.Head) error {
	if !h.making.TryLock() {
		return errBusy
	}
	defer h.making.Unlock()
	m := v.Head().Manifest()
	h.keeper.try(m.Bundle.Digest)
	one, err := h.compile(v, source, func(growing, _ int) bool { return h.hasRoom(m.Revision, growing) })
	h.keeper.untry(m.Bundle.Digest)
	if errors.Is(err, errNoRoom) {
		h.noRoom(m.Revision)
		return nil
	}
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	served := h.current.Load()
	switch {
	case served != nil && one.revision < served.revision:
		h.held.note(one, h.replaced(after, now))
		h.held.add(one, served)
		h.compose(served, now)
	case served != nil && len(h.held.waiting) == 0, served != nil && one.revision == served.revision:
		return nil // it is not the past any more
	case h.early(one.head, now) > 0:
		h.await(one, now)
	default:
		h.activate(one, now) // the newest waits, and all others have come to this one meanwhile
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
	content := m.Bundle.ContentDigest
	if m.Revision > served.revision { // and before the newest, which waits: its moment may have come, though not for these flags here
		return served.content == content || h.early(head, now) > 0 &&
			slices.ContainsFunc(h.held.waiting, func(w *flagset) bool { return w.content == content && w.revision >= m.Revision })
	}
	if served.content != content && !slices.ContainsFunc(h.held.past, func(p *pastBundle) bool { return p.content == content }) {
		return false
	}
	if h.held.note(newFlagset(served.bundle, head, m.Revision, served.source), h.replaced(after, now)) {
		h.compose(served, now)
	}
	return true
}

// has tells whether the flags of a stored bundle are held, by the hexadecimal digits of its digest.
func (h *holder) has(stored string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	whole := slices.ContainsFunc(h.whole(), func(f *flagset) bool { return f.head.Manifest().Bundle.Digest.Hex() == stored })
	return whole || slices.ContainsFunc(h.held.past, func(p *pastBundle) bool { return p.stored.Hex() == stored })
}

// oldestPin is the revision below which pins count no more; 0 where nothing is served.
func (h *holder) oldestPin() int64 {
	if served := h.current.Load(); served != nil {
		return served.oldestPin()
	}
	return 0
}

// knowsEnough tells whether there is room for the tokens of no more revisions.
func (h *holder) knowsEnough() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.held.revisions) >= maxRevisions
}

// full tells whether there is room for no bundle so old: those that are older yet would give way, but it or a newer one was let go already.
func (h *holder) full(revision int64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	newer := 1 + len(h.held.waiting)
	for _, p := range h.held.past {
		if p.revision > revision {
			newer++
		}
	}
	return newer >= h.retain || revision <= h.held.gone
}

// keeps tells whether a revision of the past is still held, and did not find the memory taken by newer ones.
func (h *holder) keeps(head bundle.Head) bool {
	m, served := head.Manifest(), h.current.Load()
	return served == nil || m.Revision > served.revision || h.has(m.Bundle.Digest.Hex())
}

// noRoom notes that a past revision found none, so that none before it is tried.
func (h *holder) noRoom(revision int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held.letGo(revision)
	h.recompose(time.Now()) // the table of pins holds them too
}
