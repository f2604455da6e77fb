package eval

import (
	"bytes"
	"maps"
	"slices"
)

// Rebase gives the same past against another base; from is the base it has.
// Overrides, and flags that fail closed, are left behind.
func (p *Past) Rebase(from, to *Ruleset) *Past {
	if p.published != nil {
		p = p.published
	}
	from, to = from.asPublished(), to.asPublished()
	move := &rebasing{past: p, from: from, to: to, alike: p.alike(to), outgrown: make(map[*attributes]bool)}
	out := p.against(to, move.differences())
	out.segments = move.segments()
	return out
}

// alike tells whether flags and evaluators that are written the same answer the same in both.
func (p *Past) alike(r *Ruleset) bool {
	return p.made.options == r.made.options && p.made.bucketing == r.made.bucketing && bytes.Equal(p.metadata, r.metadata)
}

// rebasing takes a past from one base to another.
type rebasing struct {
	past     *Past
	from, to *Ruleset
	alike    bool
	outgrown map[*attributes]bool // tables, and whether that of the new base goes on from them
}

// differences are those from the new base. Only what differed from the old one, and that in which the two bases differ, can be among them.
func (m *rebasing) differences() []difference {
	keys := append(slices.Clone(m.past.keys), changedBetween(m.from, m.to)...)
	slices.Sort(keys)
	var all []difference
	for _, key := range slices.Compact(keys) {
		then, now := m.then(key), m.to.Lookup(viewBytes(key))
		switch {
		case then == nil && now == nil:
		case then == nil:
			all = append(all, difference{key: now.key})
		case now == nil || !then.answersAs(now.program, m.alike):
			all = append(all, difference{key: then.key, program: then.program, table: m.newest(then.table)})
		}
	}
	return all
}

// then gives a flag of the past.
func (m *rebasing) then(key string) *Flag {
	if i := m.past.index.find(key, m.past.keys); i >= 0 {
		return m.past.at[i]
	}
	return m.from.Lookup(viewBytes(key))
}

// answersAs tells whether a program of the same key surely answers what this one
// does. What broke for a reference may have broken for another one.
func (p *program) answersAs(other *program, alike bool) bool {
	if p == other {
		return true
	}
	if !alike || p.raw != other.raw || (p.used == nil) != (other.used == nil) {
		return false
	}
	return p.used == nil || *p.used == *other.used && *p.used != digest{}
}

// newest gives a table that reads what the given one does: the new base's, where
// that goes on from it, so that it need not be kept, and contexts need not turn
// to it.
func (m *rebasing) newest(table *attributes) *attributes {
	grown, known := m.outgrown[table]
	if !known {
		grown = m.to.table.goesOnFrom(table)
		m.outgrown[table] = grown
	}
	if grown {
		return m.to.table
	}
	return table
}

// goesOnFrom tells whether every slot of the other table means the same here.
func (a *attributes) goesOnFrom(other *attributes) bool {
	if a == other {
		return true
	}
	if a == nil || len(a.paths) < len(other.paths) {
		return false
	}
	for i := range other.paths {
		if a.paths[i].written != other.paths[i].written {
			return false
		}
	}
	return true
}

// segments are those that the new base has otherwise, or lacks, or has in addition.
func (m *rebasing) segments() map[string]segmentRule {
	var all map[string]segmentRule
	consider := func(name string) {
		then := m.past.segment(name, m.from)
		if _, done := all[name]; done || then.is(m.to.segments[name]) {
			return
		}
		if all == nil {
			all = make(map[string]segmentRule)
		}
		all[name] = m.kept(then)
	}
	for _, names := range []map[string]segmentRule{m.past.segments, m.from.segments, m.to.segments} {
		for name := range maps.Keys(names) {
			consider(name)
		}
	}
	return all
}

// kept is what is needed of a segment: nothing of one that nobody is in.
func (m *rebasing) kept(s segmentRule) segmentRule {
	if s.code == nil {
		return segmentRule{}
	}
	return segmentRule{code: s.code, used: s.used, table: m.newest(s.table), weight: s.weight}
}

// segment gives the past's own idea of a segment, in place of its base's.
func (p *Past) segment(name string, base *Ruleset) segmentRule {
	if s, ok := p.segments[name]; ok {
		return s
	}
	return base.segments[name]
}

// is tells whether both are one program, or neither can be used: why does not matter to who is in it, which is nobody.
func (s segmentRule) is(other segmentRule) bool {
	if s.code == nil || other.code == nil {
		return s.code == nil && other.code == nil
	}
	return s.used == other.used
}
