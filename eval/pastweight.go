package eval

import "unsafe"

// What each key in which a past differs takes beside its flag, in bytes: in the list of keys, in that of their flags, two to four cells of the index.
const differenceWeight = 16 + 8 + 4*8

// Weight is about how much memory the past keeps alive beside its base, in bytes.
func (p *Past) Weight() int {
	n := int(unsafe.Sizeof(*p)) + len(p.metadata) + p.weightOfPlaces()
	if before := p.published; before != nil {
		n += int(unsafe.Sizeof(*before))
		if len(before.at) > 0 && &before.at[0] != &p.at[0] {
			n += before.weightOfPlaces()
		}
	}
	repeated := make(map[*compiled]bool)
	tables := map[*attributes]bool{p.base.table: true}
	for _, f := range p.own {
		n += f.weightOfForced()
		if now := p.base.Lookup(viewBytes(f.key)); now == nil || now.program != f.program {
			n += int(f.weight)
			if now != nil && unsafe.StringData(now.raw) == unsafe.StringData(f.raw) {
				n -= len(f.raw) // programs of one definition have it in common
			}
			if f.repeated != nil && !repeated[f.repeated] {
				repeated[f.repeated] = true
				n += f.repeated.weight
			}
		}
		n += weightOfTable(f.table, tables)
	}
	for name, s := range p.segments {
		n += int(unsafe.Sizeof(s)) + 16 + len(name) + s.weight
		if s.code != nil {
			n += weightOfTable(s.table, tables)
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
