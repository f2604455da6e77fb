package publish

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/burgeehq/burgee/sync/bundle"
)

// How often somebody whose head was moved by others tries again, and how long they wait in between: about half a minute in all.
const (
	overrideTries = 20
	firstPause    = 50 * time.Millisecond
	maxPause      = 2 * time.Second
)

// ledgerTime is how long a kill waits for the tombstones of a slow store.
const ledgerTime = 5 * time.Second

// changeOverrides makes a revision of other overrides, and begins anew on the head that stands where somebody else was first.
func (p *Publisher) changeOverrides(ctx context.Context, c change) (Overridden, error) {
	if err := c.check(); err != nil {
		return Overridden{}, err
	}
	pauses := backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstPause), backoff.WithMaxInterval(maxPause), backoff.WithMaxElapsedTime(0))
	var first *base
	for try := 1; ; try++ {
		b, err := p.readHead(ctx)
		if err != nil {
			return Overridden{}, err
		}
		if first == nil {
			first = b
		}
		done, err := p.overrideOnce(ctx, first, b, c)
		if conflict := (*Conflict)(nil); !errors.As(err, &conflict) || conflict.Flag != "" || try == overrideTries {
			return done, err
		}
		if err := pause(ctx, pauses.NextBackOff()); err != nil {
			return Overridden{}, err
		}
	}
}

func pause(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// overrideOnce tries it on one head; first is the one that the whole began with.
func (p *Publisher) overrideOnce(ctx context.Context, first, b *base, c change) (Overridden, error) {
	if err := p.checkFree(ctx, b); err != nil {
		return Overridden{}, err
	}
	m := p.successor(b, c.author, c.message)
	s, err := c.from(m.Overrides, m.PublishedAt)
	stands := err == nil && len(s.entries) == 0
	if stands && p.signed(b.head) {
		return Overridden{Result: Result{Outcome: Unchanged, Head: b.head, Same: true}, Came: s.came}, nil
	}
	if before := of(c.flag, first.head.Manifest().Overrides); !stands && !same(before, of(c.flag, m.Overrides)) {
		return Overridden{}, &Conflict{Revision: b.next, Head: p.whoTouched(ctx, c.flag, first, b), Flag: c.flag}
	}
	if missing := (*NotOverridden)(nil); errors.As(err, &missing) {
		missing.Foreign = !p.signed(b.head)
	}
	if err != nil {
		return Overridden{}, err
	}
	if err := p.staysSigned(b); err != nil {
		return Overridden{}, err
	}
	done := Overridden{Came: s.came, Went: s.went, Damage: slices.Clone(b.lost)}
	if !c.dryRun {
		err := p.complete(ctx, b)
		if damage := (*Refusal)(nil); errors.As(err, &damage) {
			done.Damage = append(done.Damage, err) // a copy that was changed is nothing that a kill can mend, or must wait for
		} else if err != nil {
			return Overridden{}, err
		}
	}
	ledger, err := p.carry(ctx, m.Ledger)
	if err != nil {
		done.Damage = append(done.Damage, err)
	}
	next := &revision{entries: s.entries, same: true}
	m.Overrides = s.next
	if err := p.finish(b, next, m, ledger); err != nil {
		return Overridden{}, err
	}
	if c.dryRun {
		done.Result = Result{Outcome: Planned, Head: next.head, Entries: next.entries, Same: true}
		return done, nil
	}
	done.Result, err = p.write(ctx, b, next)
	return done, err
}

// carry hands the tombstones of a ledger on to the next one, or where they cannot be read the place where they are. The error says why
// that is so.
func (p *Publisher) carry(ctx context.Context, from bundle.Digest) (bundle.Ledger, error) {
	ctx, cancel := context.WithTimeout(ctx, ledgerTime)
	defer cancel()
	retired, unread, err := p.tombstones(ctx, from)
	return bundle.Ledger{Retired: retired, RetiredFrom: unread}, err
}

// maxTraced is how many revisions are read to find out who touched a flag.
const maxTraced = 100

// whoTouched finds the newest revision after the first that changed the overrides of a flag. Where its history cannot be read it gives the
// head, which is by somebody who was first in any case.
func (p *Publisher) whoTouched(ctx context.Context, flag string, first, b *base) bundle.Head {
	later := b.head
	for range maxTraced {
		revision := later.Manifest().Revision - 1
		if revision < first.revision() {
			return b.head
		}
		got, err := p.store.Get(ctx, bundle.RevisionKey(revision), "", bundle.MaxManifest)
		if err != nil {
			return b.head
		}
		earlier, err := p.policy.Open(got.Body)
		if err != nil {
			return b.head
		}
		if !same(of(flag, earlier.Manifest().Overrides), of(flag, later.Manifest().Overrides)) {
			return later
		}
		later = earlier
	}
	return b.head
}
