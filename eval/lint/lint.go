// Package lint finds what is wrong with flags before anybody publishes them: what breaks the contract that every flag carries, and rules
// that can hardly be meant.
//
// It reads documents that eval has parsed, compiles them with the sidecar's own code, and knows no file, no store and no clock: the caller
// hands in the day, and finds out where in a file a path leads.
package lint

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/burgeehq/burgee/eval"
)

// Finding is one thing that is wrong.
type Finding struct {
	Rule     string // of Rules
	Severity Severity
	Path     string // such as flags.checkout.metadata.owner, made with eval.JoinPath
	Message  string // with the value that is wrong
	Hint     string // the way out, where there is one to name
}

// Severity tells whether flags can be published as they are.
type Severity string

// Flags with an error are not published; a warning is printed.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Contract is how much the contract counts.
type Contract string

// The zero value is Require.
const (
	Require Contract = "require" // what breaks it is an error
	Warn    Contract = "warn"    // is a warning
	Off     Contract = "off"     // is not looked for
)

// Options say what flags are held to.
type Options struct {
	Day      time.Time // ends of flags are judged as of then
	Contract Contract
	// Alike lists which of the known words a word may stand for, best first, for hints. Nil lists none.
	Alike func(word string, known []string) []string
}

// Check lists whatever is wrong with a document, in the order of its paths. It never panics, whatever Parse let pass.
func Check(doc *eval.Document, options Options) []Finding {
	c := newChecker(doc, options)
	if doc.Flags() == 0 {
		c.report("no-flags", root.in("flags"), "there are none", "")
	}
	c.checkMetadata(root.in("metadata"), entryNodes(doc.Metadata()))
	for _, e := range c.evaluators {
		c.checkEvaluator(e)
	}
	for _, key := range doc.Keys() {
		c.checkFlag(key)
	}
	c.checkSpelling()
	c.checkCompiled()
	slices.SortFunc(c.found, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(c.found)
}

// checker holds what checks of one document share.
type checker struct {
	Options
	doc        *eval.Document
	evaluators []*evaluator
	byName     map[string]*evaluator
	spellings  spellings
	references bool // one was found that leads nowhere
	quiet      int  // above 0 where what is looked at is reported elsewhere
	found      []Finding
}

func newChecker(doc *eval.Document, options Options) *checker {
	c := &checker{Options: options, doc: doc, byName: map[string]*evaluator{}, spellings: spellings{}}
	for _, e := range doc.Evaluators() {
		known := &evaluator{name: e.Name, at: root.in("$evaluators").in(e.Name), tree: parse(e.Raw)}
		c.evaluators, c.byName[e.Name] = append(c.evaluators, known), known
	}
	return c
}

// report notes a finding, as serious as its rule is.
func (c *checker) report(rule string, at *place, message, hint string) {
	c.note(rule, at.String(), message, hint)
}

func (c *checker) note(rule, path, message, hint string) {
	if c.quiet > 0 {
		return
	}
	known := ruleByName[rule]
	severity := known.Severity
	if known.Contract {
		switch c.Contract {
		case Off:
			return
		case Warn:
			severity = Warning
		}
	}
	c.found = append(c.found, Finding{rule, severity, path, message, hint})
}

// silently looks at something that is reported elsewhere, or not at all.
func (c *checker) silently(look func()) {
	c.quiet++
	look()
	c.quiet--
}

// checkCompiled adds what the compiler of sidecars finds. References it tells of the flag alone; where they stand was found before.
func (c *checker) checkCompiled() {
	rules := eval.Compile(c.doc, eval.Options{})
	for _, p := range append(rules.Broken(), rules.Warnings()...) {
		switch {
		case p.Rule == eval.RuleReference && c.references:
		case p.Rule == eval.RuleUnknownOperator:
			c.note(p.Rule, p.Path, p.Message, c.operatorHint(p.Path))
		default:
			c.note(p.Rule, p.Path, p.Message, "")
		}
	}
}

// operatorHint is the way out of an operator that nobody knows, which is the last step of the path.
func (c *checker) operatorHint(path string) string {
	if alike := c.alike(path[strings.LastIndexByte(path, '.')+1:], operators); len(alike) > 0 {
		return "did you mean " + strings.Join(alike, " or ") + "?"
	}
	return "sidecars serve the flag until they come to it; then the answer is PARSE_ERROR"
}
