package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// findOutTime is how long a publication that was stopped, or got no answer, still takes to find out what came of it.
const findOutTime = 10 * time.Second

// Publish makes r.Document the flags of the environment. It may be stopped at any moment: before the head is written nothing has
// happened but for objects that nobody refers to, and after that the revision stands. A *Conflict says that somebody else was first, a
// *Refusal that r breaks a rule, a *bundle.Refusal that what the store holds cannot be believed.
func (p *Publisher) Publish(ctx context.Context, r Request) (Result, error) {
	if err := r.check(); err != nil {
		return Result{}, err
	}
	b, err := p.base(ctx, r.StartAt)
	if err != nil {
		return Result{}, err
	}
	if b.exists() {
		if err := p.takeOver(ctx, b, r.DryRun, r.From.Stored() != nil); err != nil {
			return Result{}, err
		}
		if p.unchanged(b, r) {
			return Result{Outcome: Unchanged, Head: b.head, Same: true}, nil
		}
	}
	next, err := p.prepare(b, r)
	if err != nil {
		return Result{}, err
	}
	result := Result{Outcome: Planned, Head: next.head, Entries: next.entries, Same: next.same}
	if !r.DryRun {
		if result, err = p.write(ctx, b, next); err != nil {
			return result, err
		}
	}
	result.Lost = b.lost
	if next.head.Manifest().ValidUntil.IsZero() {
		result.Ended = b.last.Manifest().ValidUntil
	}
	return result, nil
}

// unchanged tells whether the head is all that r asks for already: the same flags, no other end, number or oldest pin, and signed by every
// key. Flags that are still to become active are not all that somebody asks for who does not settle.
func (p *Publisher) unchanged(b *base, r Request) bool {
	samePin := r.OldestPin == 0 || r.OldestPin == b.head.Manifest().OldestPin
	return b.same(r.Document) && r.ValidFor == 0 && r.StartAt == 0 && samePin && (r.Settle > 0 || !p.pending(b.head)) && p.signed(b.head)
}

// signed tells whether each of the publisher's keys has signed the head.
func (p *Publisher) signed(head bundle.Head) bool {
	for _, key := range p.keys {
		public, err := key.Public()
		if err != nil {
			return false
		}
		trust, err := bundle.NewTrust([]bundle.PublicKey{public}, 1)
		if err != nil {
			return false
		}
		if _, err := (bundle.Policy{Trust: trust}).Open(head.Raw()); err != nil {
			return false
		}
	}
	return true
}

// takeOver makes the store whole where the publisher before was stopped, and reads what its head stands for. Damage beside the head ends it,
// unless it is to be salvaged.
func (p *Publisher) takeOver(ctx context.Context, b *base, dryRun, salvage bool) error {
	if err := p.checkFree(ctx, b); err != nil {
		return err
	}
	if !dryRun {
		err := p.complete(ctx, b)
		if salvage && errors.As(err, new(*Refusal)) {
			b.lost = append(b.lost, err)
		} else if err != nil {
			return err
		}
	}
	if salvage {
		return p.salvage(ctx, b)
	}
	return p.load(ctx, b)
}

// write puts a revision into the store, what is referred to before what refers to it. One without a bundle is over the head's.
func (p *Publisher) write(ctx context.Context, b *base, next *revision) (Result, error) {
	m := next.head.Manifest()
	if next.bundle != nil {
		if err := p.keep(ctx, bundle.Key(m.Bundle.Digest), next.bundle); err != nil {
			return Result{}, err
		}
	}
	if err := p.keep(ctx, bundle.LedgerKey(m.Ledger), next.ledger); err != nil {
		return Result{}, err
	}
	if err := p.swing(ctx, b, next.head); err != nil {
		return Result{}, err
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), findOutTime)
	defer cancel()
	err := p.keep(after, bundle.RevisionKey(m.Revision), next.head.Raw())
	return Result{Outcome: Published, Head: next.head, Entries: next.entries, Same: next.same, CopyErr: err}, nil
}

// keep writes an object that is never changed afterwards. One that is there already, or whose answer was lost, is compared.
func (p *Publisher) keep(ctx context.Context, key string, body []byte) error {
	_, err := p.store.Create(ctx, key, body)
	if err == nil {
		return nil
	}
	held, readErr := p.store.Get(ctx, key, "", int64(len(body)))
	switch {
	case readErr == nil && bytes.Equal(held.Body, body):
		return nil
	case readErr == nil, errors.Is(readErr, object.ErrTooLarge):
		return refuse(RuleHistory, "%s is there already, with another content", key)
	case errors.Is(err, object.ErrExists):
		return fmt.Errorf("compare %s: %w", key, readErr)
	}
	return fmt.Errorf("write %s: %w", key, err)
}

// swing writes the head: the commit. Whatever the store answers other than yes is found out by looking.
func (p *Publisher) swing(ctx context.Context, b *base, head bundle.Head) error {
	var err error
	if b.exists() {
		_, err = p.store.Replace(ctx, bundle.HeadKey, b.tag, head.Raw())
	} else {
		_, err = p.store.Create(ctx, bundle.HeadKey, head.Raw())
	}
	if err == nil {
		return nil
	}
	return p.findOut(ctx, b, head, fmt.Errorf("write head: %w", err))
}

// findOut finds out whether a head whose write failed with cause was written all the same: by an answer that got lost, or by the first
// of two attempts that a store's client made. It looks even when ctx has ended.
func (p *Publisher) findOut(ctx context.Context, b *base, head bundle.Head, cause error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), findOutTime)
	defer cancel()
	now, err := p.store.Get(ctx, bundle.HeadKey, "", bundle.MaxManifest)
	switch {
	case errors.Is(err, object.ErrNotFound) && !b.exists():
		return cause
	case err != nil:
		return &Unknown{b.next, cause, err}
	case bytes.Equal(now.Body, head.Raw()):
		return nil
	case b.exists() && bytes.Equal(now.Body, b.head.Raw()):
		return cause
	}
	// Somebody else's head stands. If ours stood before it, whoever replaced ours has completed its copy first.
	held, err := p.store.Get(ctx, bundle.RevisionKey(b.next), "", bundle.MaxManifest)
	switch {
	case err == nil && bytes.Equal(held.Body, head.Raw()):
		return nil
	case err == nil, errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrTooLarge):
		return p.conflict(b.next, now.Body)
	}
	return &Unknown{b.next, cause, err}
}

func (p *Publisher) conflict(attempted int64, raw []byte) error {
	head, err := p.policy.Open(raw)
	return &Conflict{Revision: attempted, Head: head, Err: err}
}
