package history

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Verification is what to hold a store to.
type Verification struct {
	AtLeast int64            // a revision that the store had already; 0 asks for none
	Compare func(Step) error // says what is wrong with a ledger; nil means that documents are not compared
}

// Step is one revision with the documents before and after it.
type Step struct {
	Head          bundle.Head
	Ledger        bundle.Ledger
	Before, After []byte // Before is nil at the first revision
}

// Report is what came of it. The store is good where Damage is empty.
type Report struct {
	Head      bundle.Head // the newest revision that could be verified; its zero value where there is none
	First     int64       // the oldest revision
	Revisions int         // that the chain leads to
	Bundles   int         // that they name
	Owed      string      // the copy of the head, where it is not there: its publisher was stopped, or somebody took it away
	Spare     []string    // objects that no revision names, and that are what their names say: left behind by a publisher that was stopped
	Damage    []*Damage   // everything that is wrong, in the order in which it was found
	More      int         // how many findings, of either kind, are not listed
}

// maxListed bounds how many findings a report lists of each kind.
const maxListed = 1000

// verifier is one verification. It keeps some hundred bytes for each object, and of documents those that it needs next.
type verifier struct {
	*Past
	ask     Verification
	report  Report
	named   map[string]bool        // keys of damage
	copies  []int64                // under revisions/, ascending
	chain   map[int64]bool         // whose copies are explained
	others  map[string]bool        // bundles and ledgers that no revision has named yet
	index   map[bundle.Digest]held // made when the chain is broken for the first time
	bundles bundles
	claims  map[int64][]claim // by revision that others say they went back to
}

// held is a copy of a head, and the revision under whose key it lies.
type held struct {
	under int64
	head  bundle.Head
}

// claim is a revision that says it has the bundle of another one.
type claim struct {
	revision int64
	ledger   string
	digest   bundle.Digest
}

// Verify looks at every object of a store. What is wrong with the store stands in the report; the error says that it could not be read.
// Somebody may publish meanwhile: what is there is listed before the head is read, so that nothing newer than the head looks foreign.
func (p *Past) Verify(ctx context.Context, ask Verification) (Report, error) {
	v := &verifier{
		Past: p, ask: ask, named: map[string]bool{}, chain: map[int64]bool{}, others: map[string]bool{},
		bundles: bundles{facts: map[bundle.Digest]*facts{}}, claims: map[int64][]claim{},
	}
	for _, step := range []func(context.Context) error{v.list, v.walk, v.rest} {
		if err := step(ctx); err != nil {
			return v.report, err
		}
	}
	return v.report, nil
}

// add notes damage, once for each key: what follows from it is no news.
func (v *verifier) add(d *Damage) {
	if v.named[d.Key] {
		return
	}
	v.named[d.Key] = true
	if len(v.report.Damage) == maxListed {
		v.report.More++
		return
	}
	v.report.Damage = append(v.report.Damage, d)
}

// note takes damage out of an error; what is left is that the store could not be read.
func (v *verifier) note(err error) error {
	if d := (*Damage)(nil); errors.As(err, &d) {
		v.add(d)
		return nil
	}
	return err
}

// list sorts the store's keys.
func (v *verifier) list(ctx context.Context) error {
	for last := ""; ; {
		keys, err := v.store.List(ctx, "", last, v.page)
		if err != nil {
			return fmt.Errorf("list the store: %w", err)
		}
		for _, key := range keys {
			v.sort(key)
		}
		if len(keys) < v.page {
			slices.Sort(v.copies)
			return nil
		}
		last = keys[len(keys)-1]
	}
}

func (v *verifier) sort(key string) {
	if revision, ok := bundle.RevisionOf(key); ok {
		v.copies = append(v.copies, revision)
	} else if _, _, ok := digestOf(key); ok {
		v.others[key] = true
	} else if key != bundle.HeadKey {
		v.add(damaged(key, "no object of a store: nothing of Burgee's has that name"))
	}
}

