package eval

import (
	"fmt"
	"slices"
)

const stateDisabled = "DISABLED"

// flagCompiler makes programs of definitions, one after the other.
type flagCompiler struct {
	rules    *compiler
	refs     *resolver
	repeated repeatedRules
	set      []section // metadata of the document
	options  Options
	trees    trees
	text     []byte // of the program being made
	weigher  *weigher

	evaluatorWeight int
}

// compile never fails: a flag that cannot be served comes back broken, with the
// problem that makes it so. Of an earlier program that was made of the same, it
// gives that one. The program takes the definition's memory over.
func (c *flagCompiler) compile(def *definition, earlier *program) *program {
	if earlier != nil && earlier.raw == viewText(def.raw) && c.sameReferences(earlier) {
		return earlier
	}
	p := &program{key: def.key, raw: viewText(def.raw), notes: noNotes, subject: -1}
	defer c.trees.reset()
	parts := readParts(viewBytes(p.raw), &c.trees)
	p.variants = setOf(parts.variantNames())
	p.disabled = parts.state == stateDisabled
	p.declare(parts.contract())
	c.open(p, def, &parts)
	c.answers(p, def, &parts)
	p.text = c.taken()
	if p.problem == nil && int(p.keyEnd) == len(`""`)+len(p.key) {
		p.key = viewText(p.text[1 : p.keyEnd-1]) // it stands there anyway
	}
	if p.rule == nil {
		only := p.fixed.answer(p.text)
		p.only = &only
	}
	p.weight += int32(c.weigher.program(p))
	return p
}

// largeText is an answer text that is not copied: it stays in the memory that it was written to.
const largeText = 256 << 10

// taken gives the text that was written as one that nobody else changes.
func (c *flagCompiler) taken() []byte {
	text := c.text
	if len(text) < largeText {
		return slices.Clone(text)
	}
	c.text = nil
	return text
}

// sameReferences tells whether the evaluators that a program was made with are still the same.
func (c *flagCompiler) sameReferences(p *program) bool {
	if p.used == nil {
		return true
	}
	defer c.trees.reset()
	parts := readParts(viewBytes(p.raw), &c.trees)
	now := c.refs.follow(parts.targeting)
	return now.err == nil && now.used == *p.used
}

// open begins the program's text with what all answers have in common. It takes memory for all of it at once, where that is much: text that
// grows leaves several times its size behind.
func (c *flagCompiler) open(p *program, def *definition, parts *parts) {
	c.text = append(slices.Grow(c.text[:0], def.answers), quote(p.key)...)
	p.keyEnd = uint32(len(c.text))
	c.text = append(c.text, mergeMetadata(c.set, parts.metadata, c.options.AnswerContract)...)
	p.metaEnd = uint32(len(c.text))
}

func (c *flagCompiler) renderer(p *program) renderer {
	return renderer{key: string(c.text[:p.keyEnd]), metadata: string(c.text[p.keyEnd:p.metaEnd])}
}

// answers prepares whatever the flag can answer.
func (c *flagCompiler) answers(p *program, def *definition, parts *parts) {
	p.problem = c.prepare(p, def, parts)
	if p.problem != nil {
		c.breakFor(p, parts)
	}
	if p.disabled {
		c.forget(p)
		c.text, p.fixed = c.renderer(p).appendBare(c.text, Disabled)
	}
}

func (c *flagCompiler) prepare(p *program, def *definition, parts *parts) *Problem {
	if len(parts.variants) == 0 {
		return problemOf(p, RuleNoVariants, ".variants", "a flag needs at least one variant")
	}
	if parts.defaultVariant != "" && parts.variant(parts.defaultVariant) < 0 {
		return problemOf(p, RuleDefaultVariant, ".defaultVariant", fmt.Sprintf("%q is not one of the variants %s", shorten(parts.defaultVariant), listed(p.variants.items)))
	}
	if !parts.hasRule() {
		p.fixed = c.defaultAnswer(p, parts, Static)
		return nil
	}
	resolved := c.refs.follow(parts.targeting)
	if resolved.err != nil {
		p.used = new(digest) // no evaluators have this one: it is compiled again
		return problemOf(p, RuleReference, ".targeting", resolved.err.Error())
	}
	if resolved.used != (digest{}) {
		used := resolved.used // of its own: what stands beside it is the tree of all evaluators
		p.used = &used
	}
	c.declareSubject(p, parts)
	p.rule, p.notes = c.compileRule(p, def.rule(), resolved.tree)
	c.renderRule(p, parts)
	return nil
}

func (c *flagCompiler) declareSubject(p *program, parts *parts) {
	subject := parts.contract().Subject
	path := splitPath(subject)
	if len(path) == 0 || path[0].name == flagdProperty {
		return
	}
	p.subject = c.rules.slots.slot(subject)
}

// renderRule renders every answer that the rule can come to but the failures.
func (c *flagCompiler) renderRule(p *program, parts *parts) {
	p.fixed = c.defaultAnswer(p, parts, Default)
	render := c.renderer(p)
	p.matches = make([]rendered, len(parts.variants))
	for i, v := range parts.variants {
		c.text, p.matches[i] = render.appendServed(c.text, TargetingMatch, i, v, "")
	}
	if known, ok := p.rule.(constant); ok {
		p.text = c.text
		only := p.chosen(new(Context), known.value)
		only.JSON = slices.Clone(only.JSON)
		c.forget(p)
		p.fixed = c.add(only)
	}
}

// forget drops a rule and all that was rendered for it, where there is only one answer.
func (c *flagCompiler) forget(p *program) {
	p.rule, p.matches, c.text = nil, nil, c.text[:p.metaEnd]
}

// defaultAnswer is the default variant, or nothing for the code's own default.
func (c *flagCompiler) defaultAnswer(p *program, parts *parts, reason Reason) (one rendered) {
	i := parts.variant(parts.defaultVariant)
	if parts.defaultVariant == "" || i < 0 {
		c.text, one = c.renderer(p).appendBare(c.text, Default)
	} else {
		c.text, one = c.renderer(p).appendServed(c.text, reason, i, parts.variants[i], "")
	}
	return one
}

// breakFor makes the flag answer its safe variant, or why it cannot answer.
func (c *flagCompiler) breakFor(p *program, parts *parts) {
	c.forget(p)
	render := c.renderer(p)
	if safe := parts.safeVariant(); safe >= 0 {
		c.text, p.fixed = render.appendServed(c.text, Default, safe, parts.variants[safe], failClosedEntry("broken"))
		p.fixed.failClosed = true
		return
	}
	c.text, p.fixed = render.appendFailure(c.text, ParseFailed, p.problem.Path+": "+p.problem.Message)
}

// add puts an answer that was made elsewhere into the text.
func (c *flagCompiler) add(a Answer) rendered {
	start := len(c.text)
	c.text = append(c.text, a.JSON...)
	return place(c.text, start, rendered{variant: int32(a.Variant), reason: a.Reason, code: a.Code, failClosed: a.FailClosed})
}

func problemOf(p *program, rule, member, message string) *Problem {
	return &Problem{Flag: p.key, Path: JoinPath("flags", p.key) + member, Rule: rule, Message: message}
}
