package eval

import (
	"cmp"
	"slices"
)

// Under puts overrides in force, and lets those flags fail closed for which
// closing says why, in place of any that were and did. Base is what the past's
// base became under the same closing: shared flags are taken from it. A segment
// is who was in it in the past, also where the flag is shared with the base.
func (p *Past) Under(base *Ruleset, overrides []Override, closing Closing) *Past {
	if p.published != nil {
		p = p.published
	}
	flags := append(p.otherwise(base, overrides), p.own...)
	forced, _ := p.rulesetOf(flags, base, overrides).Under(overrides, closing)
	all := make([]difference, 0, len(p.keys)+len(flags))
	altered := false
	for _, f := range forced.flags {
		shared := p.index.find(f.key, p.keys) < 0
		if shared && !f.Overridden() && !base.Lookup(viewBytes(f.key)).Overridden() {
			continue // nothing came of the overrides in which they differ
		}
		altered = altered || shared || f.forced != nil
		all = append(all, difference{key: f.key, program: f.program, table: f.table, forced: f.forced})
	}
	out := *p
	if out.base = base; altered {
		for i, f := range p.at {
			if f == nil {
				all = append(all, difference{key: p.keys[i]})
			}
		}
		out = *p.against(base, all)
	}
	out.published = p
	return &out
}

// otherwise gives the flags that are shared with the base, as they were published, on which these overrides may
// do something else than what is in force on them in the base.
func (p *Past) otherwise(base *Ruleset, overrides []Override) []*Flag {
	var keys []string
	for _, o := range slices.Concat(overrides, base.overrides) {
		keys = append(keys, o.Flag)
	}
	slices.Sort(keys)
	var flags []*Flag
	for _, key := range slices.Compact(keys) {
		i := base.index.find(key, base.keys)
		if i < 0 || p.index.find(key, p.keys) >= 0 || p.asInBase(base, key, overrides) {
			continue
		}
		flags = append(flags, base.asPublished().flags[i])
	}
	return flags
}

// asInBase tells whether the overrides of a flag are those that are in force on it in the base, for the same people.
func (p *Past) asInBase(base *Ruleset, key string, overrides []Override) bool {
	here, there := overridesOf(key, overrides), overridesOf(key, base.overrides)
	return slices.Equal(here, there) && !slices.ContainsFunc(here, func(o Override) bool {
		return !p.segment(o.Segment, base).is(base.segments[o.Segment])
	})
}

func overridesOf(key string, overrides []Override) []Override {
	var own []Override
	for _, o := range overrides {
		if o.Flag == key {
			own = append(own, o)
		}
	}
	return own
}

// rulesetOf makes a ruleset of some flags, which knows the segments of the past that the overrides name.
func (p *Past) rulesetOf(flags []*Flag, base *Ruleset, overrides []Override) *Ruleset {
	slices.SortFunc(flags, func(a, b *Flag) int { return cmp.Compare(a.key, b.key) })
	r := &Ruleset{flags: flags, keys: make([]string, len(flags)), segments: make(map[string]segmentRule)}
	for i, f := range flags {
		r.keys[i] = f.key
	}
	r.index = newTextIndex(r.keys)
	for _, o := range overrides {
		r.segments[o.Segment] = p.segment(o.Segment, base)
	}
	return r
}
