package eval

import (
	"fmt"
	"slices"
)

// Override forces a flag to a variant, for all or for those in a segment.
type Override struct {
	Flag    string
	Variant string
	Segment string // the name of an entry of $evaluators; empty is everyone
}

// segmentRule is an evaluator as the condition of an override.
type segmentRule struct {
	code      expr
	readsTime bool
	err       error
}

// forced is an override in force on a flag.
type forced struct {
	segment segmentRule // without code: everyone
	answer  Answer
}

// applies tells whether the override decides. A segment that fails holds nobody.
func (o *forced) applies(f *Flag, c *Context, now int64) bool {
	if o.segment.code == nil {
		return true
	}
	in := c.evaluate(f, o.segment.code, now).truthy()
	return in && c.fault.code == NoError
}

// segments compiles every evaluator, so that an override may name any of them.
func (c *flagCompiler) segments(doc *Document) (rules map[string]segmentRule, warnings []Problem) {
	for _, s := range doc.evaluators {
		c.rules.share(s.name, c.refs.evaluator(s.name).tree)
	}
	rules = make(map[string]segmentRule, len(doc.evaluators))
	for _, s := range doc.evaluators {
		found := c.refs.evaluator(s.name)
		if found.err != nil {
			rules[s.name] = segmentRule{err: found.err}
			continue
		}
		code, notes := c.rules.rule(found.tree, joinPath("$evaluators", s.name))
		rules[s.name] = segmentRule{code: code, readsTime: notes.readsTime}
		warnings = append(warnings, notes.warnings...)
	}
	return rules, warnings
}

// WithOverrides gives a ruleset in which the overrides are in force, in place of
// any that were. It shares all other flags. It never fails: what has no effect
// is listed. Of several overrides of one flag, one for everyone decides before
// those for segments, and else the first that applies.
func (r *Ruleset) WithOverrides(overrides []Override) (*Ruleset, []Problem) {
	out := *r
	out.flags = slices.Clone(r.flags)
	for i, f := range out.flags {
		if f.Overridden() {
			out.flags[i] = f.restored()
		}
	}
	var problems []Problem
	for _, o := range overrides {
		if problem := out.override(o); problem != nil {
			problems = append(problems, *problem)
		}
	}
	return &out, problems
}

// override puts one override in force, on a copy of the flag.
func (r *Ruleset) override(o Override) *Problem {
	i, known := r.index[o.Flag]
	if !known {
		return o.problem("there is no such flag")
	}
	segment := r.segments[o.Segment]
	if err := segment.usable(o.Segment); err != nil {
		return o.problem(err.Error())
	}
	variant, problem := r.flags[i].overrideVariant(o)
	if variant >= 0 {
		r.flags[i] = r.flags[i].forced(variant, segment)
	}
	return problem
}

func (s segmentRule) usable(name string) error {
	switch {
	case name == "" || s.code != nil:
		return nil
	case s.err != nil:
		return s.err
	default:
		return fmt.Errorf("the segment %q is no entry of $evaluators", name)
	}
}

// overrideVariant is the variant to serve: the one named, or else the safe one.
func (f *Flag) overrideVariant(o Override) (index int, problem *Problem) {
	if i := f.def.variant(o.Variant); i >= 0 {
		return i, nil
	}
	what := fmt.Sprintf("%q is not one of the variants %q", o.Variant, f.Variants())
	if safe := f.safeVariant(); safe >= 0 {
		return safe, o.problem(what + "; the safe variant is served")
	}
	return -1, o.problem(what + ", and there is no safe variant; the override has no effect")
}

// forced gives a copy of the flag with one more override.
func (f *Flag) forced(variant int, segment segmentRule) *Flag {
	answer := f.render.served(Default, variant, f.def.variants[variant], overriddenEntry)
	answer.Overridden = true
	at := len(f.overrides)
	if segment.code == nil {
		at = f.forEveryone()
	}
	out := *f
	out.overrides = slices.Insert(slices.Clone(f.overrides), at, forced{segment: segment, answer: answer})
	return &out
}

// forEveryone counts the overrides that stand before those for segments.
func (f *Flag) forEveryone() int {
	n := 0
	for n < len(f.overrides) && f.overrides[n].segment.code == nil {
		n++
	}
	return n
}

// restored gives a copy of the flag without overrides.
func (f *Flag) restored() *Flag {
	out := *f
	out.overrides = nil
	return &out
}

func (o Override) problem(message string) *Problem {
	return &Problem{Flag: o.Flag, Path: joinPath("overrides", o.Flag), Message: message}
}
