package eval

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Document is a flag-definition document that was read strictly. It never changes.
type Document struct {
	flags      []definition // by key
	evaluators []section
	metadata   []section

	memory int     // that the flags may take once they are compiled
	growth *growth // who is told what they take; nil for nobody

	referring []definition    // the flags whose rules may refer to evaluators
	listed    map[string]bool // keys of flags that stand in a list
}

// Parse reads a flagd flag-definition document strictly and within limits. What
// it refuses, it refuses as a *ParseError. It keeps references into doc.
func Parse(doc []byte, limits Limits) (*Document, error) {
	if err := refuseOverlong(doc, limits.String); err != nil {
		return nil, err
	}
	r := newReader(doc, limits)
	d := &Document{memory: limits.Memory}
	if err := d.read(r); err != nil {
		return nil, err
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := d.check(limits); err != nil {
		return nil, err
	}
	d.referring, d.listed = nil, nil
	slices.SortFunc(d.flags, func(a, b definition) int { return cmp.Compare(a.key, b.key) })
	return d, nil
}

func (d *Document) read(r *reader) error {
	hasFlags := false
	err := r.object(r.limits.List, "members of one object", func(name string) error {
		switch name {
		case "flags":
			hasFlags = true
			return d.readFlags(r)
		case "$evaluators":
			return d.readEvaluators(r)
		case "metadata":
			return d.readMetadata(r)
		}
		r.values = math.MinInt // nothing of it is kept
		return r.skip()
	})
	if err == nil && !hasFlags {
		return &ParseError{Path: "flags", Message: "missing", Hint: `a document has at least {"flags": {}}`}
	}
	return err
}

func (d *Document) readEvaluators(r *reader) error {
	r.values = 0
	return r.object(r.limits.List, "evaluators", func(name string) error {
		s, err := r.section(name, func() error { _, err := r.rule(); return err })
		if err != nil {
			return err
		}
		if s.empty() {
			return r.refuse("an evaluator must not be empty", "remove it, or give it a rule")
		}
		d.evaluators = append(d.evaluators, s)
		return nil
	})
}

// empty tells whether a string, a list or an object holds nothing.
func (s section) empty() bool {
	inner := s.raw[1:max(len(s.raw)-1, 1)]
	return s.kind == text && len(inner) == 0 || s.kind > text && isBlank(inner)
}

func (d *Document) readMetadata(r *reader) error {
	r.values = 0
	return r.object(r.limits.List, "metadata entries", func(name string) error {
		s, err := r.section(name, r.skip)
		d.metadata = append(d.metadata, s)
		return err
	})
}

// check holds what can be seen only once the whole document was read, since
// evaluators may stand after the flags that use them.
func (d *Document) check(limits Limits) error {
	if err := d.checkBucketing(); err != nil {
		return err
	}
	if err := d.checkAnswers(limits); err != nil {
		return err
	}
	return d.checkRules(limits)
}

// answerFrame is more than what an answer has beside key, value, variant and metadata.
const answerFrame = 128

// checkAnswers bounds what is rendered beforehand: metadata stands in every
// answer of every flag, so that a small document may ask for gigabytes.
func (d *Document) checkAnswers(limits Limits) error {
	set, total := 0, 0
	for _, entry := range d.metadata {
		set += entry.answered()
	}
	for i := range d.flags {
		def := &d.flags[i]
		answers := def.variants + 2 // the default one, and what all have in common
		def.answers = answers*(quotedSize(def.key)+def.metadata+set+answerFrame) + 2*len(def.raw)
		total += def.answers
	}
	if total <= limits.Answers {
		return nil
	}
	return &ParseError{
		Path:    "metadata",
		Message: fmt.Sprintf("answers of all flags, %d bytes: more than the limit of %d", total, limits.Answers),
		Hint:    "metadata stands in every answer of every flag: shorten it, that of the document first",
		Limit:   true,
	}
}

func (d *Document) checkBucketing() error {
	got := d.Bucketing()
	if generations[got] != nil {
		return nil
	}
	return &ParseError{
		Path:    "metadata.bucketing",
		Message: fmt.Sprintf("unknown bucketing %q; known: %q", shorten(got), generationNames()),
		Hint:    "a sidecar that guessed would move users to other variants: upgrade it, or publish with a known one",
	}
}

// Bucketing is the generation of fractional that the document asks for: "v2" or "v3".
func (d *Document) Bucketing() string {
	for _, entry := range d.metadata {
		if entry.name == "bucketing" {
			if entry.kind == null {
				return "null"
			}
			return entry.plain()
		}
	}
	return defaultGeneration
}

// Entry is a named part of the document, as it is written.
type Entry struct {
	Name string
	Raw  []byte
}

// Evaluators are the entries of $evaluators, in the order of the document.
func (d *Document) Evaluators() []Entry { return entries(d.evaluators) }

// Metadata are the entries of the document's own metadata, in its order.
func (d *Document) Metadata() []Entry { return entries(d.metadata) }

func entries(sections []section) []Entry {
	all := make([]Entry, len(sections))
	for i, s := range sections {
		all[i] = Entry{s.name, s.raw}
	}
	return all
}

// Flags is the number of flags.
func (d *Document) Flags() int { return len(d.flags) }

// Keys are the keys of all flags, sorted.
func (d *Document) Keys() []string {
	keys := make([]string, len(d.flags))
	for i := range d.flags {
		keys[i] = d.flags[i].key
	}
	return keys
}

// Has tells whether there is such a flag. A nil document has none.
func (d *Document) Has(key string) bool { return d != nil && d.find(key) != nil }

// Variants are the names of the flag's variants, sorted; none where there is no such flag.
func (d *Document) Variants(key string) []string {
	names := []string{}
	if def := d.find(key); def != nil {
		for _, v := range readParts(def.raw, new(trees)).variants {
			names = append(names, strings.Clone(v.name))
		}
	}
	slices.Sort(names)
	return names
}

// Definition is the flag's own JSON as written.
func (d *Document) Definition(key string) (raw []byte, ok bool) {
	def := d.find(key)
	if def == nil {
		return nil, false
	}
	return def.raw, true
}

// Type is what the flag's variants have in common: boolean, string, number,
// object (lists too), or mixed. Nulls have no say.
func (d *Document) Type(key string) string {
	def := d.find(key)
	if def == nil {
		return MixedType
	}
	p := readParts(def.raw, new(trees))
	common := ""
	for _, v := range p.variants {
		switch name := typeName(v.kind); {
		case v.kind == null || name == common:
		case common == "":
			common = name
		default:
			return MixedType
		}
	}
	if common == "" {
		return MixedType
	}
	return common
}

// MixedType is the type of a flag whose variants have none in common.
const MixedType = "mixed"

func typeName(k kind) string {
	switch k {
	case boolean, number, text:
		return strings.TrimPrefix(k.String(), "a ")
	default:
		return "object"
	}
}

func (d *Document) find(key string) *definition {
	i, found := slices.BinarySearchFunc(d.flags, key, func(def definition, key string) int { return cmp.Compare(def.key, key) })
	if !found {
		return nil
	}
	return &d.flags[i]
}
