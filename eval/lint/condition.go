package lint

import (
	"fmt"
	"slices"

	"github.com/burgeehq/burgee/eval"
)

// outcomeOfIf goes through the conditions of an if, and looks at each.
func (c *checker) outcomeOfIf(args *node, at *place) *outcome {
	out := &outcome{}
	if !args.isList() {
		return out // it fails whenever it is reached
	}
	items := args.items
	before := chain{}
	i := 0
	for ; i+1 < len(items); i += 2 {
		rest := len(items) - i - 2
		to := c.condition(items[i], at.at(i), rest)
		c.checkRepeated(items[i], at.at(i), before)
		branch := c.outcomeOf(items[i+1], at.at(i+1))
		if to.mayHold() {
			out.or(branch)
		}
		if !to.mayFail() {
			c.silently(func() { c.outcomesOf(items[i+2:], at) })
			return out
		}
	}
	if i < len(items) {
		return out.or(c.outcomeOf(items[i], at.at(i)))
	}
	return out.or(nothing(at))
}

func (c *checker) outcomesOf(items []*node, at *place) {
	for _, item := range items {
		c.outcomeOf(item, at)
	}
}

// condition looks at a part of which only the truth counts; rest is how much stands behind it that counts only where it does not hold.
func (c *checker) condition(n *node, at *place, rest int) *outcome {
	before := len(c.found)
	to := c.outcomeOf(n, at)
	if len(c.found) > before {
		return to // what is wrong in it was told where it is
	}
	switch {
	case to.mayHold() && to.mayFail(), !to.mayHold() && !to.mayFail(): // the latter always fails
	case to.mayHold():
		hint := "leave the condition out"
		if rest > 0 {
			hint = "nothing after it is ever reached: leave the condition out, or what stands after it"
		}
		c.report("constant-condition", at, fmt.Sprintf("%s always holds", described(n)), hint)
	default:
		c.report("constant-condition", at, fmt.Sprintf("%s never holds", described(n)), "what depends on it is never reached: leave it out")
	}
	return to
}

// described shows a condition in a message.
func described(n *node) string {
	switch {
	case n.isObject() && len(n.items) == 0:
		return "{}"
	case n.isObject() || n.isList():
		text := string(n.raw)
		if len(text) > quotedLimit {
			return "the condition"
		}
		return text
	default:
		return n.shown()
	}
}

// chain remembers the conditions of a chain by how they are written.
type chain map[string]*place

// checkRepeated finds a condition that stands in the same chain before.
func (c *checker) checkRepeated(n *node, at *place, before chain) {
	if n.kind != '{' || len(n.items) == 0 {
		return
	}
	text := n.canonical()
	if earlier := before[text]; earlier != nil {
		c.report("repeated-condition", at, fmt.Sprintf("the same condition stands at %s already", earlier), "leave one of them out, or mend the one that is meant otherwise")
		return
	}
	before[text] = at
}

// outcomeOfChain is that of and, or: the first clause that decides, or the last.
func (c *checker) outcomeOfChain(n *node, op string, args *node, at *place) *outcome {
	out := &outcome{}
	if !args.isList() {
		return out // it fails whenever it is reached
	}
	if len(args.items) == 0 {
		return nothing(at)
	}
	decides := op == "or" // the truth at which it ends
	open, before := true, chain{}
	for i, item := range args.items {
		last := i == len(args.items)-1
		to := c.clause(item, at.at(i), last)
		c.checkRepeated(item, at.at(i), before)
		switch {
		case !open:
		case last:
			out.or(to)
		default:
			out.or(to.only(decides))
			open = to.may(!decides)
		}
	}
	if c.settled(n, !decides) {
		where := "nothing can meet all of these at once"
		if decides {
			where = "one of these holds for whatever there is"
		}
		c.report("contradiction", at, where, "mend the comparison that is meant otherwise")
		return out.only(decides)
	}
	return out
}

// clause looks at a part of and, or. The last one's value is the result, so that a constant there may be meant.
func (c *checker) clause(n *node, at *place, last bool) *outcome {
	if _, _, computed := n.operator(); last && !computed {
		return c.outcomeOf(n, at)
	}
	return c.condition(n, at, 0)
}

// narrowed keeps only what a part comes to that can be computed beforehand.
func (c *checker) narrowed(n *node, to *outcome) *outcome {
	if !isConstant(n) && !emptySearch(n) {
		return to
	}
	answer := verdict(n, "{}")
	switch answer {
	case holds:
		return to.only(true)
	case fails:
		return to.only(false)
	default:
		return to
	}
}

// emptySearch recognizes a look into a list that has nothing in it.
func emptySearch(n *node) bool {
	op, args, ok := n.operator()
	if !ok || op != "in" || len(args.items) != 2 || !args.isList() || !args.items[1].isList() || len(args.items[1].items) > 0 {
		return false
	}
	_, simple := args.items[0].attribute()
	return simple
}

// readers are the operators that see more than their arguments, or what is not known.
var readers = []string{"var", "missing", "missing_some", "fractional", "stable_bucket", "$ref"}

// isConstant tells whether a part of a rule is the same for every context.
func isConstant(n *node) bool {
	if op, _, ok := n.operator(); ok && (slices.Contains(readers, op) || !slices.Contains(operators, op)) {
		return false
	}
	for _, item := range n.items {
		if !isConstant(item) {
			return false
		}
	}
	return true
}

var operators = eval.Operators()
