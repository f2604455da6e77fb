package publish

import (
	"errors"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Share is how much of each limit of a loader a publisher fills, in percent: sidecars of every version out there, and the override of
// tomorrow's incident, need the rest.
const Share = 80

// MaxDocument and maxManifest are the bytes that are published.
const (
	MaxDocument = bundle.MaxDocument * Share / 100
	maxManifest = bundle.MaxManifest * Share / 100
)

// growthFloor is the size below which a document may grow as it likes.
const growthFloor = 64 << 10

// revision is all that a publication writes.
type revision struct {
	head           bundle.Head
	bundle, ledger []byte // as stored; no bundle where only the head changes
	entries        []bundle.Entry
	same           bool  // flags as before
	rollbackTo     int64 // whose flags they are, where they are those of an older revision
}

// prepare makes everything that the publication will write, and checks it the way a sidecar will, before anything is written.
func (p *Publisher) prepare(b *base, r Request) (*revision, error) {
	if err := p.staysSigned(b); err != nil {
		return nil, err
	}
	compared, err := p.compare(b, r)
	if err != nil {
		return nil, err
	}
	same := b.same(r.Document)
	stored, ref, err := pack(b, r)
	if err != nil {
		return nil, err
	}
	ref.Flags, ref.PreviousFlags = compared.Flags, b.last.Manifest().Bundle.Flags
	ref.AllowShrink = (r.AllowShrink || same && ref.AllowShrink) && ref.Shrinks()
	if err := Guard(r, b.flags.Document(), ref); err != nil {
		return nil, err
	}
	next := &revision{bundle: stored, entries: compared.Entries, same: same}
	if !same {
		next.rollbackTo = r.From.Head().Manifest().Revision
	}
	ledger := b.ledger
	ledger.Retired, ledger.Anew = compared.Retired, b.follows() && b.flags.Stored() == nil
	m, err := p.manifest(b, r, ref, compared.Entries)
	if err != nil {
		return nil, err
	}
	return next, p.finish(b, next, m, ledger)
}

// compare asks what r changes. Flags before that cannot be read any more do not stop whoever has to do without them anyway.
func (p *Publisher) compare(b *base, r Request) (Comparison, error) {
	ask := func() (Comparison, error) {
		return r.Compare(Step{b.next, b.flags.Document(), r.Document, b.ledger.Retired, b.last.Manifest().Overrides})
	}
	compared, err := ask()
	if errors.Is(err, ErrBefore) && (r.From.Stored() != nil || !b.exists()) {
		b.flags, b.lost = bundle.Verified{}, append(b.lost, err)
		return ask()
	}
	return compared, err
}

// finish makes what every revision has: its number and its place in the chain, its ledger, of which the caller says where the tombstones
// are, and its head, with which the bundle must open.
func (p *Publisher) finish(b *base, next *revision, m bundle.Manifest, ledger bundle.Ledger) (err error) {
	m.Revision = b.next
	if b.follows() {
		m.Follow(b.last)
	}
	ledger.Environment, ledger.Revision, ledger.Entries, ledger.RollbackTo = p.policy.Environment, m.Revision, next.entries, next.rollbackTo
	if next.ledger, m.Ledger, err = bundle.PackLedger(ledger); err != nil {
		return err
	}
	if next.head, err = p.seal(m); err != nil || next.bundle == nil {
		return err
	}
	_, err = next.head.Open(next.bundle)
	return err
}

// pack gives what is stored of a document. The same flags are the same bundle, whatever compressor made it.
func pack(b *base, r Request) ([]byte, bundle.Ref, error) {
	switch {
	case b.same(r.Document):
		return b.flags.Stored(), b.last.Manifest().Bundle, nil
	case r.From.Stored() != nil:
		return r.From.Stored(), r.From.Head().Manifest().Bundle, nil
	}
	return bundle.Pack(r.Document)
}

// Guard refuses a document that looks like a mistake beside the one before it, whose reference is zero where there was none. The error is
// a *Refusal.
func Guard(r Request, before []byte, ref bundle.Ref) error {
	size := len(r.Document)
	switch {
	case size > MaxDocument:
		return refuse(RuleLimit, "the document has %d bytes; at most %d are published", size, MaxDocument)
	case ref.Shrinks() && !ref.AllowShrink && ref.PreviousFlags > 0:
		return refuse(RuleShrink, "the number of flags falls from %d to %d", ref.PreviousFlags, ref.Flags)
	case ref.Shrinks() && !ref.AllowShrink:
		return refuse(RuleShrink, "the document has no flags")
	case before != nil && size > growthFloor && size > 2*len(before) && !r.AllowGrowth:
		return refuse(RuleGrowth, "the document grows from %d to %d bytes, more than twice", len(before), size)
	}
	return nil
}

func (p *Publisher) manifest(b *base, r Request, ref bundle.Ref, entries []bundle.Entry) (bundle.Manifest, error) {
	clock := p.now()
	now := clock.UTC().Truncate(time.Second)
	m := bundle.Manifest{
		Environment: p.policy.Environment,
		Bundle:      ref,
		Overrides:   []bundle.Override{},
		PublishedAt: now,
		OldestPin:   b.next,
		Change:      bundle.Count(entries),
		Critical:    []string{},
	}
	m.Change.Author, m.Change.Message = r.Author, r.Message
	if b.follows() {
		before := b.last.Manifest()
		m.Overrides, m.OldestPin = before.Overrides, before.OldestPin
	}
	if err := raiseOldestPin(&m, r.OldestPin, b.last.Manifest().OldestPin, b.next); err != nil {
		return m, err
	}
	if r.Settle > 0 {
		m.ActivateAt = moment(clock, r.Settle)
	}
	switch {
	case r.ValidFor > 0:
		m.ValidUntil = now.Add(r.ValidFor)
	case r.From.Stored() != nil:
		m.ValidUntil = b.last.Manifest().ValidUntil
	}
	err := checkActivation(&m)
	return m, err
}

// staysSigned refuses to go on unsigned from a head that is signed. Resign alone takes signatures away: there it is what was asked for.
func (p *Publisher) staysSigned(b *base) error {
	if len(p.keys) == 0 && b.follows() && b.last.Signed() {
		return refuse(RuleUnsigned, "revision %d is signed, and the next one would not be: sidecars that ask for signatures would refuse it", b.last.Manifest().Revision)
	}
	return nil
}

// seal signs a manifest and opens it again: a head that those who trust the trust keys would refuse is not written.
func (p *Publisher) seal(m bundle.Manifest) (bundle.Head, error) {
	raw, err := bundle.Seal(m, p.keys...)
	if errors.Is(err, bundle.ErrTooLong) && len(m.Overrides) > 0 {
		raw, err = p.sealShort(m)
	}
	switch {
	case errors.Is(err, bundle.ErrTooLong):
		return bundle.Head{}, refuse(RuleLimit, "%w", err)
	case err != nil:
		return bundle.Head{}, err
	case len(raw) > maxManifest && len(m.Overrides) == 0: // which are what the rest is kept for: no publication that follows shall fail for them
		return bundle.Head{}, refuse(RuleLimit, "the manifest has %d bytes; at most %d are published", len(raw), maxManifest)
	}
	head, err := p.written.Open(raw)
	if err != nil {
		return bundle.Head{}, refuse(RuleKeys, "the new head would not verify: %w", err)
	}
	return head, nil
}
