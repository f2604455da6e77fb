package eval

import (
	"math"
	"strconv"
	"time"
)

// Flag is one flag of one ruleset. It never changes and may be used by many
// goroutines at once, each with a Context of its own.
type Flag struct {
	*program
	table  *attributes
	index  int32
	forced *[]forced // before all else; the first that applies decides
}

// program is a flag, compiled. Rulesets share it for as long as nothing that it
// was made of changes. It holds no more than answers need, and the definition.
type program struct {
	// What every evaluation reads comes first, together.
	only     *Answer    // where there is no rule to run
	rule     expr       // nil where there is only one answer
	fixed    rendered   // the answer where there is no rule, else that of a rule that came to null
	text     []byte     // the key and the metadata as answers have them, then all rendered answers
	matches  []rendered // by variant: the rule chose it
	variants textSet

	key      string
	raw      string   // the definition as written; names and constants are views of it
	used     *digest  // of the evaluators that the rule refers to; nil for none
	problem  *Problem // why it is broken, or nil
	notes    *notes
	repeated *compiled // what the rule was taken from, or nil
	keyEnd   uint32    // in text
	metaEnd  uint32
	end      int64 // Unix second at which the contract ends; 0 for none
	subject  int32 // slot of the attribute that bucketing must have, or -1
	weight   int32 // in memory, in bytes; without the rule where that is repeated
	disabled bool
	closed   bool          // its failMode is closed
	bound    time.Duration // after how long without confirmation; 0 for none
}

// Key is the flag's name.
func (p *program) Key() string { return p.key }

// Contract is what the flag's metadata says about it. It is read from the
// definition at each call.
func (p *program) Contract() Contract { return contractIn(viewBytes(p.raw)) }

// ExpiredAt tells whether the flag is past the end that its contract sets.
func (p *program) ExpiredAt(now time.Time) bool { return p.end != 0 && now.Unix() >= p.end }

// Broken tells whether the flag could not be compiled.
func (p *program) Broken() bool { return p.problem != nil }

// Disabled tells whether the flag's state is DISABLED.
func (p *program) Disabled() bool { return p.disabled }

// BucketsBy names the attributes that the flag's rule buckets by, where they
// can be told from the rule.
func (p *program) BucketsBy() []string { return p.notes.bucketsBy }

// Variants are the names of the variants, in the order of the document. They
// are shared: read only.
func (p *program) Variants() []string { return p.variants.items }

// Index is the flag's position in the ruleset's Flags.
func (f *Flag) Index() int { return int(f.index) }

// Overridden tells whether an override is in force, for all or for a segment.
func (f *Flag) Overridden() bool {
	return f.forced != nil && (*f.forced)[0].answer.Overridden // that the flag fails closed comes last
}

// Evaluate answers the flag for a context at a time, which is in Unix seconds.
// It allocates nothing on the usual path. Order: override, disabled,
// failing closed, rule.
func (f *Flag) Evaluate(c *Context, now int64) Answer {
	if f.forced != nil {
		if answer, ok := f.decided(c, now); ok {
			return answer
		}
	}
	if f.only != nil {
		return *f.only
	}
	v := c.evaluate(f, f.rule, now)
	if c.fault.code != NoError {
		return f.renderer().failure(c.fault.code, c.fault.detail)
	}
	return f.chosen(c, v)
}

// Fixed gives the flag's answer where it is the same for every context.
func (f *Flag) Fixed() (Answer, bool) {
	switch {
	case f.forced != nil:
		first := (*f.forced)[0]
		return first.answer, first.segment.code == nil
	case f.only != nil:
		return *f.only, true
	default:
		return Answer{}, false
	}
}

func (f *Flag) decided(c *Context, now int64) (Answer, bool) {
	for i := range *f.forced {
		if o := &(*f.forced)[i]; o.applies(f, c, now) {
			return o.answer, true
		}
	}
	return Answer{}, false
}

// forcedTo is the answer that serves a variant whatever the rule says, marked by
// an entry of our own. It is made anew at each call; which tells the variant's
// position, or -1 for none.
func (p *program) forcedTo(which func(*parts) int, own string) (Answer, bool) {
	var t trees
	definition := readParts(viewBytes(p.raw), &t)
	i := which(&definition)
	if i < 0 {
		return Answer{}, false
	}
	text, one := p.renderer().appendServed(nil, Default, i, definition.variants[i], own)
	return one.answer(text), true
}

func (p *program) renderer() renderer {
	return renderer{key: viewText(p.text[:p.keyEnd]), metadata: viewText(p.text[p.keyEnd:p.metaEnd])}
}

// evaluate runs a rule, of the flag or of a segment, from a clean start.
func (c *Context) evaluate(f *Flag, rule expr, now int64) value {
	c.flag, c.now, c.fault, c.steps = f, now, fault{}, 0
	c.temp.reset()
	defer c.rescue()
	return rule.eval(c)
}

// chosen turns what the rule came to into an answer. Booleans and numbers name
// variants as they print in JSON.
func (p *program) chosen(c *Context, v value) Answer {
	switch v.kind {
	case null:
		return p.fixed.answer(p.text)
	case text:
		if v.hint != 0 {
			return p.matches[v.hint-1].answer(p.text)
		}
		return p.match(v.str)
	case boolean:
		return p.match(strconv.FormatBool(v.num != 0))
	case number:
		if math.IsNaN(v.num) || math.IsInf(v.num, 0) {
			return p.renderer().failure(ParseFailed, notFinite)
		}
		return p.match(viewText(appendNumber(c.small[:0], v.num)))
	default:
		return p.unchosen(v)
	}
}

const notFinite = "the rule came to a number that is not finite"

func (p *program) match(name string) Answer {
	if i := p.variants.position(name); i >= 0 {
		return p.matches[i].answer(p.text)
	}
	return p.noMatch()
}

func (p *program) noMatch() Answer {
	return p.renderer().failure(General, "the rule did not come to one of the variants "+listed(p.variants.items))
}

// unchosen is a list or an object, which names no variant. A number in it that
// JSON cannot write is another error, as it is for flagd.
func (p *program) unchosen(v value) Answer {
	if finite(v) {
		return p.noMatch()
	}
	return p.renderer().failure(ParseFailed, notFinite)
}

func finite(v value) bool {
	for _, item := range v.items() {
		if !finite(item) {
			return false
		}
	}
	return v.kind != number || !math.IsNaN(v.num) && !math.IsInf(v.num, 0)
}

// appendNumber writes a number as encoding/json does, since variants are named so.
func appendNumber(b []byte, n float64) []byte {
	if abs := math.Abs(n); abs == 0 || abs >= 1e-6 && abs < 1e21 {
		return strconv.AppendFloat(b, n, 'f', -1, 64)
	}
	b = strconv.AppendFloat(b, n, 'e', -1, 64)
	if n := len(b); b[n-4] == 'e' && b[n-3] == '-' && b[n-2] == '0' {
		b[n-2] = b[n-1] // a small negative exponent has one digit there
		b = b[:n-1]
	}
	return b
}
