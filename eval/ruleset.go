package eval

import (
	"bytes"
	"fmt"
	"slices"
)

// Ruleset is a document, compiled. It never changes; any number of goroutines
// may use it.
type Ruleset struct {
	flags    []*Flag
	keys     []string // of the flags
	index    textIndex
	segments map[string]segmentRule
	table    *attributes
	warnings []Problem // of segments; those of flags stand with the flags
	metadata []byte
	made     making
	weight   int // in memory, in bytes
	step     step

	published *Ruleset   // what it was before overrides and failing flags came into force; nil: it is that itself
	overrides []Override // that came into force

	oversize *Problem // the flags take more memory than they may, and are left out; else nil
}

// making is what a ruleset was made with beside its flags. Programs can go on
// into a ruleset that was made with the same.
type making struct {
	options   Options
	bucketing string
	paths     int // of the table when it was last begun anew
}

// Options changes what answers look like.
type Options struct {
	AnswerContract bool // answers' metadata carries the contract's entries too
}

// Problem is something wrong with a flag, or with an override of it.
type Problem struct {
	Flag    string // empty where no flag is to blame
	Path    string // such as flags.checkout.defaultVariant
	Rule    string // a name for what is wrong, of those below; empty for an override's
	Message string
}

// What can be wrong with a flag: the first four break it, or all of them.
const (
	RuleNoVariants      = "no-variants"
	RuleDefaultVariant  = "default-variant"
	RuleReference       = "reference"
	RuleMemory          = "memory"
	RuleUnknownOperator = "unknown-operator"
	RuleFractional      = "fractional"
	RuleVersion         = "sem-ver"
)

// Compile never fails: a flag that cannot be compiled is isolated, and listed
// as broken.
func Compile(doc *Document, opts Options) *Ruleset { return CompileAfter(nil, doc, opts) }

// CompileAfter is Compile for a document that comes after another: flags that
// did not change are shared with the earlier ruleset, in memory and in work. It
// answers the same as Compile would. Earlier may be nil.
//
// While it works it needs no more of doc than a copy of what is new in it:
// whoever lets go of doc, and of the bytes that it was read from, has their
// memory back.
func CompileAfter(earlier *Ruleset, doc *Document, opts Options) *Ruleset {
	return compileOwn(earlier, doc.apart(earlier), opts)
}

// CompileWithin is CompileAfter for whoever has little memory. It asks room at
// first and as the flags are made, and tells about how many bytes those take that
// the earlier ruleset does not have, so that others can be let go. Where there is
// none it gives up, and gives nil. Flags are shared with those pasts of the
// earlier ruleset too that room gives, and no other past is kept alive.
func CompileWithin(earlier *Ruleset, doc *Document, opts Options, room Room) *Ruleset {
	g := &growth{room: room}
	if !g.ask(0) {
		return nil
	}
	within := *doc
	within.growth = g
	return compileOwn(earlier, within.apart(earlier), opts)
}

// compileOwn compiles a document whose memory it may keep.
func compileOwn(earlier *Ruleset, doc *Document, opts Options) *Ruleset {
	r := &Ruleset{
		metadata: []byte("{" + mergeMetadata(doc.metadata, nil, opts.AnswerContract) + "}"),
		made:     making{options: opts, bucketing: doc.Bucketing()},
	}
	if !r.follows(earlier) {
		earlier = nil
	}
	if r.compile(doc, earlier) {
		return r
	}
	if doc.growth.refused() {
		return nil
	}
	if earlier != nil {
		return compileOwn(nil, doc, opts) // what earlier flags left behind must not decide
	}
	return &Ruleset{oversize: tooLarge(doc.memory), index: newTextIndex(nil), table: r.table, metadata: r.metadata, made: r.made}
}

// compile makes the programs of all flags, and tells whether they keep to the memory that they may take.
func (r *Ruleset) compile(doc *Document, earlier *Ruleset) bool {
	rules := newCompiler(operators, r.made.bucketing, earlier.attributes())
	c := &flagCompiler{
		rules: rules, refs: newResolver(doc.evaluators), repeated: findRepeated(doc.flags), set: doc.metadata, options: r.made.options,
		weigher: newWeigher(),
	}
	r.segments, r.warnings = c.segments(doc, earlier)
	programs := make([]*program, len(doc.flags))
	shared := make(map[*compiled]struct{})
	total := len(r.metadata) + c.evaluatorWeight
	reused, table := 0, rules.slots.weight
	for i := range doc.flags {
		before := doc.before(&doc.flags[i], earlier)
		p := c.compile(&doc.flags[i], before)
		programs[i] = p
		total += int(p.weight)
		if p == before {
			reused += int(p.weight)
		}
		if _, weighed := shared[p.repeated]; p.repeated != nil && !weighed {
			shared[p.repeated] = struct{}{}
			total += p.repeated.weight
		}
		if total+rules.slots.weight > doc.memory || !doc.growth.tell(total-reused+rules.slots.weight-table, i+1 == len(doc.flags)) {
			return false
		}
	}
	r.seal(programs, rules.slots, earlier)
	r.step = newStep(earlier, r)
	r.weight = total + rules.slots.weight + r.step.weight()
	return true
}

