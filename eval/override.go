package eval

import (
	"fmt"
	"slices"
	"strings"
)

// Override forces a flag to a variant, for all or for those in a segment.
type Override struct {
	Flag    string
	Variant string // empty is the safe variant
	Segment string // the name of an entry of $evaluators; empty is everyone
}

// Effect is what became of an override.
type Effect struct {
	InForce bool   // there are contexts for which it decides, as far as can be told without one
	Problem string // why it does not do what it says; empty where it does
}

// segmentRule is an evaluator as the condition of an override.
type segmentRule struct {
	code  expr
	err   error
	used  digest // of the evaluators that it was made of
	notes notes
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
// One that is as it was in the earlier ruleset goes on, since flags that go on refer to it.
func (c *flagCompiler) segments(doc *Document, earlier *Ruleset) (rules map[string]segmentRule, warnings []Problem) {
	for _, s := range doc.evaluators {
		found := c.refs.evaluator(s.name)
		c.rules.share(s.name, found.tree, earlier.segment(s.name, found))
	}
	c.weigher.note = true
	defer func() { c.weigher.note = false }()
	rules = make(map[string]segmentRule, len(doc.evaluators))
	for _, s := range doc.evaluators {
		found := c.refs.evaluator(s.name)
		if found.err != nil {
			rules[strings.Clone(s.name)] = segmentRule{err: found.err}
			continue
		}
		code, said := c.rules.evaluator(s.name, found.tree)
		rules[strings.Clone(s.name)] = segmentRule{code: code, used: found.used, notes: said}
		warnings = append(warnings, said.warnings...)
		c.evaluatorWeight += len(s.raw) + c.weigher.rule(code, &said, viewText(c.refs.sources[s.name]))
	}
	return rules, warnings
}

// WithOverrides gives a ruleset in which the overrides are in force, in place of
// any that were. It shares all other flags. It never fails: the effects are those
// of the overrides, in their order. Of several overrides of one flag, one for
// everyone decides before those for segments, and else the first that applies.
func (r *Ruleset) WithOverrides(overrides []Override) (*Ruleset, []Effect) {
	out := *r
	out.flags = slices.Clone(r.flags)
	for i, f := range out.flags {
		if f.Overridden() {
			out.flags[i] = f.under(nil)
		}
	}
	effects := make([]Effect, len(overrides))
	for i, o := range overrides {
		effects[i] = out.override(o)
	}
	for i, o := range overrides {
		if first := deciding(overrides, effects, o.Flag); effects[i].InForce && first >= 0 && first != i {
			effects[i] = Effect{Problem: "another override of the flag, for everyone, decides before it"}
		}
	}
	return &out, effects
}

// deciding finds the override of a flag that leaves no others a say, or gives -1.
func deciding(overrides []Override, effects []Effect, flag string) int {
	for i, o := range overrides {
		if o.Flag == flag && o.Segment == "" && effects[i].InForce {
			return i
		}
	}
	return -1
}

// override puts one override in force, on a copy of the flag.
func (r *Ruleset) override(o Override) Effect {
	i := r.index.find(o.Flag, r.keys)
	if i < 0 {
		return Effect{Problem: "there is no such flag"}
	}
	segment := r.segments[o.Segment]
	if err := segment.usable(o.Segment); err != nil {
		return Effect{Problem: err.Error()}
	}
	answer, problem := r.flags[i].overrideAnswer(o)
	if answer.Overridden {
		r.flags[i] = r.flags[i].with(forced{segment: segment, answer: answer})
	}
	return Effect{answer.Overridden, problem}
}

func (s segmentRule) usable(name string) error {
	switch {
	case name == "" || s.code != nil:
		return nil
	case s.err != nil:
		return s.err
	default:
		return fmt.Errorf("the segment %q is no entry of $evaluators", shorten(name))
	}
}

// overrideAnswer serves the variant that is named, or else the safe one.
func (p *program) overrideAnswer(o Override) (answer Answer, problem string) {
	if o.Variant != "" {
		answer, answer.Overridden = p.forcedTo(func(definition *parts) int { return definition.variant(o.Variant) }, overriddenEntry)
		if answer.Overridden {
			return answer, ""
		}
		problem = fmt.Sprintf("%q is not one of the variants %s", shorten(o.Variant), listed(p.variants.items))
	}
	answer, answer.Overridden = p.forcedTo((*parts).safeVariant, overriddenEntry)
	switch {
	case !answer.Overridden && problem == "":
		problem = "the flag has no safe variant"
	case !answer.Overridden:
		problem += ", and there is no safe variant"
	case problem != "":
		problem += "; the safe variant is served"
	}
	return answer, problem
}

// with gives a copy of the flag with one more override; those for everyone
// stand before those for segments.
func (f *Flag) with(o forced) *Flag {
	var all []forced
	if f.overrides != nil {
		all = *f.overrides
	}
	at := len(all)
	if o.segment.code == nil {
		at = slices.IndexFunc(all, func(o forced) bool { return o.segment.code != nil })
		if at < 0 {
			at = len(all)
		}
	}
	all = slices.Insert(slices.Clone(all), at, o)
	return f.under(&all)
}

// under gives a copy of the flag with those overrides and no others.
func (f *Flag) under(overrides *[]forced) *Flag {
	out := *f
	out.overrides = overrides
	return &out
}