// walk goes from the head to the first revision.
func (v *verifier) walk(ctx context.Context) error {
	head, err := v.top(ctx)
	if err != nil || head.Raw() == nil {
		return err
	}
	v.report.Head = head
	for at := (&held{head: head}); at != nil; {
		if at, err = v.step(ctx, at.head); err != nil {
			return err
		}
	}
	return nil
}

// step looks at one revision, and gives the one before it; nil where there is none.
func (v *verifier) step(ctx context.Context, head bundle.Head) (before *held, err error) {
	m := head.Manifest()
	v.chain[m.Revision] = true
	v.report.Revisions, v.report.First = v.report.Revisions+1, m.Revision
	ledger, err := v.ledger(ctx, head)
	if err != nil {
		return nil, err
	}
	if err := v.flags(ctx, head); err != nil {
		return nil, err
	}
	before, whole, err := v.previous(ctx, head)
	if err != nil {
		return nil, err
	}
	if ledger != nil && (whole || m.Before() == 0) {
		err = v.compare(ctx, head, before, ledger)
	}
	return before, err
}

// top reads the head. Where it is not to be believed, or is older than a copy that is, the walk begins at the newest such copy, so that
// what is wrong with the head hides nothing else.
func (v *verifier) top(ctx context.Context) (bundle.Head, error) {
	head, err := v.Head(ctx)
	switch {
	case errors.Is(err, object.ErrNotFound):
		v.add(&Damage{bundle.HeadKey, ErrMissing})
	case errors.Is(err, object.ErrTooLarge):
		v.add(damaged(bundle.HeadKey, "more than %d bytes", bundle.MaxManifest))
	case err != nil:
		if err := v.note(err); err != nil {
			return head, err
		}
	}
	known := head.Manifest().Revision
	newest, err := v.newest(ctx, known)
	if err != nil {
		return head, err
	}
	switch found := newest.Manifest().Revision; {
	case known == 0:
		head = newest
	case found > known:
		v.add(damaged(bundle.HeadKey, "it is revision %d, and revisions/ holds revision %d: somebody put it back", known, found))
		head = newest
	default:
		err = v.copyOf(ctx, head)
	}
	if m := head.Manifest(); m.Revision < v.ask.AtLeast {
		v.add(damaged(bundle.HeadKey, "the newest revision is %d, and the store had %d: it was put back as a whole, or is another one", m.Revision, v.ask.AtLeast))
	}
	return head, err
}

// newest gives the newest copy above a revision that the policy believes; the zero Head where there is none.
func (v *verifier) newest(ctx context.Context, above int64) (bundle.Head, error) {
	for _, revision := range slices.Backward(v.copies) {
		if revision <= above {
			break
		}
		raw, err := v.get(ctx, bundle.RevisionKey(revision), bundle.MaxManifest)
		if err := v.note(err); err != nil {
			return bundle.Head{}, err
		}
		if head, err := v.policy.Open(raw); err == nil && head.Manifest().Revision == revision {
			return head, nil
		}
	}
	return bundle.Head{}, nil
}

// copyOf compares the head with its copy. Nothing but the other vouches for how either is signed.
func (v *verifier) copyOf(ctx context.Context, head bundle.Head) error {
	key := bundle.RevisionKey(head.Manifest().Revision)
	raw, err := v.get(ctx, key, bundle.MaxManifest)
	switch {
	case errors.Is(err, ErrMissing):
		v.report.Owed = key
		return nil
	case err != nil:
		return v.note(err)
	case slices.Equal(raw, head.Raw()):
		return nil
	}
	switch copied, err := v.policy.Open(raw); {
	case err != nil:
		v.add(&Damage{key, err})
		return nil //nolint:nilerr // it is noted
	case copied.Payload() != head.Payload():
		v.add(damaged(key, "it is not the copy of the head"))
		if len(head.Signers()) > 0 {
			return nil // the head has a signature to speak for it
		}
	}
	v.add(damaged(bundle.HeadKey, "it differs from %s: one of the two was changed", key))
	v.add(damaged(key, "it differs from %s: one of the two was changed", bundle.HeadKey))
	return nil
}
