package history

import (
	"context"
	"slices"

	"github.com/burgeehq/burgee/sync/bundle"
)

// previous gives the revision before h; nil where there is none. It is whole where the chain leads there, and else where the walk goes
// on behind damage that was noted.
func (v *verifier) previous(ctx context.Context, h bundle.Head) (before *held, whole bool, err error) {
	m := h.Manifest()
	number := m.Before()
	if number == 0 {
		return nil, false, nil
	}
	head, err := v.before(ctx, h)
	if err == nil {
		return &held{number, head}, true, nil
	}
	if err := v.note(err); err != nil {
		return nil, false, err
	}
	if err := v.makeIndex(ctx); err != nil {
		return nil, false, err
	}
	if found, ok := v.index[m.Previous]; ok && found.head.Manifest().Revision == number {
		v.misplaced(found)
		return &found, true, nil // the payload is the one that the chain names, wherever it lies, and whatever became of its signatures
	}
	return v.below(number), false, nil
}

// makeIndex reads all copies, to find those that lie under another's name.
func (v *verifier) makeIndex(ctx context.Context) error {
	if v.index != nil {
		return nil
	}
	v.index = map[bundle.Digest]held{}
	for _, under := range v.copies {
		head, err := v.unvouched(ctx, under)
		if err != nil {
			return err
		}
		if head.Raw() == nil {
			continue
		}
		if other, ok := v.index[head.Payload()]; !ok || other.under != other.head.Manifest().Revision {
			v.index[head.Payload()] = held{under, head}
		}
	}
	return nil
}

// unvouched reads a copy without asking who signed it; the zero Head where it is none. Only what the chain names, or is noted as damage,
// is made of it.
func (v *verifier) unvouched(ctx context.Context, under int64) (bundle.Head, error) {
	raw, err := v.get(ctx, bundle.RevisionKey(under), bundle.MaxManifest)
	if err != nil {
		return bundle.Head{}, v.note(err)
	}
	head, _ := bundle.Policy{Trust: bundle.AllowUnsigned(), Environment: v.policy.Environment}.Open(raw) // what is left over is damage anyway
	return head, nil
}

// below goes on where the chain is lost: at the newest older revision that lies anywhere under revisions/. Where today's keys did not sign
// it, nothing vouches for it, nor for those before it; they are still held to each other.
func (v *verifier) below(lost int64) *held {
	var next *held
	for _, found := range v.index {
		number := found.head.Manifest().Revision
		if number >= lost || next != nil && (number < next.head.Manifest().Revision || number == next.head.Manifest().Revision && found.under != number) {
			continue
		}
		next = &found
	}
	if next == nil {
		return nil
	}
	number := next.head.Manifest().Revision
	v.misplaced(*next)
	if signed, err := v.policy.Open(next.head.Raw()); err == nil {
		return &held{next.under, signed}
	}
	v.add(damaged(bundle.RevisionKey(next.under), "nothing vouches for revision %d, nor for those before it: no key given signed it, and the chain is broken at revision %d", number, lost))
	return next
}

// misplaced notes a copy that lies under another's name.
func (v *verifier) misplaced(found held) {
	number := found.head.Manifest().Revision
	if found.under == number {
		return
	}
	v.add(damaged(bundle.RevisionKey(found.under), "it holds revision %d", number))
	if _, ok := slices.BinarySearch(v.copies, number); !ok {
		v.add(&Damage{bundle.RevisionKey(number), ErrMissing})
	}
}
