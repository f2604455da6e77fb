package main

import (
	"fmt"
	"slices"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// compare tells sync/publish what a step changes, since only eval understands flags.
func compare(s publish.Step) (publish.Comparison, error) {
	d, err := parseStep(s)
	if err != nil {
		return publish.Comparison{}, err
	}
	return d.compare(s), nil
}

// step is a publish.Step of flags that were read.
type step struct {
	before, after *eval.Document // before is nil where there were none
}

// parseStep reads the flags before and after, those after as strictly as publishing does.
func parseStep(s publish.Step) (d step, err error) {
	if d.after, err = load(s.After); err != nil {
		return step{}, err
	}
	if s.Before != nil {
		if d.before, err = eval.Parse(s.Before, eval.LoadLimits()); err != nil {
			return step{}, fmt.Errorf("%w: %w", publish.ErrBefore, err)
		}
	}
	return d, nil
}

// load reads a document as a sidecar will, but for the room that publishing leaves below its limits.
func load(document []byte) (*eval.Document, error) {
	doc, err := eval.Parse(document, eval.LoadLimits().Share(publish.Share))
	if err != nil {
		return nil, err
	}
	if unfit := eval.Compile(doc, eval.Options{}).Unfit(); unfit != nil {
		return nil, unfit
	}
	return doc, nil
}

func (d step) compare(s publish.Step) publish.Comparison {
	c := publish.Comparison{Flags: d.after.Flags(), Retired: s.Retired}
	for _, change := range eval.Diff(d.before, d.after) {
		c.Entries = append(c.Entries, bundle.Entry{
			Kind: change.Kind, Flag: change.Flag, Section: change.Section, Before: change.Before, After: change.After,
		})
		if change.Flag != "" && change.Kind == "removed" {
			c.Retired = bury(c.Retired, tombstone(d.before, change, s.Revision))
		}
	}
	return c
}

// bury adds a tombstone in place of an older one of the same flag. Nothing else takes a tombstone away, not even that its flag is
// published again: what it was cannot be learned twice. So one of a flag that lives says what the flag was before, and forbids nothing.
func bury(retired []bundle.Retired, newest bundle.Retired) []bundle.Retired {
	kept := slices.DeleteFunc(slices.Clone(retired), func(r bundle.Retired) bool { return r.Flag == newest.Flag })
	return append(kept, newest)
}

// tombstone remembers what a removed flag was.
func tombstone(before *eval.Document, removed eval.Change, revision int64) bundle.Retired {
	return bundle.Retired{Flag: removed.Flag, Type: before.Type(removed.Flag), Variants: before.Variants(removed.Flag), Revision: revision}
}
