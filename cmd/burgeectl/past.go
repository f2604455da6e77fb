package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/history"
)

// past is what the store holds, as far as r believes it.
func (r *reader) past() *history.Past { return history.New(r.store, r.policy) }

// chained finds a revision that no key given signed, by the chain from the head: keys go out of use, and the past stays.
func (r *reader) chained(ctx context.Context, revision int64) (bundle.Head, error) {
	newest, err := r.open(ctx, bundle.HeadKey)
	if err != nil {
		return newest, err
	}
	return findRevision(ctx, r.past(), newest, revision)
}

// findRevision walks back from a head.
func findRevision(ctx context.Context, past *history.Past, newest bundle.Head, revision int64) (bundle.Head, error) {
	oldest := newest.Manifest().Revision
	for head, err := range past.Back(ctx, newest) {
		if err != nil {
			return head, fmt.Errorf("go back from revision %d: %w", oldest, err)
		}
		if oldest = head.Manifest().Revision; oldest <= revision {
			if oldest == revision {
				return head, nil
			}
			break
		}
	}
	return bundle.Head{}, noRevision(revision, newest.Manifest().Revision)
}

func noRevision(revision, newest int64) error {
	return advised{fmt.Errorf("the store holds no revision %d", revision), exitFailed, fmt.Sprintf("the newest revision is %d", newest)}
}

// otherKeys tells whether err says that nobody who is trusted signed a head.
func otherKeys(err error) bool {
	reason := bundle.ReasonOf(err)
	return reason == bundle.ReasonSignature || reason == bundle.ReasonUnsigned
}

// proof says in a few words what vouches for a head.
func (r *reader) proof(h bundle.Head) string {
	switch {
	case !r.verified:
		return "none"
	case h.Chained():
		return "chain"
	}
	return "signature"
}

// damageHint is the way out of a store that is not as it was written.
const damageHint = "burgeectl verify names everything that is wrong; put the object back from a backup"

// isDamage tells whether an object of the store is not what the chain says of it.
func isDamage(err error) bool { return errors.As(err, new(*history.Damage)) }
