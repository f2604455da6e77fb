package eval

import (
	"bytes"
	"slices"
	"strings"
)

// apart gives the same document in memory of its own, a piece for each flag, so that nobody has to keep what it was read from while it is
// compiled: programs take these pieces over. What an earlier ruleset, which may be nil, has word for word is not copied.
func (d *Document) apart(earlier *Ruleset) *Document {
	own := &Document{
		flags: slices.Clone(d.flags), evaluators: sectionsApart(d.evaluators), metadata: sectionsApart(d.metadata), memory: d.memory,
	}
	for i := range own.flags {
		def := &own.flags[i]
		if known := earlier.program(def.key); known != nil && known.raw == viewText(def.raw) {
			def.raw = viewBytes(known.raw)
		} else {
			def.raw = bytes.Clone(def.raw)
		}
		def.key = strings.Clone(def.key)
	}
	return own
}

func sectionsApart(sections []section) []section {
	own := slices.Clone(sections)
	for i := range own {
		own[i].name, own[i].raw = strings.Clone(own[i].name), bytes.Clone(own[i].raw)
	}
	return own
}
