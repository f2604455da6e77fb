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
	rules    *eval.Ruleset // with the overrides that are in force
	forced   []forced      // the overrides of the newest head
	head     bundle.Head   // the bundle came with it; zero in development
	revision int64
	header   []byte // the revision in decimal
	source   string
	since    time.Time
	counts   counts
	plan     bulkPlan

	metadataSum uint64 // of the set's metadata, as bulk answers have it

	headRevision int64     // of the head whose overrides are in force
	changed      time.Time // when this state came to be served
}

func newFlagset(rules *eval.Ruleset, head bundle.Head, revision int64, source string) *flagset {
	return &flagset{
		bundle: rules, rules: rules, head: head, revision: revision, header: strconv.AppendInt(nil, revision, 10),
		source: source, since: time.Now(),
	}
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

// under gives the same flags with the overrides of a head in force, ready to be served: nothing is that did not come through here.
func (f *flagset) under(head bundle.Head) *flagset {
	overrides := head.Manifest().Overrides
	asked := make([]eval.Override, len(overrides))
	for i, o := range overrides {
		asked[i] = eval.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment}
	}
	next := newFlagset(f.bundle, f.head, f.revision, f.source)
	next.since, next.counts = f.since, newCounts(f.bundle)
	next.headRevision, next.changed = max(head.Manifest().Revision, f.revision), time.Now()
	rules, effects := f.bundle.Under(asked, nil)
	next.rules, next.forced = rules, make([]forced, len(overrides))
	for i, o := range overrides {
		next.forced[i] = forced{o, effects[i]}
	}
	next.plan, next.metadataSum = planBulk(next.rules), xxhash.Sum64(next.rules.Metadata())
	return next
}
