package main

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// compare tells sync/publish what a step changes, since only eval understands flags.
func compare(s publish.Step) (publish.Comparison, error) {
	after, err := eval.Parse(s.After, eval.LoadLimits().Share(publish.Share))
	if err != nil {
		return publish.Comparison{}, err
	}
	var before *eval.Document
	if s.Before != nil {
		if before, err = eval.Parse(s.Before, eval.LoadLimits()); err != nil {
			return publish.Comparison{}, fmt.Errorf("read the flags before: %w", err)
		}
	}
	c := publish.Comparison{Flags: after.Flags(), Retired: s.Retired}
	for _, change := range eval.Diff(before, after) {
		c.Entries = append(c.Entries, bundle.Entry{
			Kind: change.Kind, Flag: change.Flag, Section: change.Section, Before: change.Before, After: change.After,
		})
		if change.Flag != "" && change.Kind == "removed" {
			c.Retired = bury(c.Retired, tombstone(before, change, s.Revision))
		}
	}
	return c, nil
}

// bury adds a tombstone in place of an older one of the same flag. Nothing else takes a tombstone away, not even that its flag is
// published again: what it was cannot be learned twice. So one of a flag that lives says what the flag was before, and forbids nothing.
func bury(retired []bundle.Retired, newest bundle.Retired) []bundle.Retired {
	kept := slices.DeleteFunc(slices.Clone(retired), func(r bundle.Retired) bool { return r.Flag == newest.Flag })
	return append(kept, newest)
}

// tombstone remembers what a removed flag was.
func tombstone(before *eval.Document, removed eval.Change, revision int64) bundle.Retired {
	var flag struct {
		Variants map[string]jsontext.Value `json:"variants"`
	}
	variants := []string{}
	if json.Unmarshal(removed.Before, &flag) == nil { // it was parsed before: an error is no flag with variants
		for name := range flag.Variants {
			variants = append(variants, name)
		}
	}
	slices.Sort(variants)
	return bundle.Retired{Flag: removed.Flag, Type: before.Type(removed.Flag), Variants: variants, Revision: revision}
}
