package sidecar

import (
	"strconv"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// flagset is one state of the flags: what every answer is read from. It never changes after it is made.
type flagset struct {
	bundle   *eval.Ruleset // as published
	rules    *eval.Ruleset // with the overrides that are in force
	warnings []eval.Problem
	head     bundle.Head // the bundle came with it; zero in development
	revision int64
	header   []byte // the revision in decimal
	source   string // store, disk, bootstrap or file
	since    time.Time
	counts   counts
}

func newFlagset(rules *eval.Ruleset, head bundle.Head, revision int64, source string) *flagset {
	return &flagset{
		bundle: rules, rules: rules, head: head, revision: revision, header: strconv.AppendInt(nil, revision, 10),
		source: source, since: time.Now(), counts: newCounts(rules),
	}
}

// under gives the same flags with the overrides of a head in force.
func (f *flagset) under(head bundle.Head) *flagset {
	forced := make([]eval.Override, 0, len(head.Manifest().Overrides))
	for _, o := range head.Manifest().Overrides {
		forced = append(forced, eval.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment})
	}
	next := newFlagset(f.bundle, f.head, f.revision, f.source)
	next.since = f.since
	next.rules, next.warnings = f.bundle.WithOverrides(forced)
	return next
}
