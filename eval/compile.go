package eval

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// compileFunc compiles one operator with the arguments as they stand in the rule.
type compileFunc func(c *compiler, args value, s scope) expr

// compiler turns rules into programs. One compiler serves a whole ruleset, so
// that attributes get one numbering and an evaluator is compiled once.
type compiler struct {
	operators map[string]compileFunc
	slots     *slots
	reads     map[int32]*attributeExpr // by slot: programs share them
	bucketing string                   // the generation of fractional
	shared    map[*box]*unit           // evaluators, by the tree they were resolved to
	variants  *textSet                 // of the flag being compiled; none in an evaluator, which several flags share
	notes     notes                    // of the rule being compiled
	paths     map[pathKey]expr         // of its vars, where they are computed
	path      []string                 // where in the rule, for warnings
	scratch   Context                  // to compute constants with
}

// unit is an evaluator's program and what it says about the rules that use it.
type unit struct {
	name  string
	tree  value
	code  expr
	notes notes
}

// notes are what the caller learns about a rule beside its program.
type notes struct {
	bucketsBy []string // attributes that bucketing reads
	warnings  []Problem
}

// Most rules have one of these, so programs share them.
var (
	noNotes        = &notes{}
	byTargetingKey = &notes{bucketsBy: []string{targetingKey}}
)

// lean gives the notes in as little memory as they need.
func (n notes) lean() *notes {
	switch {
	case len(n.warnings) > 0:
		return &n
	case len(n.bucketsBy) == 0:
		return noNotes
	case len(n.bucketsBy) == 1 && n.bucketsBy[0] == targetingKey:
		return byTargetingKey
	default:
		return &n
	}
}

func (n *notes) add(other notes) {
	n.bucketsBy = append(n.bucketsBy, other.bucketsBy...)
}

// scope says where a var looks.
//
// The library substitutes in filter, all, none and some: before the body runs,
// each var in it that has a value in the substituted frames is replaced by that
// value, outermost first; only the rest are read from the elements.
type scope struct {
	frame  int   // the data: rootFrame, or the depth of the loop
	solved []int // frames that are asked before
}

var rootScope = scope{frame: rootFrame}

// inside is the scope of a loop's body.
func (s scope) inside(solved ...int) scope {
	return scope{frame: s.frame + 1, solved: append(s.solved[:len(s.solved):len(s.solved)], solved...)}
}

// newCompiler goes on from an earlier ruleset's attributes, which may be nil.
func newCompiler(operators map[string]compileFunc, bucketing string, earlier *attributes) *compiler {
	return &compiler{operators: operators, slots: newSlots(earlier), bucketing: bucketing, shared: make(map[*box]*unit), reads: make(map[int32]*attributeExpr)}
}

// rule compiles a whole rule and gives what is to be known about it. Strings in
// it that name one of the variants carry a hint which.
func (c *compiler) rule(tree value, at string, variants *textSet) (expr, *notes) {
	code, found := c.apart(at, variants, func() expr { return c.compile(tree, rootScope) })
	return code, found.lean()
}

// apart compiles something with variants, notes, and a place, of its own.
func (c *compiler) apart(at string, variants *textSet, compile func() expr) (expr, notes) {
	outer := *c
	c.variants, c.notes, c.paths, c.path = variants, notes{}, make(map[pathKey]expr), []string{at}
	code := compile()
	found := c.notes
	c.variants, c.notes, c.paths, c.path = outer.variants, outer.notes, outer.paths, outer.path
	return code, found
}

// share makes known an evaluator, to be compiled when it is first met.
// Of an earlier ruleset's, which may be nil, it takes the program.
func (c *compiler) share(name string, tree value, earlier *segmentRule) {
	if tree.box == nil {
		return
	}
	u := &unit{name: name, tree: tree}
	if earlier != nil {
		u.code, u.notes = earlier.code, earlier.notes
	}
	c.shared[tree.box] = u
}

// evaluator gives an evaluator's program, and what is to be known about it.
func (c *compiler) evaluator(name string, tree value) (expr, notes) {
	if u := c.shared[tree.box]; u != nil && tree.box != nil {
		return c.use(u), u.notes
	}
	return c.apart(JoinPath("$evaluators", name), nil, func() expr { return c.compile(tree, rootScope) })
}

