package eval

import (
	"cmp"
	"iter"
	"slices"
)

// Past is an earlier ruleset, kept as what differs from another one, its base:
// it holds the flags that the base lacks or has otherwise, and what the base has
// in addition is noted as absent. It answers as the whole earlier ruleset would,
// and keeps none of that alive but what it holds. It never changes; any number of
// goroutines may use it.
type Past struct {
	base  *Ruleset
	keys  []string  // of the flags in which it differs from the base, sorted
	at    []*Flag   // by key: its own flag, or nil where it has none
	index textIndex // of keys
	own   []*Flag   // those that it has
	count int       // of all its flags

	segments  map[string]segmentRule // those in which it differs; without code where it has none
	metadata  []byte
	made      making
	oversize  *Problem
	published *Past // what it was before overrides and failing flags came into force; nil: it is that itself
}

// Past gives the ruleset as what differs from another one, its base. Overrides,
// and flags that fail closed, are of neither: Under brings them in.
func (r *Ruleset) Past(base *Ruleset) *Past {
	same := &Past{base: r, count: r.Len(), metadata: r.metadata, made: r.made, oversize: r.oversize}
	return same.Rebase(r, base)
}

// Lookup finds a flag of the past, or gives nil. own tells that it is one of the
// past's own flags, else it is the base's. It allocates nothing.
func (p *Past) Lookup(key []byte) (flag *Flag, own bool) {
	if i := p.index.find(viewText(key), p.keys); i >= 0 {
		return p.at[i], p.at[i] != nil
	}
	return p.base.Lookup(key), false
}

// All are all flags in the order of their keys. The second value tells that a
// flag is one of the past's own, else it is the base's.
func (p *Past) All() iter.Seq2[*Flag, bool] {
	return func(yield func(*Flag, bool) bool) {
		i := 0
		for n, key := range p.base.keys {
			for ; i < len(p.keys) && p.keys[i] < key; i++ {
				if !p.yieldOwn(i, yield) {
					return
				}
			}
			if i < len(p.keys) && p.keys[i] == key {
				if !p.yieldOwn(i, yield) {
					return
				}
				i++
			} else if !yield(p.base.flags[n], false) {
				return
			}
		}
		for ; i < len(p.keys); i++ {
			if !p.yieldOwn(i, yield) {
				return
			}
		}
	}
}

func (p *Past) yieldOwn(i int, yield func(*Flag, bool) bool) bool {
	return p.at[i] == nil || yield(p.at[i], true)
}

// Own are the past's own flags, sorted by key. The Index of each is its position
// among them. They are shared: read only.
func (p *Past) Own() []*Flag { return p.own }

// Len is the number of flags.
func (p *Past) Len() int { return p.count }

// Metadata is the flag set's own metadata as a JSON object, for bulk answers.
func (p *Past) Metadata() []byte { return p.metadata }

// Broken lists the flags that could not be compiled, and why.
func (p *Past) Broken() []Problem {
	var broken []Problem
	if p.oversize != nil {
		broken = append(broken, *p.oversize)
	}
	for f := range p.All() {
		if f.problem != nil {
			broken = append(broken, *f.problem)
		}
	}
	return broken
}

// difference is a flag in which a past differs from its base, or the key of one that it lacks.
type difference struct {
	key     string
	program *program // nil for none
	table   *attributes
	forced  *[]forced
}

// against gives a copy of the past that differs from a base in this, in whatever order.
func (p *Past) against(base *Ruleset, all []difference) *Past {
	slices.SortFunc(all, func(a, b difference) int { return cmp.Compare(a.key, b.key) })
	out := *p
	out.base, out.keys, out.at = base, make([]string, len(all)), make([]*Flag, len(all))
	own := 0
	for i := range all {
		if out.keys[i] = all[i].key; all[i].program != nil {
			own++
		}
	}
	out.index, out.own = newTextIndex(out.keys), make([]*Flag, 0, own)
	flags := make([]Flag, own) // of its own: a flag of a ruleset keeps all others of it alive
	for i, d := range all {
		if n := len(out.own); d.program != nil {
			flags[n] = Flag{program: d.program, table: d.table, index: int32(n), forced: d.forced}
			out.at[i], out.own = &flags[n], append(out.own, &flags[n])
		}
	}
	return &out
}
