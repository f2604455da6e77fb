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
		growth: d.growth,
	}
	for i := range own.flags {
		def := &own.flags[i]
		if known := d.before(def, earlier); known != nil && known.raw == viewText(def.raw) {
			def.raw = viewBytes(known.raw)
		} else {
			def.raw = bytes.Clone(def.raw)
		}
		def.key = strings.Clone(def.key)
	}
	return own
}

// before finds the program that a flag had in an earlier ruleset, which may be nil; where it was another one then, that of a past in which
// it was written as it is now.
func (d *Document) before(def *definition, earlier *Ruleset) *program {
	p := earlier.program(def.key)
	if earlier == nil || p != nil && p.raw == viewText(def.raw) {
		return p
	}
	for _, past := range d.growth.held() {
		if then := past.program(def.key, earlier); then != nil && then.raw == viewText(def.raw) {
			return then
		}
	}
	return p
}

// program finds the program of a flag in which the past differs from a ruleset, if it can go on in one that follows that, or gives nil.
func (p *Past) program(key string, base *Ruleset) *program {
	i := p.index.find(key, p.keys)
	if i < 0 || p.at[i] == nil || p.at[i].table != base.table || !p.alike(base) {
		return nil
	}
	return p.at[i].program
}

func sectionsApart(sections []section) []section {
	own := slices.Clone(sections)
	for i := range own {
		own[i].name, own[i].raw = strings.Clone(own[i].name), bytes.Clone(own[i].raw)
	}
	return own
}