// maxStalePaths is by how many times a table may outgrow itself, through paths
// that earlier flags read, before it is begun anew.
const maxStalePaths = 2

// follows tells whether programs of the earlier ruleset may go on in this one.
func (r *Ruleset) follows(earlier *Ruleset) bool {
	return earlier != nil && earlier.oversize == nil &&
		earlier.made.options == r.made.options &&
		earlier.made.bucketing == r.made.bucketing &&
		bytes.Equal(earlier.metadata, r.metadata) && // which flags inherit
		len(earlier.table.paths) <= maxStalePaths*earlier.made.paths
}

// seal gives the programs their places.
func (r *Ruleset) seal(programs []*program, s *slots, earlier *Ruleset) {
	r.table = s.done()
	r.made.paths = len(r.table.paths)
	if earlier != nil {
		r.made.paths = earlier.made.paths
	}
	flags := make([]Flag, len(programs))
	r.flags, r.keys = make([]*Flag, len(programs)), make([]string, len(programs))
	for i, p := range programs {
		flags[i] = Flag{program: p, table: r.table, index: int32(i)}
		r.flags[i], r.keys[i] = &flags[i], p.key
	}
	r.index = newTextIndex(r.keys)
	for name, s := range r.segments {
		s.table = r.table
		r.segments[name] = s
	}
}

func (r *Ruleset) attributes() *attributes {
	if r == nil {
		return nil
	}
	return r.table
}

// program finds a flag's program, or gives nil.
func (r *Ruleset) program(key string) *program {
	if r == nil {
		return nil
	}
	if i := r.index.find(key, r.keys); i >= 0 {
		return r.flags[i].program
	}
	return nil
}

// segment finds what an evaluator was compiled to, if it was made of the same then; else it gives nil.
func (r *Ruleset) segment(name string, now resolved) *segmentRule {
	if r == nil || now.err != nil {
		return nil
	}
	if s, ok := r.segments[name]; ok && s.err == nil && *s.used == now.used {
		return &s
	}
	return nil
}

// Len is the number of flags.
func (r *Ruleset) Len() int { return len(r.flags) }

// Flags are all flags, sorted by key. They are shared: read only.
func (r *Ruleset) Flags() []*Flag { return r.flags }

// Lookup finds a flag by its key, or gives nil. It allocates nothing.
func (r *Ruleset) Lookup(key []byte) *Flag {
	if i := r.index.find(viewText(key), r.keys); i >= 0 {
		return r.flags[i]
	}
	return nil
}

// Oversize says why the ruleset holds no flags, though the document does: compiled, they take more memory than they may. Else it is nil.
func (r *Ruleset) Oversize() *Problem { return r.oversize }

// maxBroken is how many flags of a hundred may be broken in a document that is served.
const maxBroken = 5

// Unfit says why the ruleset must not be served at all, though its document could be read: its flags take too much memory, or too many of
// them are broken for the document to be what somebody meant. Else it is nil.
func (r *Ruleset) Unfit() *Unfit {
	if r.oversize != nil {
		return &Unfit{Problem: *r.oversize}
	}
	if broken := r.Broken(); len(broken)*100 > r.Len()*maxBroken {
		return &Unfit{broken[0], len(broken)}
	}
	return nil
}

// Unfit is an error that names the first problem of a ruleset that must not be served.
type Unfit struct {
	Problem
	Broken int // flags; 0 where they take too much memory
}

func (u *Unfit) Error() string {
	if u.Broken == 0 {
		return u.Path + ": " + u.Message
	}
	return fmt.Sprintf("%d broken flags, more than %d of a hundred; the first: %s: %s", u.Broken, maxBroken, u.Path, u.Message)
}

// Broken lists the flags that could not be compiled, and why.
func (r *Ruleset) Broken() []Problem {
	var broken []Problem
	if r.oversize != nil {
		broken = append(broken, *r.oversize)
	}
	for _, f := range r.flags {
		if f.problem != nil {
			broken = append(broken, *f.problem)
		}
	}
	return broken
}

// Warnings lists what is served as flagd would, though hardly anyone means it:
// unknown operators, splits and versions that never match.
func (r *Ruleset) Warnings() []Problem {
	warnings := slices.Clone(r.warnings)
	for _, f := range r.flags {
		for _, w := range f.notes.warnings {
			w.Flag = f.key
			warnings = append(warnings, w)
		}
	}
	return warnings
}

// Metadata is the flag set's own metadata as a JSON object, for bulk answers.
func (r *Ruleset) Metadata() []byte { return r.metadata }
