package eval

import (
	"math"
	"slices"
	"strconv"
)

// Flag is one flag, compiled. It never changes and may be used by many
// goroutines at once, each with a Context of its own.
type Flag struct {
	key      string
	index    int
	def      *definition
	variants []string
	contract Contract
	render   renderer
	broken   bool
	notes    notes

	table          *attributes
	subjectSlot    int32 // of the attribute that bucketing must have, or -1
	subjectMissing string

	overrides []forced // before all else; the first that applies decides
	rule      expr     // nil where the answer is always the fixed one
	fixed     Answer
	fallback  Answer   // the rule came to null
	matches   []Answer // the rule chose a variant
	noMatch   Answer   // the rule chose something else
}

// Key is the flag's name.
func (f *Flag) Key() string { return f.key }

// Index is the flag's position in the ruleset's Flags.
func (f *Flag) Index() int { return f.index }

// Contract is what the flag's metadata says about it.
func (f *Flag) Contract() Contract { return f.contract }

// Overridden tells whether an override is in force, for all or for a segment.
func (f *Flag) Overridden() bool { return len(f.overrides) > 0 }

// Broken tells whether the flag could not be compiled.
func (f *Flag) Broken() bool { return f.broken }

// Disabled tells whether the flag's state is DISABLED.
func (f *Flag) Disabled() bool { return f.def.state == stateDisabled }

// BucketsBy names the attributes that the flag's rule buckets by, where they
// can be told from the rule.
func (f *Flag) BucketsBy() []string { return f.notes.bucketsBy }

// ReadsTime tells whether the answer may depend on $flagd.timestamp.
func (f *Flag) ReadsTime() bool {
	return f.notes.readsTime || slices.ContainsFunc(f.overrides, func(o forced) bool { return o.segment.readsTime })
}

// Variants are the names of the variants, in the order of the document. They
// are shared: read only.
func (f *Flag) Variants() []string { return f.variants }

// Evaluate answers the flag for a context at a time, which is in Unix seconds.
// It allocates nothing on the usual path. Order: override, disabled, rule.
func (f *Flag) Evaluate(c *Context, now int64) Answer {
	for i := range f.overrides {
		if f.overrides[i].applies(f, c, now) {
			return f.overrides[i].answer
		}
	}
	if f.rule == nil {
		return f.fixed
	}
	v := c.evaluate(f, f.rule, now)
	if c.fault.code != NoError {
		return f.render.failure(c.fault.code, c.fault.detail)
	}
	return f.chosen(c, v)
}

// FailClosed is the answer of the flag's safe variant, marked with why: "stale",
// "expired", "pin-missed". It is false where the flag declares none.
func (f *Flag) FailClosed(why string) (Answer, bool) {
	safe := f.safeVariant()
	if safe < 0 {
		return Answer{}, false
	}
	a := f.render.served(Default, safe, f.def.variants[safe], failClosedEntry(why))
	a.FailClosed = true
	return a, true
}

// safeVariant is the position of the declared safe variant, or -1. That none is
// declared does not mean the variant whose name is empty.
func (f *Flag) safeVariant() int {
	if f.contract.SafeVariant == "" {
		return -1
	}
	return f.def.variant(f.contract.SafeVariant)
}

// evaluate runs a rule from a clean start.
func (c *Context) evaluate(f *Flag, rule expr, now int64) value {
	c.flag, c.now, c.fault, c.steps = f, now, fault{}, 0
	c.temp.reset()
	defer c.rescue()
	return rule.eval(c)
}

// rescue turns a mistake of ours into the failure of one answer, where it would
// else end the process. No known rule comes here.
func (c *Context) rescue() {
	if recover() != nil {
		c.failWith(General, "the evaluation met a mistake in the sidecar; please report it with the flag's rule")
	}
}

// chosen turns what the rule came to into an answer. Booleans and numbers name
// variants as they print in JSON.
func (f *Flag) chosen(c *Context, v value) Answer {
	switch v.kind {
	case null:
		return f.fallback
	case text:
		return f.match(v.str)
	case boolean:
		return f.match(strconv.FormatBool(v.num != 0))
	case number:
		if math.IsNaN(v.num) || math.IsInf(v.num, 0) {
			return f.render.failure(ParseFailed, "the rule came to a number that is not finite")
		}
		return f.match(viewText(appendNumber(c.small[:0], v.num)))
	default:
		return f.unchosen(v)
	}
}

func (f *Flag) match(name string) Answer {
	if i := f.def.variant(name); i >= 0 {
		return f.matches[i]
	}
	return f.noMatch
}

// unchosen is a list or an object, which names no variant. A number in it that
// JSON cannot write is another error, as it is for flagd.
func (f *Flag) unchosen(v value) Answer {
	if finite(v) {
		return f.noMatch
	}
	return f.render.failure(ParseFailed, "the rule came to a number that is not finite")
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
