package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// base is what a publication builds on: the head that stands, or the revision that a store without one starts at.
type base struct {
	tag    string // of the head; "" where there is none
	head   bundle.Head
	last   bundle.Head     // what the next revision follows: the head; where that is lost, the newest copy that can be believed
	flags  bundle.Verified // what last vouches for
	ledger bundle.Ledger   // the tombstones of last, or where they are
	lost   []error         // what of last could not be read, where that must not stop anybody
	next   int64
}

func (b *base) exists() bool { return b.tag != "" }

// follows tells whether there is a revision before the next one that the chain can lead to.
func (b *base) follows() bool { return b.last.Manifest().Revision > 0 }

// revision is the head's.
func (b *base) revision() int64 { return b.head.Manifest().Revision }

// same tells whether a document is the one that the revision before vouches for.
func (b *base) same(document []byte) bool {
	return b.flags.Stored() != nil && bytes.Equal(b.flags.Document(), document)
}

// listed is how many keys are asked for at once.
const listed = 10_000

// base reads the head, or finds out that the store never had one. A second look tells a store that lost its head from one that
// somebody else just started.
func (p *Publisher) base(ctx context.Context, startAt int64) (*base, error) {
	for attempt := 1; ; attempt++ {
		b, err := p.readHead(ctx)
		switch {
		case err == nil && startAt != 0:
			return b, p.skip(ctx, b, startAt)
		case err == nil || !errors.Is(err, object.ErrNotFound):
			return b, err
		}
		b, err = p.start(ctx, startAt)
		if err == nil || attempt == 2 || !errors.As(err, new(*Refusal)) {
			return b, err
		}
	}
}

func (p *Publisher) readHead(ctx context.Context) (*base, error) {
	got, err := p.store.Get(ctx, bundle.HeadKey, "", bundle.MaxManifest)
	if err != nil {
		return nil, fmt.Errorf("read head: %w", err)
	}
	head, err := p.policy.Open(got.Body)
	if err != nil {
		return nil, fmt.Errorf("verify head: %w", err)
	}
	return &base{tag: got.Tag, head: head, last: head, next: head.Manifest().Revision + 1}, nil
}

// skip goes on at a higher revision than the head asks for: a store that was lost and begun anew is behind the sidecars that it feeds.
// It lists the copies, since a head that was put back is not told by what lies right above it where revisions were skipped before.
func (p *Publisher) skip(ctx context.Context, b *base, startAt int64) error {
	if head := b.revision(); startAt <= head {
		return &Refusal{RuleHasHead, head + 1, fmt.Errorf("the store has a head, at revision %d: it cannot go on at %d", head, startAt)}
	}
	if err := reachable(b.revision(), startAt); err != nil {
		return err
	}
	_, top, err := p.copies(ctx)
	if err != nil {
		return err
	}
	if top > b.revision() {
		return p.occupied(ctx, b, bundle.RevisionKey(top))
	}
	b.next = startAt
	return nil
}

// copies gives the last of the keys of copies, "" where there are none, and the greatest revision among them. Names that are not ours
// count for nothing.
func (p *Publisher) copies(ctx context.Context) (last string, top int64, err error) {
	for {
		page, err := p.store.List(ctx, bundle.RevisionsPrefix, last, listed)
		if err != nil {
			return "", 0, fmt.Errorf("list %s: %w", bundle.RevisionsPrefix, err)
		}
		for _, key := range page {
			last = key
			if revision, ok := bundle.RevisionOf(key); ok {
				top = max(top, revision)
			}
		}
		if len(page) < listed {
			return last, top, nil
		}
	}
}

// start finds the first revision of a store without a head.
func (p *Publisher) start(ctx context.Context, startAt int64) (*base, error) {
	last, top, err := p.copies(ctx)
	if err != nil {
		return nil, err
	}
	if last == "" {
		return &base{next: max(startAt, 1)}, nil
	}
	free := top + 1
	refusal := &Refusal{Rule: RuleNoHead, Revision: free}
	switch {
	case startAt == 0:
		refusal.Err = fmt.Errorf("the store has no head, and yet holds %s", last)
	case startAt < free:
		refusal.Rule, refusal.Err = RuleStart, fmt.Errorf("cannot start at revision %d: the store holds %s", startAt, last)
	default:
		if err := reachable(free, startAt); err != nil {
			return nil, err
		}
		b := &base{next: startAt}
		return b, p.inherit(ctx, b, top)
	}
	return nil, refusal
}

