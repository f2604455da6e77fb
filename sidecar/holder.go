package sidecar

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// maxBrokenLogged keeps one bundle from filling the log.
const maxBrokenLogged = 10

// holder keeps the current flagset and is the only one to replace it. It is the pull loop's sink; timers, and whoever brings past revisions,
// call it too.
type holder struct {
	current    atomic.Pointer[flagset]
	newest     atomic.Pointer[bundle.Head] // the accepted head whose overrides are in force
	options    eval.Options
	retain     int
	pinMaxAge  time.Duration
	staleAfter time.Duration
	freshness  *freshness
	clock      *clock
	pins       *pins
	keeper     *keeper // nil keeps nothing
	thrift     thrift
	health     time.Duration
	log        hclog.Logger

	making sync.Mutex   // one bundle at a time is compiled and taken in: there is memory for no more
	weighs atomic.Int64 // about what the flags that are served take in memory, and what is held beside them, in bytes

	mu      sync.Mutex // over what follows, and over replacing the current flagset
	held    heldFlags
	news    chan struct{}          // holds one when there are flags that others may have come before
	refused map[bundle.Digest]bool // bundles that were, for what is in them
	bounds  bounds                 // of all flags that can be answered from
	turn    *time.Timer
	closed  bool
	stale   staleness
	proof   *time.Timer // nil before the first bundle that may have to prove itself
	proving string      // what the proof is of
}

func newHolder(c Config, f *freshness, k *clock, p *pins) *holder {
	return &holder{
		options: eval.Options{AnswerContract: c.AnswerContract}, retain: c.Retain, pinMaxAge: c.PinMaxAge, staleAfter: c.StaleAfter,
		freshness: f, clock: k, pins: p, health: c.HealthyAfter, log: c.Log,
		news: make(chan struct{}, 1), refused: map[bundle.Digest]bool{},
	}
}

// Head lets a head's overrides act at once, over whatever is served.
func (h *holder) Head(head bundle.Head) {
	h.clock.vouch(time.Now(), head.Manifest().PublishedAt)
	h.raise(head)
	h.sayOverrides()
	h.keeper.saveHead(head)
}

// inherit puts the overrides of a head from before this process into force, unless there is a newer one.
func (h *holder) inherit(head bundle.Head) {
	if head.Manifest().Revision > h.newestRevision() {
		h.raise(head)
	}
}

// raise makes a head the newest, whose overrides are in force. Under the lock, so that nobody who brings the past puts an older one in its
// place meanwhile.
func (h *holder) raise(head bundle.Head) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.newest.Store(&head)
	h.recompose(now)
	h.arm(now)
}

// attempt takes up a head's bundle, which may take the process with it: so it is noted first. One that is quarantined is refused, unless
// nothing is served.
func (h *holder) attempt(head bundle.Head, take func() error) error {
	ref, now := head.Manifest().Bundle, h.current.Load()
	switch {
	case now != nil && sameBundle(now.head.Manifest().Bundle, ref):
		return take()
	case now != nil && h.keeper.condemned(ref.Digest):
		return h.keeper.quarantine(head)
	}
	h.keeper.try(ref.Digest)
	err := take()
	if err != nil {
		h.keeper.untry(ref.Digest)
		h.refuseFor(err, ref.Digest)
	}
	return err
}

// refuseFor notes a bundle that was refused for what is in it: it is not to be fetched and unpacked again for the past's sake. Bytes that are
// not those that were published may be others the next time.
func (h *holder) refuseFor(err error, digest bundle.Digest) {
	switch bundle.ReasonOf(err) {
	case "", bundle.ReasonDigest, bundle.ReasonOversized:
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.refused) >= maxRevisions {
		clear(h.refused)
	}
	h.refused[digest] = true
}

func (h *holder) refusedBefore(digest bundle.Digest) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.refused[digest]
}

// Bundle compiles what a head brought, saves it, and serves it or holds it until its moment.
func (h *holder) Bundle(v bundle.Verified) error {
	h.making.Lock()
	defer h.making.Unlock()
	packed := v.Packed()
	next, err := h.compile(v, fromStore, h.roomForNewest(v.Head().Manifest().Revision)) // v is used no more, so that the document can go meanwhile
	if err != nil {
		return err
	}
	h.keeper.save(packed) // first, so that a restart does not go back; and within bounds, since a kill must act on a full disk too
	h.confirm(time.Now()) // before any request is answered from it
	h.take(next)
	select {
	case h.news <- struct{}{}:
	default: // it is said already
	}
	return nil
}

// Confirmed notes that the store's newest state is what is served, or held for its moment.
func (h *holder) Confirmed(at time.Time) {
	if !h.confirm(at) {
		return
	}
	h.clock.judge(at, h.published())
	if at, known := h.clock.keeps(at, h.published()); known {
		h.keeper.saveConfirmed(at)
	}
	h.look()
}

