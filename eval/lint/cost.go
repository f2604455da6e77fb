package lint

import (
	"fmt"
	"slices"

	"github.com/burgeehq/burgee/eval"
)

// AssumedElements is how long lists are taken to be whose length the rule does not tell.
const AssumedElements = 100

// maxCost keeps estimates from overflowing; it is far beyond what may be spent.
const maxCost = 1 << 40

// checkCost holds a rule to the steps that one evaluation may take. Beyond them, its answer is an error.
func (c *checker) checkCost(n *node, at *place) {
	steps := c.costOf(n, false)
	message := fmt.Sprintf("about %d steps where lists of the context have %d elements; an evaluation may take %d", steps, AssumedElements, eval.MaxSteps)
	const hint = "a loop in a loop costs most: look an attribute up with in, or let the client send what the rule computes"
	switch {
	case steps > eval.MaxSteps:
		c.report("cost", at, message, hint)
	case steps > eval.MaxSteps/2:
		c.report("high-cost", at, message, hint)
	}
}

// costOf estimates the steps of a part of a rule, as if all of it were reached.
func (c *checker) costOf(n *node, inLoop bool) int {
	if name, ok := n.reference(); ok {
		if e := c.follow(name); e != nil {
			return c.costOf(e.tree, inLoop)
		}
		return 0
	}
	op, args, ok := n.operator()
	if !ok && !n.isList() {
		return 0 // data
	}
	if !ok {
		args = n
	}
	if slices.Contains(loops, op) && args.isList() && len(args.items) > 1 {
		return c.costOfLoop(args.items, inLoop)
	}
	cost := c.own(op, args, inLoop)
	for _, item := range args.arguments() {
		cost += c.costOf(item, inLoop)
	}
	return min(cost, maxCost)
}

func (c *checker) costOfLoop(items []*node, inLoop bool) int {
	turn := c.size(items[1]) + c.costOf(items[1], true)
	cost := c.costOf(items[0], inLoop) + min(c.lengthOf(items[0])+1, maxCost/turn)*turn
	for _, item := range items[2:] {
		cost += c.costOf(item, inLoop)
	}
	return min(cost, maxCost)
}

// size counts the values of a tree, references followed: what a turn costs at least.
func (c *checker) size(n *node) int {
	if name, ok := n.reference(); ok {
		if e := c.follow(name); e != nil {
			return c.size(e.tree)
		}
	}
	size := 1
	for _, item := range n.items {
		size += c.size(item)
	}
	return size
}

// own is what an operator costs beside its arguments.
func (c *checker) own(op string, args *node, inLoop bool) int {
	items := args.arguments()
	switch op {
	case "in":
		if len(items) == 2 && !isConstant(items[1]) {
			return c.lengthOf(items[1])
		}
	case "contains_all", "contains_any", "contains_none":
		if len(items) == 2 {
			return c.lengthOf(items[0]) * max(c.lengthOf(items[1]), 1)
		}
	case "merge":
		return c.lengthOf(&node{kind: '{', names: []string{op}, items: []*node{args}})
	case "missing", "missing_some", "fractional":
		return len(items)
	case "var":
		if !inLoop && len(items) > 0 && items[0].isString() && normal(items[0].text) == "" {
			return AssumedElements // the whole context
		}
	}
	return 0
}

// lengthOf estimates how many elements a list has.
func (c *checker) lengthOf(n *node) int {
	if n.isList() {
		return len(n.items)
	}
	if name, ok := n.reference(); ok {
		if e := c.follow(name); e != nil {
			return c.lengthOf(e.tree)
		}
	}
	op, args, ok := n.operator()
	switch {
	case !ok:
		return 1
	case (op == "map" || op == "filter") && args.isList() && len(args.items) > 0:
		return c.lengthOf(args.items[0])
	case op == "merge":
		length := 0
		for _, item := range args.arguments() {
			length += c.lengthOf(item)
		}
		return min(length, maxCost)
	default:
		return AssumedElements
	}
}
