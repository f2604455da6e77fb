package eval

import "fmt"

const stateDisabled = "DISABLED"

// flagCompiler makes flags of definitions.
type flagCompiler struct {
	rules   *compiler
	refs    *resolver
	set     []section // metadata of the document
	options Options
}

// compile never fails: a flag that cannot be served comes back broken, with the
// problem that makes it so.
func (c *flagCompiler) compile(def *definition) (*Flag, *Problem) {
	f := &Flag{
		key:         def.key,
		def:         def,
		variants:    def.variantNames(),
		contract:    def.contract(),
		render:      renderer{key: quote(def.key), metadata: mergeMetadata(c.set, def.metadata, c.options.AnswerContract)},
		table:       c.rules.attributes,
		subjectSlot: -1,
	}
	problem := c.prepare(f)
	if problem != nil {
		f.breakFor(problem)
	}
	if f.Disabled() {
		f.rule, f.fixed = nil, f.render.bare(Disabled)
	}
	f.def = def.answers()
	return f, problem
}

func (c *flagCompiler) prepare(f *Flag) *Problem {
	def := f.def
	if len(def.variants) == 0 {
		return problemOf(def, ".variants", "a flag needs at least one variant")
	}
	if def.defaultVariant != "" && def.variant(def.defaultVariant) < 0 {
		return problemOf(def, ".defaultVariant", fmt.Sprintf("%q is not one of the variants %q", def.defaultVariant, f.Variants()))
	}
	if !def.hasRule() {
		f.fixed = f.defaultAnswer(Static)
		return nil
	}
	resolved := c.refs.follow(def.targeting)
	if resolved.err != nil {
		return problemOf(def, ".targeting", resolved.err.Error())
	}
	c.declareSubject(f)
	code, notes := c.rules.rule(resolved.tree, joinPath("flags", def.key)+".targeting")
	f.rule, f.notes = code, notes
	f.renderRule()
	return nil
}

// hasRule tells whether there is a rule to run. An empty object is none; null
// is one, which never matches.
func (def *definition) hasRule() bool {
	empty := def.targeting.kind == object && len(def.targeting.items()) == 0
	return def.hasTargeting && !empty
}

func (c *flagCompiler) declareSubject(f *Flag) {
	path := splitPath(f.contract.Subject)
	if len(path) == 0 || path[0].name == flagdProperty {
		return
	}
	f.subjectSlot = c.rules.attributes.slot(f.contract.Subject, path)
	f.subjectMissing = fmt.Sprintf("the context lacks %q, the subject that this flag buckets by", f.contract.Subject)
}

// renderRule renders every answer that the rule can come to but the failures.
func (f *Flag) renderRule() {
	f.fallback = f.defaultAnswer(Default)
	f.noMatch = f.render.failure(General, fmt.Sprintf("the rule did not come to one of the variants %q", f.Variants()))
	f.matches = make([]Answer, len(f.def.variants))
	for i, v := range f.def.variants {
		f.matches[i] = f.render.served(TargetingMatch, i, v, "")
	}
	if known, ok := f.rule.(constant); ok {
		f.fixed = f.chosen(new(Context), known.value)
		f.rule = nil
	}
}

// defaultAnswer is the default variant, or nothing for the code's own default.
func (f *Flag) defaultAnswer(reason Reason) Answer {
	i := f.def.variant(f.def.defaultVariant)
	if f.def.defaultVariant == "" || i < 0 {
		return f.render.bare(Default)
	}
	return f.render.served(reason, i, f.def.variants[i], "")
}

// breakFor makes the flag answer its safe variant, or why it cannot answer.
func (f *Flag) breakFor(problem *Problem) {
	f.broken, f.rule = true, nil
	if safe, ok := f.FailClosed("broken"); ok {
		f.fixed = safe
		return
	}
	f.fixed = f.render.failure(ParseFailed, problem.Path+": "+problem.Message)
}

func problemOf(def *definition, member, message string) *Problem {
	return &Problem{Flag: def.key, Path: joinPath("flags", def.key) + member, Message: message}
}