// compile compiles any value of a rule.
func (c *compiler) compile(v value, s scope) expr {
	if u := c.shared[v.box]; u != nil && v.box != nil && s.frame == rootFrame {
		return c.use(u)
	}
	return c.compileHere(v, s)
}

// use gives an evaluator's program, compiling it on first use. Its warnings are not the user's.
func (c *compiler) use(u *unit) expr {
	if u.code == nil {
		u.code, u.notes = c.apart(JoinPath("$evaluators", u.name), nil, func() expr { return c.compileHere(u.tree, rootScope) })
	}
	c.notes.add(u.notes)
	return u.code
}

func (c *compiler) compileHere(v value, s scope) expr {
	switch {
	case v.kind == list:
		return c.compileList(v, s)
	case v.isRule():
		return c.compileOperator(v.box.names[0], v.box.items[0], s)
	case v.kind == object:
		return c.compileData(v, s)
	case v.kind == text:
		if c.variants != nil {
			v.hint = uint16(c.variants.position(v.str) + 1)
		}
		return constant{v}
	default:
		return constant{v}
	}
}

// keep makes a constant of a value that stands in the rule's tree, which is gone once the rule is compiled.
func keep(v value) constant { return constant{v.kept()} }

// compileList compiles the elements; a list without anything to compute is constant.
func (c *compiler) compileList(v value, s scope) expr {
	return listOf(c.compileItems(v, s))
}

// listOf is the list of what some programs come to.
func listOf(items []expr) expr {
	values := make([]value, len(items))
	for i, item := range items {
		known, ok := item.(constant)
		if !ok {
			return listExpr(items)
		}
		values[i] = known.value
	}
	return constant{listValue(values)}
}

// compileItems compiles each element of a list in the rule.
func (c *compiler) compileItems(v value, s scope) []expr {
	items := make([]expr, len(v.items()))
	for i, item := range v.items() {
		c.path = append(c.path, fmt.Sprintf("[%d]", i))
		items[i] = c.compile(item, s)
		c.path = c.path[:len(c.path)-1]
	}
	return items
}

// compileArguments compiles an operator's arguments: items where they stand in
// the rule as a list, and all as the one value they come to.
func (c *compiler) compileArguments(args value, s scope) (items []expr, all expr) {
	if args.kind != list {
		return nil, c.compile(args, s)
	}
	items = c.compileItems(args, s)
	return items, listOf(items)
}

func (c *compiler) compileOperator(name string, args value, s scope) expr {
	op, known := c.operators[name]
	if !known {
		if len(c.notes.warnings) < maxWarnings { // a rule may have a thousand of them, and this takes its time
			c.path = append(c.path, JoinPath("x", shorten(name))[1:])
			c.warn(RuleUnknownOperator, fmt.Sprintf("unknown operator %q; known operators: %q", shorten(name), slices.Sorted(maps.Keys(c.operators))))
			c.path = c.path[:len(c.path)-1]
		}
		return faultExpr{fmt.Sprintf("unknown operator %q", shorten(name))}
	}
	c.path = append(c.path, "."+name)
	code := op(c, args, s)
	c.path = c.path[:len(c.path)-1]
	return code
}

// maxWarnings keeps a rule of many mistakes from taking memory for each: one takes more of it than what it is about.
const maxWarnings = 10

// warn notes what flagd would serve, though hardly anyone means it.
func (c *compiler) warn(rule, message string) {
	if len(c.notes.warnings) == maxWarnings {
		return
	}
	c.notes.warnings = append(c.notes.warnings, Problem{Path: strings.Join(c.path, ""), Rule: rule, Message: message})
}

// fold computes what is known at compile. What fails stays as it is, to fail
// when it is reached.
func (c *compiler) fold(whole expr, parts ...expr) expr {
	for _, part := range parts {
		if _, known := part.(constant); !known {
			return whole
		}
	}
	v := c.scratch.evaluate(nil, whole, 0)
	if c.scratch.recall() {
		return whole
	}
	return constant{v.clone()}
}
