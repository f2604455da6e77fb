package eval

// definition is one flag as the document has it. What it says is read when it is asked for.
type definition struct {
	key      string
	raw      []byte
	ruleFrom int // where in raw the rule stands, if there is one
	ruleTo   int
	variants int // how many
	metadata int // bytes that answers carry
	answers  int // bytes of all answers, estimated from above
}

// rule is as it is written in raw; empty for none.
func (def *definition) rule() []byte { return def.raw[def.ruleFrom:def.ruleTo] }

// parts are what a definition says.
type parts struct {
	state          string
	defaultVariant string // empty: the answer is the code's own default
	variants       []variant
	targeting      value
	hasTargeting   bool
	metadata       []section
}

type variant struct {
	name string
	raw  []byte
	kind kind
}

// section is one named entry of a part of the document beside the flags.
type section struct {
	name string
	raw  []byte
	kind kind
}

// readParts reads a definition. What it gives lives in the trees' memory, but for
// strings without escapes, which are views of raw.
func readParts(raw []byte, t *trees) parts {
	var p parts
	t.scan(raw)
	for name := range t.members(0) {
		at := name + 1
		switch t.string(name) {
		case "state":
			p.state = t.string(at)
		case "defaultVariant":
			if t.entries[at].kind() == text {
				p.defaultVariant = t.string(at)
			}
		case "variants":
			p.variants = readVariants(t, at)
		case "targeting":
			p.targeting, p.hasTargeting = t.value(at), true
		case "metadata":
			p.metadata = readSections(t, at)
		}
	}
	return p
}

func readVariants(t *trees, at int32) []variant {
	variants := make([]variant, 0, t.entries[at].count())
	for name := range t.members(at) {
		variants = append(variants, variant{name: t.string(name), raw: t.json(name + 1), kind: t.entries[name+1].kind()})
	}
	return variants
}

func readSections(t *trees, at int32) []section {
	sections := make([]section, 0, t.entries[at].count())
	for name := range t.members(at) {
		sections = append(sections, section{name: t.string(name), raw: t.json(name + 1), kind: t.entries[name+1].kind()})
	}
	return sections
}

// plain is an entry as text: a string's content, any other value's token.
func (s section) plain() string {
	switch s.kind {
	case text:
		inner := s.raw[1 : len(s.raw)-1]
		return string(unescape(make([]byte, 0, len(inner)), inner))
	case null:
		return ""
	default:
		return string(s.raw)
	}
}

// variant finds a variant's position by name, or -1.
func (p *parts) variant(name string) int {
	for i := range p.variants {
		if p.variants[i].name == name {
			return i
		}
	}
	return -1
}

// safeVariant is the position of the declared safe variant, or -1. That none is
// declared does not mean the variant whose name is empty.
func (p *parts) safeVariant() int {
	name := p.contract().SafeVariant
	if name == "" {
		return -1
	}
	return p.variant(name)
}

func (p *parts) variantNames() []string {
	names := make([]string, len(p.variants))
	for i := range p.variants {
		names[i] = p.variants[i].name
	}
	return names
}

// hasRule tells whether there is a rule to run. An empty object is none; null
// is one, which never matches.
func (p *parts) hasRule() bool {
	empty := p.targeting.kind == object && len(p.targeting.items()) == 0
	return p.hasTargeting && !empty
}