// inherit takes over what the newest copy of a store that lost its head stands for, kills and tombstones too, as far as it can be believed:
// what is damaged must not keep a store from beginning.
func (p *Publisher) inherit(ctx context.Context, b *base, top int64) error {
	head, err := p.lastCopy(ctx, top)
	if isDamage(err) {
		b.lost = append(b.lost, fmt.Errorf("%s, with overrides, tombstones and flags: %w", bundle.RevisionKey(top), err))
		return nil
	}
	if err != nil {
		return err
	}
	b.last = head
	if b.flags, err = p.flags(ctx, head); isDamage(err) {
		b.lost = append(b.lost, err)
	} else if err != nil {
		return err
	}
	m := head.Manifest()
	if b.ledger.Retired, _, err = p.tombstones(ctx, m.Ledger); isDamage(err) {
		b.lost = append(b.lost, fmt.Errorf("tombstones of revision %d: %w", m.Revision, err))
		return nil
	}
	return err
}

// isDamage tells an object that is not what it should be from a store that did not answer.
func isDamage(err error) bool {
	return errors.As(err, new(*Refusal)) || bundle.ReasonOf(err) != "" || errors.Is(err, object.ErrTooLarge)
}

// lastCopy is the newest revision of a store that lost its head.
func (p *Publisher) lastCopy(ctx context.Context, revision int64) (bundle.Head, error) {
	key := bundle.RevisionKey(revision)
	got, err := p.store.Get(ctx, key, "", bundle.MaxManifest)
	if errors.Is(err, object.ErrNotFound) {
		return bundle.Head{}, refuse(RuleDamaged, "%w", err)
	}
	if err != nil {
		return bundle.Head{}, fmt.Errorf("read %s: %w", key, err)
	}
	head, err := p.policy.Open(got.Body)
	if err == nil && head.Manifest().Revision != revision {
		err = refuse(RuleHistory, "it holds revision %d", head.Manifest().Revision)
	}
	return head, err
}

// reachable refuses what sidecars that follow the store would take for a misused key.
func reachable(known, startAt int64) error {
	if startAt > known+bundle.MaxJump {
		return &Refusal{RuleJump, known + 1, fmt.Errorf("cannot go on at revision %d: sidecars refuse a head that is more than %d past revision %d", startAt, bundle.MaxJump, known)}
	}
	return nil
}

// complete writes the copy of the head that a publisher who was stopped right after the commit still owes.
func (p *Publisher) complete(ctx context.Context, b *base) error {
	owed, err := p.owesCopy(ctx, b)
	if err != nil || !owed {
		return err
	}
	return p.keep(ctx, bundle.RevisionKey(b.revision()), b.head.Raw())
}

// owesCopy tells whether the head has no copy yet, and refuses one that is another.
func (p *Publisher) owesCopy(ctx context.Context, b *base) (bool, error) {
	key := bundle.RevisionKey(b.revision())
	got, err := p.store.Get(ctx, key, "", bundle.MaxManifest)
	switch {
	case errors.Is(err, object.ErrNotFound):
		return true, nil
	case errors.Is(err, object.ErrTooLarge), err == nil && !bytes.Equal(got.Body, b.head.Raw()):
		return false, refuse(RuleHistory, "%s is not the copy of the head", key)
	case err != nil:
		return false, fmt.Errorf("read %s: %w", key, err)
	}
	return false, nil
}

// maxPassed bounds how many names are passed over for one revision.
const maxPassed = 100

