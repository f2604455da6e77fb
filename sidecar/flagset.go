package sidecar

import (
	"strconv"
	"time"

	"github.com/cespare/xxhash/v2"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// Where flags come from.
const (
	fromStore     = "store"
	fromDisk      = "disk"
	fromBootstrap = "bootstrap"
	fromFile      = "file"
)

// flagset is one state of the flags: what every answer is read from. It never changes after it is made.
type flagset struct {
	bundle   *eval.Ruleset // as published
	rules    *eval.Ruleset // with the overrides that are in force, and flags that fail closed
	forced   []forced      // the overrides of the newest head
	head     bundle.Head   // the bundle came with it; zero in development
	revision int64
	source   string
	since    time.Time
	counts   counts
	plan     bulkPlan // of what is served; flags that wait have none, since it takes memory
	*answering

	metadataSum uint64 // of the set's metadata, as bulk answers have it

	headRevision int64     // of the head whose overrides are in force
	changed      time.Time // when this state came to be served
	content      bundle.Digest
	lapse        lapse

	missed *answering // what a request gets whose pin cannot be had
	pins   pinTable   // what can be had
}

// answering is what all answers from one state have in common.
type answering struct {
	revision []byte // header: the revision in decimal
	token    []byte // header: what pins this state; empty where nothing does
	marks    string // members of every answer's metadata; empty while all is well
}

func newFlagset(rules *eval.Ruleset, head bundle.Head, revision int64, source string) *flagset {
	m := head.Manifest()
	f := &flagset{
		bundle: rules, rules: rules, head: head, revision: revision, source: source, since: time.Now(), content: m.Bundle.ContentDigest,
		answering: &answering{revision: strconv.AppendInt(nil, revision, 10)},
	}
	if tokenFits(m) {
		f.token = []byte(m.Snapshot)
	}
	return f
}

// forced is an override with what became of it over these flags.
type forced struct {
	bundle.Override
	eval.Effect
}

func (f *flagset) overrides() []forced {
	if f == nil {
		return nil
	}
	return f.forced
}

// oldestPin is the revision below which pins count no more. It comes into force with the flags that its revision brought.
func (f *flagset) oldestPin() int64 { return f.head.Manifest().OldestPin }

// circumstances are what flags are served under, whatever they are.
type circumstances struct {
	overrides []bundle.Override
	revision  int64 // of the head that they come from
	lapse     lapse
}

// asked gives the overrides as the evaluator takes them.
func (c *circumstances) asked() []eval.Override {
	asked := make([]eval.Override, len(c.overrides))
	for i, o := range c.overrides {
		asked[i] = eval.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment}
	}
	return asked
}

// under gives the same flags under circumstances, ready to be served: nothing is that did not come through here.
func (f *flagset) under(c *circumstances) *flagset {
	next := *f
	next.lapse, next.changed = c.lapse, time.Now()
	next.headRevision = max(c.revision, f.revision)
	rules, effects := f.bundle.Under(c.asked(), c.lapse.closing())
	next.rules, next.counts, next.forced = rules, newCounts(rules.Flags()), make([]forced, len(c.overrides))
	for i, o := range c.overrides {
		next.forced[i] = forced{o, effects[i]}
	}
	next.plan, next.metadataSum = nil, xxhash.Sum64(rules.Metadata())
	marks := c.lapse.marks()
	next.answering = &answering{f.answering.revision, f.token, marks}
	next.missed = &answering{f.answering.revision, f.token, join(pinMissed, marks)}
	return &next
}

// pinMissed is what answers say that a pin was meant for, and could not be given.
const pinMissed = `"burgee.pin":"missed"`

// join puts members of an object side by side.
func join(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "," + b
}
