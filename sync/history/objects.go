package history

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/burgeehq/burgee/sync/bundle"
)

// digestOf reads a key of a bundle or a ledger, and tells how large such an object may be.
func digestOf(key string) (d bundle.Digest, limit int64, ok bool) {
	if name, found := strings.CutPrefix(key, bundle.BundlesPrefix); found {
		d, ok = bundle.DigestOf(name)
		return d, bundle.MaxStored, ok
	}
	if name, found := strings.CutPrefix(key, bundle.LedgersPrefix); found {
		d, ok = bundle.DigestOf(name)
		return d, bundle.MaxLedger, ok
	}
	return "", 0, false
}

// ledger verifies the ledger of a revision, and gives it where it can be read.
func (v *verifier) ledger(ctx context.Context, h bundle.Head) (*bundle.Ledger, error) {
	m := h.Manifest()
	key := bundle.LedgerKey(m.Ledger)
	delete(v.others, key)
	ledger, err := v.Ledger(ctx, h)
	if err != nil {
		return nil, v.note(err)
	}
	if ledger.Format != bundle.Format || ledger.Environment != m.Environment || ledger.Revision != m.Revision {
		v.add(damaged(key, "it is of revision %d of %.200q, format %d; revision %d of %q names it", ledger.Revision, ledger.Environment, ledger.Format, m.Revision, m.Environment))
		return nil, nil
	}
	if got, want := bundle.Count(ledger.Entries), m.Change; got.Added != want.Added || got.Changed != want.Changed || got.Removed != want.Removed {
		v.add(damaged(key, "it has %d flags added, %d changed and %d removed; revision %d says %d, %d and %d",
			got.Added, got.Changed, got.Removed, m.Revision, want.Added, want.Changed, want.Removed))
	}
	v.claim(h, &ledger)
	return &ledger, nil
}

// claim holds revisions that say they went back to another one against that one.
func (v *verifier) claim(h bundle.Head, ledger *bundle.Ledger) {
	m, key := h.Manifest(), bundle.LedgerKey(h.Manifest().Ledger)
	if to := ledger.RollbackTo; to > 0 {
		v.claims[to] = append(v.claims[to], claim{m.Revision, key, m.Bundle.Digest})
	}
	for _, c := range v.claims[m.Revision] {
		if c.digest != m.Bundle.Digest {
			v.add(damaged(c.ledger, "revision %d says that it went back to revision %d, and has other flags", c.revision, m.Revision))
		}
	}
	delete(v.claims, m.Revision)
}

// bundles remembers what was found in each bundle, which many revisions may share, and the documents that were needed last.
type bundles struct {
	facts  map[bundle.Digest]*facts
	recent []bundle.Digest // with a document, the oldest first
}

type facts struct {
	ref      bundle.Ref
	good     bool
	document []byte // nil once it was let go
}

// recentDocuments is how many documents are held: a change and a rollback, back and forth, reads nothing twice.
const recentDocuments = 4

// flags verifies the bundle of a revision, unless another revision had it verified.
func (v *verifier) flags(ctx context.Context, h bundle.Head) error {
	ref := h.Manifest().Bundle
	known := v.bundles.facts[ref.Digest]
	if known == nil {
		return v.read(ctx, h)
	}
	if known.good && (known.ref.Size != ref.Size || known.ref.ContentDigest != ref.ContentDigest) {
		v.add(damaged(bundle.Key(ref.Digest), "revision %d says that it has %d bytes and content %s; it has %d and %s",
			h.Manifest().Revision, ref.Size, ref.ContentDigest, known.ref.Size, known.ref.ContentDigest))
	}
	return nil
}

func (v *verifier) read(ctx context.Context, h bundle.Head) error {
	ref := h.Manifest().Bundle
	if v.bundles.facts[ref.Digest] == nil {
		v.report.Bundles++
	}
	delete(v.others, bundle.Key(ref.Digest))
	f := &facts{ref: ref}
	v.bundles.facts[ref.Digest] = f
	verified, err := v.Bundle(ctx, h)
	if err != nil {
		return v.note(err)
	}
	f.good = true
	if v.ask.Compare != nil {
		f.document = verified.Document()
		v.bundles.recent = append(v.bundles.recent, ref.Digest)
		if len(v.bundles.recent) > recentDocuments {
			v.bundles.facts[v.bundles.recent[0]].document = nil
			v.bundles.recent = slices.Delete(v.bundles.recent, 0, 1)
		}
	}
	return nil
}

// document gives the document of a revision; nil where it is damaged.
func (v *verifier) document(ctx context.Context, h bundle.Head) ([]byte, error) {
	f := v.bundles.facts[h.Manifest().Bundle.Digest]
	if f == nil || f.good && f.document == nil {
		if err := v.read(ctx, h); err != nil {
			return nil, err
		}
		f = v.bundles.facts[h.Manifest().Bundle.Digest]
	}
	return f.document, nil
}

// compare holds a ledger against the documents before and after it. Where one of these is damaged there is nothing to hold it against.
func (v *verifier) compare(ctx context.Context, h bundle.Head, before *held, ledger *bundle.Ledger) error {
	if err := overrides(h, before, ledger); err != nil {
		v.add(&Damage{bundle.LedgerKey(h.Manifest().Ledger), err})
	}
	if v.ask.Compare == nil {
		return nil
	}
	step := Step{Head: h, Ledger: *ledger}
	var err error
	if step.After, err = v.document(ctx, h); err != nil || step.After == nil {
		return err
	}
	if before != nil && !ledger.Anew {
		if step.Before, err = v.document(ctx, before.head); err != nil || step.Before == nil {
			return err
		}
	}
	if err := v.ask.Compare(step); err != nil {
		v.add(&Damage{bundle.LedgerKey(h.Manifest().Ledger), err})
	}
	return nil
}

// rest looks at what no revision names.
func (v *verifier) rest(ctx context.Context) error {
	for _, number := range v.copies {
		switch newest := v.report.Head.Manifest().Revision; {
		case v.chain[number]:
		case number > newest:
			v.add(damaged(bundle.RevisionKey(number), "the chain does not have it: the newest revision is %d", newest))
		default:
			v.add(damaged(bundle.RevisionKey(number), "the chain does not have it"))
		}
	}
	v.unfounded()
	for _, key := range slices.Sorted(maps.Keys(v.others)) {
		if err := v.spare(ctx, key); err != nil {
			return err
		}
	}
	return nil
}

// unfounded finds who says that it went back to a revision that there never was. Where revisions are lost it might be one of them.
func (v *verifier) unfounded() {
	if len(v.report.Damage) > 0 {
		return
	}
	for _, to := range slices.Sorted(maps.Keys(v.claims)) {
		for _, c := range v.claims[to] {
			v.add(damaged(c.ledger, "revision %d says that it went back to revision %d, which the chain does not have", c.revision, to))
		}
	}
}

// spare looks at a bundle or a ledger that no revision names.
func (v *verifier) spare(ctx context.Context, key string) error {
	want, limit, _ := digestOf(key)
	stored, err := v.get(ctx, key, limit)
	switch got := bundle.Sum(stored); {
	case err != nil:
		return v.note(err)
	case got != want:
		v.add(damaged(key, "its content has digest %s, and no revision names it", got))
	case len(v.report.Spare) == maxListed:
		v.report.More++
	default:
		v.report.Spare = append(v.report.Spare, key)
	}
	return nil
}
