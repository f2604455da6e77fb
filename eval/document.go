package eval

import (
	"fmt"
	"slices"
	"strings"
)

// Document is a flag-definition document that was read strictly. It never changes.
type Document struct {
	flags      []definition // as written
	index      map[string]int
	evaluators []section
	metadata   []section
}

// section is one named entry of a part of the document beside the flags.
type section struct {
	name string
	raw  []byte
	tree value
}

// Parse reads a flagd flag-definition document strictly and within limits. What
// it refuses, it refuses as a *ParseError. It keeps references into doc.
func Parse(doc []byte, limits Limits) (*Document, error) {
	r := newReader(doc, limits)
	d := &Document{index: make(map[string]int)}
	if err := d.read(r); err != nil {
		return nil, err
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	if err := d.check(limits); err != nil {
		return nil, err
	}
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
			var err error
			d.metadata, err = readMetadata(r)
			return err
		}
		_, err := r.value() // not ours to understand, yet within the limits
		return err
	})
	if err == nil && !hasFlags {
		return &ParseError{Path: "flags", Message: "missing", Hint: `a document has at least {"flags": {}}`}
	}
	return err
}

func (d *Document) readEvaluators(r *reader) error {
	return r.object(r.limits.List, "evaluators", func(name string) error {
		s, err := readSection(r, name, r.rule)
		if err != nil {
			return err
		}
		if empty := s.tree.kind >= text && !s.tree.truthy(); empty {
			return r.refuse("an evaluator must not be empty", "remove it, or give it a rule")
		}
		d.evaluators = append(d.evaluators, s)
		return nil
	})
}

func readMetadata(r *reader) ([]section, error) {
	var entries []section
	err := r.object(r.limits.List, "metadata entries", func(name string) error {
		s, err := readSection(r, name, r.value)
		entries = append(entries, s)
		return err
	})
	return entries, err
}

func readSection(r *reader, name string, read func() (value, error)) (section, error) {
	start := r.start()
	tree, err := read()
	if err != nil {
		return section{}, err
	}
	return section{name: name, raw: r.doc[start:r.dec.InputOffset()], tree: tree}, nil
}

// check holds what can be seen only once the whole document was read, since
// evaluators may stand after the flags that use them.
func (d *Document) check(limits Limits) error {
	if err := d.checkBucketing(); err != nil {
		return err
	}
	return d.checkRules(limits)
}

func (d *Document) checkBucketing() error {
	got := d.bucketing()
	if generations[got] != nil {
		return nil
	}
	return &ParseError{
		Path:    "metadata.bucketing",
		Message: fmt.Sprintf("unknown bucketing %q; known: %q", shorten(got), generationNames()),
		Hint:    "a sidecar that guessed would move users to other variants: upgrade it, or publish with a known one",
	}
}

// bucketing is the generation of fractional that the document asks for.
func (d *Document) bucketing() string {
	for _, entry := range d.metadata {
		if entry.name != "bucketing" {
			continue
		}
		if entry.tree.kind == text {
			return entry.tree.str
		}
		return string(entry.raw)
	}
	return defaultGeneration
}

// Flags is the number of flags.
func (d *Document) Flags() int { return len(d.flags) }

// Keys are the keys of all flags, sorted.
func (d *Document) Keys() []string {
	keys := make([]string, len(d.flags))
	for i := range d.flags {
		keys[i] = d.flags[i].key
	}
	slices.Sort(keys)
	return keys
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
	common := ""
	for _, v := range d.find(key).variantsOrNone() {
		switch name := typeName(v.kind); {
		case v.kind == null || name == common:
		case common == "":
			common = name
		default:
			return "mixed"
		}
	}
	if common == "" {
		return "mixed"
	}
	return common
}

func typeName(k kind) string {
	switch k {
	case boolean, number, text:
		return strings.TrimPrefix(k.String(), "a ")
	default:
		return "object"
	}
}

func (d *Document) find(key string) *definition {
	if i, ok := d.index[key]; ok {
		return &d.flags[i]
	}
	return nil
}
