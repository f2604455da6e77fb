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
	used  *digest     // of the evaluators that it was made of; the same one, for as long as the program is
	table *attributes // that it reads by
	notes notes

	weight int // in memory, in bytes
}

// forced is what decides before a flag's rule: an override, or that the flag fails closed.
type forced struct {
	segment segmentRule // without code: everyone
	as      *Flag       // that the segment is evaluated as, where it reads by another table than the flag; else nil
	answer  Answer
}

// applies tells whether the override decides. A segment that fails holds nobody.
func (o *forced) applies(f *Flag, c *Context, now int64) bool {
	if o.segment.code == nil {
		return true
	}
	if o.as != nil {
		f = o.as
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
		used := found.used // of its own: what stands beside it is the tree of the evaluator
		rule := segmentRule{used: &used}
		if before := earlier.segment(s.name, found); before != nil {
			rule.used = before.used
		}
		rule.code, rule.notes = c.rules.evaluator(s.name, found.tree)
		rule.weight = len(s.raw) + c.weigher.rule(rule.code, &rule.notes, viewText(c.refs.sources[s.name]))
		rules[strings.Clone(s.name)] = rule
		warnings = append(warnings, rule.notes.warnings...)
		c.evaluatorWeight += rule.weight
	}
	return rules, warnings
}

// Under gives a ruleset in which the overrides are in force, and those flags
// fail closed for which closing, which may be nil, says why: in place of any that
// were and did. It shares all other flags. It never fails: the effects are those
// of the overrides, in their order. Of several overrides of one flag, one for
// everyone decides before those for segments, and else the first that applies.
func (r *Ruleset) Under(overrides []Override, closing Closing) (*Ruleset, []Effect) {
	r = r.asPublished()
	out := *r
	out.published, out.overrides = r, slices.Clone(overrides)
	out.flags = slices.Clone(r.flags)
	effects := make([]Effect, len(overrides))
	for i, o := range overrides {
		effects[i] = out.override(o)
	}
	for i, o := range overrides {
		if first := deciding(overrides, effects, o.Flag); effects[i].InForce && first >= 0 && first != i {
			effects[i] = Effect{Problem: "another override of the flag, for everyone, decides before it"}
		}
	}
	if closing != nil {
		for i, f := range out.flags {
			out.flags[i] = f.closedFor(closing)
		}
	}
	return &out, effects
}

// asPublished gives the ruleset without overrides, and without flags that fail closed.
func (r *Ruleset) asPublished() *Ruleset {
	if r.published != nil {
		return r.published
	}
	return r
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
	var segment segmentRule
	if o.Segment != "" { // an entry of $evaluators may have the empty name
		segment = r.segments[o.Segment]
	}
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
	if o.segment.code != nil && o.segment.table != f.table {
		o.as = f.readingBy(o.segment.table)
	}
	all := f.allForced()
	at := len(all)
	if o.segment.code == nil {
		at = slices.IndexFunc(all, func(o forced) bool { return o.segment.code != nil })
		if at < 0 {
			at = len(all)
		}
	}
	return f.under(slices.Insert(slices.Clone(all), at, o))
}

// atLast gives a copy of the flag with an answer for all that no override decides for.
func (f *Flag) atLast(answer Answer) *Flag {
	return f.under(append(slices.Clip(f.allForced()), forced{answer: answer}))
}

func (f *Flag) allForced() []forced {
	if f.forced == nil {
		return nil
	}
	return *f.forced
}

// under gives a copy of the flag on which that is in force, and nothing else.
func (f *Flag) under(all []forced) *Flag {
	out := *f
	out.forced = &all
	return &out
}

// readingBy gives the flag as the segment of another ruleset sees it: what a
// slot means is for that ruleset's table to say. The flag's subject is the one
// slot that both of them read.
func (f *Flag) readingBy(table *attributes) *Flag {
	out := &Flag{program: f.program, table: table}
	if f.subject >= 0 {
		own, more := *f.program, newSlots(table)
		own.subject = more.slot(f.table.paths[f.subject].written)
		out.program, out.table = &own, more.done()
	}
	return out
}
