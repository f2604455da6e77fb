package eval

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/go-json-experiment/json/jsontext"
)

// Change is one difference between two documents: a flag, or an entry of
// another part of the document.
type Change struct {
	Kind    string // added, changed or removed
	Flag    string // empty where Section is set
	Section string // such as $evaluators.staff or metadata.version
	Before  []byte // as written; nil for added
	After   []byte // as written; nil for removed
}

// Path names the place, such as flags.checkout.
func (c Change) Path() string {
	if c.Section != "" {
		return c.Section
	}
	return JoinPath("flags", c.Flag)
}

// Diff lists what changed, sorted by path. Insignificant whitespace does not
// count as a change. Before may be nil: then everything was added.
func Diff(before, after *Document) []Change {
	changes := diffParts(before.parts(), after.parts())
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.Path(), b.Path()) })
	return changes
}

// part names a piece of a document: a flag, or an entry of a section.
type part struct{ flag, section string }

func (d *Document) parts() map[part][]byte {
	parts := make(map[part][]byte)
	if d == nil {
		return parts
	}
	for i := range d.flags {
		parts[part{flag: d.flags[i].key}] = d.flags[i].raw
	}
	for _, s := range d.evaluators {
		parts[part{section: JoinPath("$evaluators", s.name)}] = s.raw
	}
	for _, s := range d.metadata {
		parts[part{section: JoinPath("metadata", s.name)}] = s.raw
	}
	return parts
}

func diffParts(before, after map[part][]byte) []Change {
	var changes []Change
	for name, now := range after {
		then, existed := before[name]
		switch {
		case !existed:
			changes = append(changes, Change{Kind: "added", Flag: name.flag, Section: name.section, After: now})
		case !sameJSON(then, now):
			changes = append(changes, Change{Kind: "changed", Flag: name.flag, Section: name.section, Before: then, After: now})
		}
	}
	for name, then := range before {
		if _, remains := after[name]; !remains {
			changes = append(changes, Change{Kind: "removed", Flag: name.flag, Section: name.section, Before: then})
		}
	}
	return changes
}

func sameJSON(a, b []byte) bool {
	return bytes.Equal(a, b) || bytes.Equal(compact(a), compact(b))
}

// compact gives valid JSON without insignificant whitespace; tokens stay as
// they are written.
func compact(raw []byte) []byte {
	v := jsontext.Value(raw).Clone()
	if v.Compact() != nil {
		return raw
	}
	return v
}
