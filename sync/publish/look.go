package publish

import (
	"context"
	"errors"
	"fmt"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Looker tells what a Publisher would find in a store, without a key to sign with. It only reads.
type Looker struct{ p Publisher }

// NewLooker reads from a store what a policy believes.
func NewLooker(store object.Store, policy bundle.Policy) *Looker {
	return &Looker{Publisher{store: store, policy: policy}}
}

// State finds out whether the history of a store keeps it from having a next revision, whatever that would hold: a *Refusal says that it
// does. The head is the one that was read before, or the zero Head where there is none. Somebody who published since then is no reason.
func (l *Looker) State(ctx context.Context, head bundle.Head) error {
	if head.Raw() == nil {
		_, err := l.p.start(ctx, 0)
		return err
	}
	b := &base{head: head, last: head, next: head.Manifest().Revision + 1}
	_, err := l.p.owesCopy(ctx, b)
	if err == nil {
		err = l.p.checkFree(ctx, b)
	}
	if errors.As(err, new(*Conflict)) {
		return nil
	}
	return err
}

// Retired are the tombstones that the next revision has to respect, wherever the ledger of the head says that they are.
func (l *Looker) Retired(ctx context.Context, head bundle.Head) ([]bundle.Retired, error) {
	m := head.Manifest()
	retired, _, err := l.p.tombstones(ctx, m.Ledger)
	if err != nil {
		return nil, fmt.Errorf("ledger of revision %d: %w", m.Revision, err)
	}
	return retired, nil
}
