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
	c := publish.Comparison{Flags: after.Flags(), Retired: slices.Clone(s.Retired)}
	for _, change := range eval.Diff(before, after) {
		c.Entries = append(c.Entries, bundle.Entry{
			Kind: change.Kind, Flag: change.Flag, Section: change.Section, Before: change.Before, After: change.After,
		})
		switch {
		case change.Flag == "":
		case change.Kind == "removed":
			c.Retired = append(c.Retired, tombstone(before, change, s.Revision))
		case change.Kind == "added":
			c.Retired = slices.DeleteFunc(c.Retired, func(r bundle.Retired) bool { return r.Flag == change.Flag })
		}
	}
	return c, nil
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
