package flagd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// flagsPerDocument and contextsPerDocument make loading a small part of the work.
const (
	flagsPerDocument    = 20
	contextsPerDocument = 20
)

// caseDocument is a generated document in parts, so that a flag can be left out.
type caseDocument struct {
	evaluators string // as JSON, or empty
	metadata   string // as JSON, or empty
	flags      []caseFlag
	asList     bool
}

type caseFlag struct {
	key       string
	members   []string
	operators []string // that its rule uses, those behind references too
	broken    bool     // flagd refuses the whole document for it
}

// text is the document as JSON.
func (d *caseDocument) text() string {
	var members []string
	if d.metadata != "" {
		members = append(members, `"metadata":`+d.metadata)
	}
	if d.evaluators != "" {
		members = append(members, `"$evaluators":`+d.evaluators)
	}
	return "{" + strings.Join(append(members, `"flags":`+d.flagsText()), ",") + "}"
}

func (d *caseDocument) flagsText() string {
	texts := make([]string, len(d.flags))
	for i, f := range d.flags {
		if d.asList {
			texts[i] = "{" + strings.Join(append([]string{`"key":"` + f.key + `"`}, f.members...), ",") + "}"
		} else {
			texts[i] = `"` + f.key + `":{` + strings.Join(f.members, ",") + "}"
		}
	}
	if d.asList {
		return "[" + strings.Join(texts, ",") + "]"
	}
	return "{" + strings.Join(texts, ",") + "}"
}

// has tells whether the flag's text has this in it.
func (f *caseFlag) has(part string) bool {
	return slices.ContainsFunc(f.members, func(m string) bool { return strings.Contains(m, part) })
}

// usesOneOf tells whether the flag's rule has one of the operators.
func (f *caseFlag) usesOneOf(names ...string) bool {
	return slices.ContainsFunc(f.operators, func(name string) bool { return slices.Contains(names, name) })
}

// without gives the document without its broken flags.
func (d caseDocument) without() *caseDocument {
	var kept []caseFlag
	for _, f := range d.flags {
		if !f.broken {
			kept = append(kept, f)
		}
	}
	d.flags = kept
	return &d
}

// alone is the document with one of its flags, for messages.
func (d caseDocument) alone(f *caseFlag) *caseDocument {
	d.flags = []caseFlag{*f}
	return &d
}

func (g *generator) document() *caseDocument {
	d := &caseDocument{asList: g.chance(10)}
	if g.chance(40) {
		d.metadata = g.metadata()
	}
	var behind []string
	if g.chance(60) {
		d.evaluators = g.makeEvaluators()
		behind = slices.Collect(maps.Keys(g.takeUsed()))
	}
	for i := range flagsPerDocument {
		f := g.flag(i)
		if f.has(`"$ref"`) {
			f.operators = slices.Compact(slices.Sorted(slices.Values(append(f.operators, behind...))))
		}
		d.flags = append(d.flags, f)
	}
	return d
}

// takeUsed gives the operators noted since it was last called.
func (g *generator) takeUsed() map[string]bool {
	used := g.used
	g.used = make(map[string]bool)
	return used
}

func (g *generator) makeEvaluators() string {
	names := []string{"e0", "e1", "e2", "é3"}
	var members []string
	if g.chance(3) {
		names = append(names, awkwardEvaluator)
	}
	for _, name := range names {
		members = append(members, `"`+name+`":`+g.evaluator())
		if g.chance(10) {
			g.evaluators = append(g.evaluators, name) // so that the next refer to it
		}
	}
	g.evaluators = names
	if g.chance(3) {
		g.evaluators = append(g.evaluators, "nowhere")
	}
	return g.object(members)
}

// awkwardEvaluator is a name that flagd's encoder escapes.
const awkwardEvaluator = "a&b"

// evaluator is never shorter than three bytes, which flagd calls empty.
func (g *generator) evaluator() string {
	return g.weighted(
		func() string { return g.compared(2) },
		func() string { return g.compared(2) },
		func() string { return g.operator("cat", g.text(1), g.text(1)) },
		func() string { return `"h1"` },
		func() string { return `["a", "b","c"]` },
		func() string { return `true` },
	)
}

func (g *generator) flag(i int) caseFlag {
	f := caseFlag{key: fmt.Sprintf("flag-%d", i)}
	g.takeUsed()
	if g.chance(1) {
		return g.bareFlag(f.key)
	}
	variants, names := g.variants()
	f.add("state", g.state())
	f.add("variants", variants)
	byDefault, broken := g.defaultVariant(names)
	f.add("defaultVariant", byDefault)
	f.broken = broken
	f.add("targeting", g.targeting())
	f.add("metadata", g.flagMetadata())
	if g.chance(3) {
		f.add("description", g.anyLiteral(1))
	}
	g.Shuffle(len(f.members), func(i, j int) { f.members[i], f.members[j] = f.members[j], f.members[i] })
	f.operators = slices.Collect(maps.Keys(g.takeUsed()))
	return f
}

