package eval

import "unsafe"

// What each key in which a past differs takes beside its flag, in bytes: in the list of keys, in that of their flags, two to four cells of the index.
const differenceWeight = 16 + 8 + 4*8

// Scales weigh several pasts of one base: what they have in common is weighed
// once, with the first. The zero value has weighed nothing.
type Scales struct {
	programs map[*program]bool
	repeated map[*compiled]bool
	tables   map[*attributes]bool
}

// Weight is about how much memory the past keeps alive beside its base, in bytes.
func (p *Past) Weight() int { return new(Scales).Add(p) }

// WeightBeside is about how much memory a past of the ruleset would keep alive
// beside that base, in bytes. It allocates nothing to speak of.
func (r *Ruleset) WeightBeside(base *Ruleset) int {
	n, lacks := 0, base.Len()
	repeated := make(map[*compiled]bool)
	whole := &Past{made: r.made, metadata: r.metadata}
	alike := whole.alike(base)
	for _, f := range r.flags {
		now := base.program(f.key)
		if now != nil {
			lacks--
		}
		if now == nil || !f.answersAs(now, alike) {
			n += int(f.weight) + differenceWeight + int(unsafe.Sizeof(Flag{})) + 8
			if f.repeated != nil && !repeated[f.repeated] {
				repeated[f.repeated] = true
				n += f.repeated.weight
			}
		}
	}
	return n + lacks*differenceWeight
}

// Add gives what a past adds to those that were weighed before.
func (s *Scales) Add(p *Past) int {
	if s.programs == nil {
		*s = Scales{make(map[*program]bool), make(map[*compiled]bool), map[*attributes]bool{p.base.table: true}}
	}
	n := int(unsafe.Sizeof(*p)) + len(p.metadata) + p.weightOfPlaces()
	if before := p.published; before != nil {
		n += int(unsafe.Sizeof(*before))
		if len(before.at) > 0 && &before.at[0] != &p.at[0] {
			n += before.weightOfPlaces()
		}
	}
	for _, f := range p.own {
		n += f.weightOfForced()
		if now := p.base.Lookup(viewBytes(f.key)); !s.programs[f.program] && (now == nil || now.program != f.program) {
			s.programs[f.program] = true
			n += int(f.weight)
			if now != nil && unsafe.StringData(now.raw) == unsafe.StringData(f.raw) {
				n -= len(f.raw) // programs of one definition have it in common
			}
			if f.repeated != nil && !s.repeated[f.repeated] {
				s.repeated[f.repeated] = true
				n += f.repeated.weight
			}
		}
		n += weightOfTable(f.table, s.tables)
	}
	for name, rule := range p.segments {
		n += int(unsafe.Sizeof(rule)) + 16 + len(name) + rule.weight
		if rule.code != nil {
			n += weightOfTable(rule.table, s.tables)
		}
	}
	return n
}

// weightOfPlaces is what the lists of flags take.
func (p *Past) weightOfPlaces() int {
	return len(p.keys)*differenceWeight + len(p.own)*(int(unsafe.Sizeof(Flag{}))+8)
}

func (f *Flag) weightOfForced() int {
	n := 0
	for _, o := range f.allForced() {
		n += int(unsafe.Sizeof(o)) + len(o.answer.JSON)
		if o.as != nil {
			n += int(unsafe.Sizeof(*o.as)) + int(unsafe.Sizeof(*o.as.program))
		}
	}
	return n
}

// weightOfTable is what a table takes, with what contexts have for it, unless it was met before.
func weightOfTable(a *attributes, met map[*attributes]bool) int {
	if met[a] {
		return 0
	}
	met[a] = true
	n := 0
	for _, name := range a.names {
		n += nameWeight + len(name)
	}
	for i := range a.paths {
		n += a.paths[i].weight()
	}
	return n
}
