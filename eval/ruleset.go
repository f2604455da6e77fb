package eval

import (
	"cmp"
	"slices"
)

// Ruleset is a document, compiled. It never changes; any number of goroutines
// may use it.
type Ruleset struct {
	flags    []*Flag
	index    map[string]int // shared by rulesets that differ in overrides only
	segments map[string]segmentRule
	table    *attributes
	broken   []Problem
	warnings []Problem
	metadata []byte
}

// Options changes what answers look like.
type Options struct {
	AnswerContract bool // answers' metadata carries the contract's entries too
}

// Problem is something wrong with a flag, or with an override of it.
type Problem struct {
	Flag    string // empty where no flag is to blame
	Path    string // such as flags.checkout.defaultVariant
	Message string
}

// Compile never fails: a flag that cannot be compiled is isolated, and listed
// as broken.
func Compile(doc *Document, opts Options) *Ruleset {
	rules := newCompiler(operators, doc.bucketing())
	rules.attributes.slot("targetingKey", splitPath("targetingKey")) // targetingKeySlot
	c := &flagCompiler{rules: rules, refs: newResolver(doc.evaluators), set: doc.metadata, options: opts}
	r := &Ruleset{
		index:    make(map[string]int, len(doc.flags)),
		table:    rules.attributes,
		metadata: []byte("{" + mergeMetadata(doc.metadata, nil, opts.AnswerContract) + "}"),
	}
	r.segments, r.warnings = c.segments(doc)
	for _, def := range sorted(doc) {
		r.add(c.compile(def))
	}
	return r
}

// sorted gives the definitions in the order of their keys.
func sorted(doc *Document) []*definition {
	defs := make([]*definition, len(doc.flags))
	for i := range doc.flags {
		defs[i] = &doc.flags[i]
	}
	slices.SortFunc(defs, func(a, b *definition) int { return cmp.Compare(a.key, b.key) })
	return defs
}

func (r *Ruleset) add(f *Flag, problem *Problem) {
	f.index = len(r.flags)
	r.index[f.key] = f.index
	r.flags = append(r.flags, f)
	if problem != nil {
		r.broken = append(r.broken, *problem)
	}
	for _, w := range f.notes.warnings {
		w.Flag = f.key
		r.warnings = append(r.warnings, w)
	}
}

// Len is the number of flags.
func (r *Ruleset) Len() int { return len(r.flags) }

// Flags are all flags, sorted by key. They are shared: read only.
func (r *Ruleset) Flags() []*Flag { return r.flags }

// Lookup finds a flag by its key, or gives nil. It allocates nothing.
func (r *Ruleset) Lookup(key []byte) *Flag {
	if i, ok := r.index[string(key)]; ok {
		return r.flags[i]
	}
	return nil
}

// Broken lists the flags that could not be compiled, and why.
func (r *Ruleset) Broken() []Problem { return r.broken }

// Warnings lists what is served as flagd would, though hardly anyone means it:
// unknown operators, splits and versions that never match.
func (r *Ruleset) Warnings() []Problem { return r.warnings }

// Metadata is the flag set's own metadata as a JSON object, for bulk answers.
func (r *Ruleset) Metadata() []byte { return r.metadata }

// ReadsTime tells whether some flag's answer may depend on $flagd.timestamp.
func (r *Ruleset) ReadsTime() bool {
	return slices.ContainsFunc(r.flags, (*Flag).ReadsTime)
}
