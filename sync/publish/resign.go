package publish

import (
	"context"
	"errors"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Resigning is a revision that changes nothing but who signs it. Flags that are not active yet become so when they would have.
type Resigning struct {
	Author, Message string // who does it, and why; both required

	ValidFor time.Duration // how long the revision is valid; 0 keeps the end that the head has, or its absence
	Later    bool          // refuse an end that is not later than the head's; a head without one has the latest
	DryRun   bool          // find out everything, write nothing
}

func (r *Resigning) check() error {
	switch {
	case r.Author == "" || r.Message == "":
		return errors.New("publish: Author and Message are required")
	case r.ValidFor < 0:
		return errors.New("publish: ValidFor is negative")
	}
	return nil
}

// Resign makes the next revision over the bundle, the tombstones and the overrides of the head, signed by the publisher's keys and by no
// others. The flags are not looked at, so neither a limit that they near nor a rule that is newer than they are stands in the way of
// taking a key out of use. It writes even where the same keys signed the head. Errors are those of Publish; a store without a head has
// nothing to sign.
func (p *Publisher) Resign(ctx context.Context, r Resigning) (Result, error) {
	if err := r.check(); err != nil {
		return Result{}, err
	}
	b, err := p.readHead(ctx)
	if err != nil {
		return Result{}, err
	}
	if err := p.takeOver(ctx, b, r.DryRun, false); err != nil {
		return Result{}, err
	}
	m := p.again(b, r)
	if err := later(r, b.head.Manifest().ValidUntil, m.ValidUntil); err != nil {
		return Result{}, err
	}
	if r.ValidFor > 0 {
		if err := checkActivation(&m); err != nil {
			return Result{}, err
		}
	}
	next := &revision{bundle: b.flags.Stored(), same: true}
	if err := p.finish(b, next, m, b.ledger); err != nil {
		return Result{}, err
	}
	if r.DryRun {
		return Result{Outcome: Planned, Head: next.head, Same: true}, nil
	}
	return p.write(ctx, b, next)
}

// again is the head's manifest as that of the next revision, with the end that r asks for.
func (p *Publisher) again(b *base, r Resigning) bundle.Manifest {
	m := p.successor(b, r.Author, r.Message)
	if r.ValidFor > 0 {
		m.ValidUntil = m.PublishedAt.Add(r.ValidFor)
	}
	return m
}

// later refuses a renewal that takes time away.
func later(r Resigning, before, after time.Time) error {
	switch {
	case !r.Later || after.After(before) && !before.IsZero():
		return nil
	case before.IsZero():
		return refuse(RuleEarlier, "the head is valid without end: this one would end at %s", after.Format(time.RFC3339))
	}
	return refuse(RuleEarlier, "the head is valid until %s: this one would end at %s", before.UTC().Format(time.RFC3339), after.Format(time.RFC3339))
}

// successor is the head's manifest as that of the next revision over the same bundle. The step from a bundle to itself loses no flags. But
// where the head's own step loses more than it is marked for, so that sidecars refuse its bundle, it stays so: the next revision must not
// make that good.
func (p *Publisher) successor(b *base, author, message string) bundle.Manifest {
	m := b.head.Manifest()
	m.PublishedAt = p.now().UTC().Truncate(time.Second)
	m.Change = bundle.Change{Author: author, Message: message}
	p.carryActivation(&m)
	if m.Bundle.AllowShrink || !m.Bundle.Shrinks() {
		m.Bundle.PreviousFlags = m.Bundle.Flags
		m.Bundle.AllowShrink = m.Bundle.AllowShrink && m.Bundle.Shrinks()
	}
	return m
}