// confirm notes a confirmation, unless a good token told of a revision that the store has long not shown.
func (h *holder) confirm(at time.Time) bool {
	if h.pins.frozen(h.newestRevision(), at) {
		return false
	}
	h.freshness.confirm(at)
	return true
}

func (h *holder) newestRevision() int64 {
	if newest := h.newest.Load(); newest != nil {
		return newest.Manifest().Revision
	}
	return 0
}

// published is when the newest head was; zero where there is none.
func (h *holder) published() time.Time {
	if newest := h.newest.Load(); newest != nil {
		return newest.Manifest().PublishedAt
	}
	return time.Time{}
}

// compile turns a verified bundle into flags, or refuses it. Old and new flags are in memory together then, so it lets go of the document,
// as its callers must, before the new ones have grown.
func (h *holder) compile(v bundle.Verified, source string, room roomFor) (*flagset, error) {
	head, document := v.Head(), v.Document()
	m := head.Manifest()
	if rules := h.compiled(m.Bundle); rules != nil {
		return newFlagset(rules, head, m.Revision, source), nil
	}
	size := len(document)
	room(0, 2*size) // it is there twice: as it came, and what is new in it
	h.thrift.begin(size + h.weight())
	defer func() { h.thrift.endSoon(h.weight()) }()
	doc, err := eval.Parse(document, eval.LoadLimits())
	if err != nil {
		return nil, bundle.Refuse(bundle.ReasonDocument, "bundle of revision %d: %w", m.Revision, err)
	}
	if doc.Flags() != m.Bundle.Flags {
		return nil, bundle.Refuse(bundle.ReasonCount, "bundle of revision %d has %d flags; the manifest says %d", m.Revision, doc.Flags(), m.Bundle.Flags)
	}
	rules := eval.CompileWithin(h.served(), doc, h.options, func(growing int) ([]*eval.Past, bool) {
		ok := room(growing, size)
		return h.pasts(), ok
	})
	if rules == nil {
		return nil, errNoRoom
	}
	if unfit := rules.Unfit(); unfit != nil {
		reason := bundle.ReasonDocument
		if unfit.Broken > 0 {
			reason = bundle.ReasonBroken
		}
		return nil, bundle.Refuse(reason, "bundle of revision %d: %w", m.Revision, unfit)
	}
	return newFlagset(rules, head, m.Revision, source), nil
}

// served gives the flags that are served, without overrides, or nil.
func (h *holder) served() *eval.Ruleset {
	if now := h.current.Load(); now != nil {
		return now.bundle
	}
	return nil
}

// errNoRoom is about past flags.
var errNoRoom = errors.New("no room in memory")

// roomFor makes room for flags that are being compiled and take so many bytes already, beside so many of their document, or tells that there
// is none.
type roomFor func(growing, document int) bool

// roomForNewest is for those that are to be served; there always is some.
func (h *holder) roomForNewest(revision int64) roomFor {
	return func(growing, document int) bool {
		h.makeRoom(revision, growing+document)
		return true
	}
}

// pasts are those of the flags that are served, without overrides.
func (h *holder) pasts() []*eval.Past {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*eval.Past, len(h.held.past))
	for i, p := range h.held.past {
		all[i] = p.rules
	}
	return all
}

// weight is about what the flags that are served take in memory, and what is held beside them, in bytes.
func (h *holder) weight() int { return int(h.weighs.Load()) }

// sameBundle tells whether two heads name the same flags, whatever came before each.
func sameBundle(a, b bundle.Ref) bool { return a.Digest == b.Digest && a.Flags == b.Flags }

// close ends what the holder started, once nothing but its timers calls it any more.
func (h *holder) close() {
	defer h.thrift.close() // last, since a timer that has gone off may serve something yet
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, timer := range []*time.Timer{h.proof, h.turn} {
		if timer != nil {
			timer.Stop()
		}
	}
}

// proveLater acquits a bundle once the process has lived with it for long enough. A head over the same bundle does not begin anew.
func (h *holder) proveLater(next *flagset) {
	digest := next.head.Manifest().Bundle.Digest
	what := next.source + " " + string(digest)
	if h.keeper == nil || what == h.proving {
		return
	}
	if h.proof != nil {
		h.proof.Stop()
	}
	h.proving = what
	published := next.source == fromStore
	h.proof = time.AfterFunc(h.health, func() {
		h.keeper.prove(digest, published && h.newest.Load().Manifest().Bundle.Digest == digest)
	})
}

// overrides are those that answers go by, not those of a head that is only just being taken up. Without flags there is nothing for them to
// act on, and they say so.
func (h *holder) overrides() []forced {
	newest, now := h.newest.Load(), h.current.Load() // in this order: flags that come in between have their overrides with them
	if now != nil || newest == nil {
		return now.overrides()
	}
	var all []forced
	for _, o := range newest.Manifest().Overrides {
		all = append(all, forced{o, eval.Effect{Problem: errNoFlags.Error()}})
	}
	return all
}

var errNoFlags = errors.New("no verified flags yet")
