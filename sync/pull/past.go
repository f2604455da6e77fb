package pull

import (
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Past fetches earlier revisions of a head.
type Past struct {
	Source Source        // required
	Policy bundle.Policy // names the signers; what vouches for a revision is the one after it
	Log    hclog.Logger  // nil logs nothing
}

// Wish is what is wanted of a revision.
type Wish int

// What Walk may be told of each revision.
const (
	Stop Wish = iota // go no further back
	Skip             // go on without its bundle
	Take             // fetch its bundle, hand it on, and go on
)

// Walk goes back from a verified head, newest first, one request at a time: it reads the revision before, verifies it by the chain, and
// asks want about it and the revision that follows it. A bundle that is wanted is fetched, opened and handed to take, with that one again.
//
// It ends where want or the chain does, with an error where something is missing, cannot be read or does not verify, and with that of take
// or of ctx. It does not try again: who needs more comes back later.
func (p Past) Walk(ctx context.Context, from bundle.Head, want func(head, next bundle.Head) Wish, take func(v bundle.Verified, next bundle.Head) error) error {
	for next, m := from, from.Manifest(); m.Before() > 0; m = next.Manifest() {
		head, err := p.before(ctx, next)
		if err != nil {
			return err
		}
		switch want(head, next) {
		case Take:
			if err := p.take(ctx, head, next, take); err != nil {
				return err
			}
		case Skip:
		default:
			return nil
		}
		next = head
	}
	return nil
}

// before reads the revision that a verified one follows.
func (p Past) before(ctx context.Context, next bundle.Head) (bundle.Head, error) {
	m := next.Manifest()
	revision := m.Before()
	short, cancel := context.WithTimeout(ctx, headDeadline)
	defer cancel()
	got, err := p.Source.Get(short, bundle.RevisionKey(revision), "", bundle.MaxManifest)
	switch {
	case ctx.Err() != nil:
		return bundle.Head{}, ctx.Err()
	case errors.Is(err, object.ErrTooLarge):
		return bundle.Head{}, bundle.Refuse(bundle.ReasonOversized, "read revision %d: %w", revision, err)
	case err != nil:
		return bundle.Head{}, fmt.Errorf("read revision %d%s: %w", revision, inTime(err, headDeadline), err)
	}
	head, err := p.Policy.OpenPrevious(next, got.Body)
	if err != nil {
		return bundle.Head{}, fmt.Errorf("verify revision %d: %w", revision, err)
	}
	return head, nil
}

// take fetches what a verified revision names and hands it on.
func (p Past) take(ctx context.Context, head, next bundle.Head, take func(bundle.Verified, bundle.Head) error) error {
	stored, err := bundleOf(ctx, p.Source, head)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	}
	verified, err := head.Open(stored)
	if err != nil {
		return fmt.Errorf("open the bundle of revision %d: %w", head.Manifest().Revision, err)
	}
	if p.Log != nil {
		p.Log.Debug("past revision fetched", "revision", head.Manifest().Revision, "bytes", len(stored))
	}
	return take(verified, next)
}
