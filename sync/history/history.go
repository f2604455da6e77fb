// Package history is the past of a store: every revision from the head back, each verified by the one after it, and a look at all that
// the store holds. It only reads. It knows nothing of flags: whether a ledger tells what two documents show, it asks whoever does.
package history

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Past is one store's.
type Past struct {
	store  object.Store
	policy bundle.Policy // of the head; what is before it is held by the chain
	page   int           // how many keys are listed at once
}

// maxPage is how many keys one call lists at most.
const maxPage = 10_000

// New reads from a store what a policy believes.
func New(store object.Store, policy bundle.Policy) *Past { return &Past{store, policy, maxPage} }

// Damage is what is wrong with one object of a store.
type Damage struct {
	Key string
	Err error
}

func (d *Damage) Error() string { return d.Key + ": " + d.Err.Error() }
func (d *Damage) Unwrap() error { return d.Err }

// ErrMissing says that an object is not there which another one names.
var ErrMissing = errors.New("missing")

func damaged(key, format string, args ...any) *Damage {
	return &Damage{key, fmt.Errorf(format, args...)}
}

// Head reads and verifies the newest revision. A store that never had one is object.ErrNotFound.
func (p *Past) Head(ctx context.Context) (bundle.Head, error) {
	got, err := p.store.Get(ctx, bundle.HeadKey, "", bundle.MaxManifest)
	if err != nil {
		return bundle.Head{}, fmt.Errorf("read head: %w", err)
	}
	head, err := p.policy.Open(got.Body)
	if err != nil {
		return bundle.Head{}, &Damage{bundle.HeadKey, err}
	}
	return head, nil
}

// Back gives a verified revision and all those before it, newest first. Each is read when it is asked for, and none is kept. An error
// ends it: a *Damage where the chain is broken.
func (p *Past) Back(ctx context.Context, from bundle.Head) iter.Seq2[bundle.Head, error] {
	return func(yield func(bundle.Head, error) bool) {
		for h := from; yield(h, nil); {
			m := h.Manifest()
			if m.Before() == 0 {
				return
			}
			before, err := p.before(ctx, h)
			if err != nil {
				yield(before, err)
				return
			}
			h = before
		}
	}
}

// before reads the revision that h names.
func (p *Past) before(ctx context.Context, h bundle.Head) (bundle.Head, error) {
	m := h.Manifest()
	key := bundle.RevisionKey(m.Before())
	raw, err := p.get(ctx, key, bundle.MaxManifest)
	if err != nil {
		return bundle.Head{}, err
	}
	before, err := p.policy.OpenPrevious(h, raw)
	if err != nil {
		return bundle.Head{}, &Damage{key, err}
	}
	return before, nil
}

// Ledger reads and verifies the ledger of a revision.
func (p *Past) Ledger(ctx context.Context, h bundle.Head) (bundle.Ledger, error) {
	m := h.Manifest()
	key := bundle.LedgerKey(m.Ledger)
	stored, err := p.get(ctx, key, bundle.MaxLedger)
	if err != nil {
		return bundle.Ledger{}, err
	}
	ledger, err := bundle.OpenLedger(stored, m.Ledger)
	if err != nil {
		return ledger, &Damage{key, err}
	}
	return ledger, nil
}

// Bundle reads and verifies the bundle of a revision.
func (p *Past) Bundle(ctx context.Context, h bundle.Head) (bundle.Verified, error) {
	key := bundle.Key(h.Manifest().Bundle.Digest)
	stored, err := p.get(ctx, key, bundle.MaxStored)
	if err != nil {
		return bundle.Verified{}, err
	}
	verified, err := h.Open(stored)
	if err != nil {
		return verified, &Damage{key, err}
	}
	return verified, nil
}

// get reads an object that another one names: its absence is damage, and so is a size that no such object has.
func (p *Past) get(ctx context.Context, key string, limit int64) ([]byte, error) {
	got, err := p.store.Get(ctx, key, "", limit)
	switch {
	case errors.Is(err, object.ErrNotFound):
		return nil, &Damage{key, ErrMissing}
	case errors.Is(err, object.ErrTooLarge):
		return nil, damaged(key, "more than %d bytes", limit)
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return got.Body, nil
}