// bareFlag has no variants, which flagd does not mind.
func (g *generator) bareFlag(key string) caseFlag {
	f := caseFlag{key: key}
	f.add("state", g.state())
	f.add("variants", g.oneOf("", "{}"))
	f.add("targeting", g.targeting())
	f.operators = slices.Collect(maps.Keys(g.takeUsed()))
	return f
}

// add appends a member, or nothing where there is no value.
func (f *caseFlag) add(name, value string) {
	if value != "" {
		f.members = append(f.members, `"`+name+`":`+value)
	}
}

func (g *generator) state() string {
	if g.chance(88) {
		return `"ENABLED"`
	}
	return g.oneOf(`"DISABLED"`, `"DISABLED"`, "", `""`, `"disabled"`, `"DISABLED "`, `"odd"`, `"\u0044ISABLED"`)
}

// variantNames are those that rules can come to: hashed text, truths, numbers as
// they print, and what is awkward to compare.
var (
	hashNames   = []string{"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7", "h8", "h9", "h10", "h11", "h12", "h13", "h14", "h15"}
	numberNames = []string{"-0", "0.000001", "0.0000001", "1e-6", "1e-7", "1e-07", "100000000000000000000", "1e+20", "1000000000000000000000", "1e+21", "1e21", "5e-324", "1e+308"}
	oddNames    = []string{"0", "1", "2", "-1", "1.5", "3", "4", "5", "9", "100", "2147483648", "9007199254740992", "", " a ", "é", "😀", "a b", "null", "a", "b", "c", "yes", "x", "gold", "true", "false", "{}", "[]", "<nil>", "\\\\", "\\u2028", "日本"}
)

func (g *generator) variants() (object string, names []string) {
	names = append(names, "true", "false", "on", "off")
	names = append(names, hashNames...)
	if g.chance(15) {
		names = append(names, numberNames...)
	}
	for range g.IntN(10) {
		names = append(names, g.oneOf(oddNames...))
	}
	seen := make(map[string]bool)
	var members []string
	mixed := g.chance(30)
	for i, name := range names {
		if !seen[name] {
			seen[name] = true
			members = append(members, `"`+name+`":`+g.variantValue(i, mixed))
		}
	}
	return g.object(members), names
}

func (g *generator) object(members []string) string { return "{" + strings.Join(members, ",") + "}" }

func (g *generator) variantValue(i int, mixed bool) string {
	if mixed {
		return g.anyOrReference()
	}
	return fmt.Sprint(i)
}

func (g *generator) defaultVariant(names []string) (value string, broken bool) {
	switch g.IntN(40) {
	case 0, 1, 2, 3:
		return "", false
	case 4, 5, 6:
		return "null", false
	case 7:
		return `""`, false
	case 8:
		return `"nowhere"`, true
	default:
		return `"` + g.oneOf(names...) + `"`, false
	}
}

func (g *generator) metadata() string {
	return "{" + g.distinct([]string{"flagSetId", "version", "owner", "a", "é", "n", "bucketing", "burgee.x"}, func(name string) string {
		switch {
		case name == "bucketing":
			return `"v2"`
		case name == "flagSetId" && g.chance(98):
			return `"set-` + g.index() + `"`
		case name == "flagSetId":
			return `""`
		default:
			return g.metadataValue()
		}
	}) + "}"
}

func (g *generator) flagMetadata() string {
	if g.chance(55) {
		return ""
	}
	return "{" + g.distinct([]string{"version", "owner", "a", "é", "tier", "kind", "subject", "burgee.x"}, func(name string) string {
		if name == "subject" {
			return g.oneOf(`"targetingKey"`, `"targetingKey"`, `"s"`, `"o.a"`, `"nowhere"`, `""`, "null", "null", "null", "null")
		}
		return g.metadataValue()
	}) + "}"
}

func (g *generator) metadataValue() string {
	return g.weighted(g.textLiteral, g.numberLiteral, g.boolLiteral, g.null, g.anyOrReference)
}

// anyOrReference is data, seldom of the form of a reference.
func (g *generator) anyOrReference() string {
	if g.IntN(300) == 0 {
		return `{"x":1,"r":{"$ref":"` + g.oneOf("e0", "e1", "nowhere") + `"}}`
	}
	return g.anyLiteral(2)
}

// distinct makes members of some of the names, each once.
func (g *generator) distinct(names []string, value func(name string) string) string {
	var members []string
	for _, name := range names {
		if g.chance(50) {
			members = append(members, `"`+name+`":`+value(name))
		}
	}
	return strings.Join(members, ",")
}