// checkFree refuses to go on from a head that somebody put back to an older revision: sidecars that saw the newer one would refuse what
// comes. What nobody who is trusted has signed is no revision: its name is passed over, since whoever may write an object must not be able
// to keep a kill from being written.
func (p *Publisher) checkFree(ctx context.Context, b *base) error {
	for range maxPassed {
		key := bundle.RevisionKey(b.next)
		got, err := p.store.Get(ctx, key, "", bundle.MaxManifest)
		switch {
		case errors.Is(err, object.ErrNotFound):
			return nil
		case err != nil && !errors.Is(err, object.ErrTooLarge):
			return fmt.Errorf("read %s: %w", key, err)
		case err == nil:
			if _, foreign := p.policy.Open(got.Body); foreign == nil {
				return p.occupied(ctx, b, key)
			}
		}
		b.lost = append(b.lost, refuse(RuleHistory, "%s is no revision that can be believed: its number is passed over", key))
		b.next++
	}
	return refuse(RuleHistory, "%d names above the head are taken by what is no revision", maxPassed)
}

// occupied says why a revision above the head is there: somebody published meanwhile, or put the head back.
func (p *Publisher) occupied(ctx context.Context, b *base, key string) error {
	switch now, err := p.store.Get(ctx, bundle.HeadKey, "", bundle.MaxManifest); {
	case err != nil:
		return fmt.Errorf("read head: %w", err)
	case !bytes.Equal(now.Body, b.head.Raw()):
		return p.conflict(b.next, now.Body)
	}
	return refuse(RuleHistory, "%s is there already, but the head is older: somebody put it back", key)
}

// load reads the document and the tombstones that the head vouches for.
func (p *Publisher) load(ctx context.Context, b *base) (err error) {
	if b.flags, err = p.flags(ctx, b.head); err != nil {
		return err
	}
	m := b.head.Manifest()
	if b.ledger.Retired, _, err = p.tombstones(ctx, m.Ledger); err != nil {
		return fmt.Errorf("ledger of revision %d: %w", m.Revision, err)
	}
	return nil
}

// salvage is load for whoever goes back to older flags, perhaps because those of the head are damaged: that does not stop them.
func (p *Publisher) salvage(ctx context.Context, b *base) (err error) {
	if b.flags, err = p.flags(ctx, b.head); isDamage(err) {
		b.lost = append(b.lost, err)
	} else if err != nil {
		return err
	}
	if b.ledger, err = p.carry(ctx, b.head.Manifest().Ledger); err != nil {
		b.lost = append(b.lost, err)
	}
	return nil
}

// flags reads the bundle of a revision.
func (p *Publisher) flags(ctx context.Context, head bundle.Head) (bundle.Verified, error) {
	m := head.Manifest()
	stored, err := p.get(ctx, bundle.Key(m.Bundle.Digest), bundle.MaxStored)
	if err != nil {
		return bundle.Verified{}, err
	}
	verified, err := head.Open(stored)
	if err != nil {
		return bundle.Verified{}, fmt.Errorf("verify bundle of revision %d: %w", m.Revision, err)
	}
	return verified, nil
}

// maxLedgers is how many ledgers that refer to another for their tombstones are followed.
const maxLedgers = 1000

// tombstones reads those of a ledger, of which the older may stand in another one. Where that fails it gives the ledger that could not be
// read.
func (p *Publisher) tombstones(ctx context.Context, from bundle.Digest) (retired []bundle.Retired, unread bundle.Digest, err error) {
	for range maxLedgers {
		packed, err := p.get(ctx, bundle.LedgerKey(from), bundle.MaxLedger)
		if err != nil {
			return nil, from, err
		}
		ledger, err := bundle.OpenLedger(packed, from)
		if err != nil {
			return nil, from, fmt.Errorf("verify %s: %w", bundle.LedgerKey(from), err)
		}
		retired = append(slices.DeleteFunc(ledger.Retired, func(older bundle.Retired) bool {
			return slices.ContainsFunc(retired, func(r bundle.Retired) bool { return r.Flag == older.Flag })
		}), retired...)
		if ledger.RetiredFrom == "" {
			return retired, "", nil
		}
		from = ledger.RetiredFrom
	}
	return nil, from, refuse(RuleDamaged, "more than %d ledgers refer to one another for their tombstones", maxLedgers)
}

// get reads an object that the head names: here its absence is a damaged store, not an empty one.
func (p *Publisher) get(ctx context.Context, key string, limit int64) ([]byte, error) {
	got, err := p.store.Get(ctx, key, "", limit)
	if errors.Is(err, object.ErrNotFound) {
		return nil, refuse(RuleDamaged, "the head names %s: %w", key, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return got.Body, nil
}
