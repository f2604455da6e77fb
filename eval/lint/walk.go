package lint

import "slices"

// evaluator is an entry of $evaluators.
type evaluator struct {
	name string
	at   *place
	tree *node
	fate fate
	to   *outcome // what it may come to; nil until that is asked for
}

// checkEvaluator looks for what can be told without a flag that uses it.
func (c *checker) checkEvaluator(e *evaluator) {
	if !c.checkReferences(e.tree, e.at) {
		return
	}
	c.collectSpellings(e.tree, e.at)
	c.outcomeOf(e.tree, e.at)
	c.checkCost(e.tree, e.at)
}

// loops are the operators whose body sees an element of a list as its data.
var loops = []string{"map", "filter", "all", "none", "some", "reduce"}

// walk visits every operator of a rule, references followed; inLoop tells that its vars read an element, and perhaps not the context.
func (c *checker) walk(n *node, at *place, visit func(op string, args *node, at *place, inLoop bool)) {
	c.walkIn(n, at, false, visit)
}

func (c *checker) walkIn(n *node, at *place, inLoop bool, visit func(op string, args *node, at *place, inLoop bool)) {
	if name, ok := n.reference(); ok {
		if e := c.follow(name); e != nil {
			c.walkIn(e.tree, at, inLoop, visit)
		}
		return
	}
	op, args, ok := n.operator()
	if !ok {
		if n.isList() {
			for i, item := range n.items {
				c.walkIn(item, at.at(i), inLoop, visit)
			}
		}
		return
	}
	at = at.in(op)
	visit(op, args, at, inLoop)
	body := slices.Contains(loops, op) && args.isList()
	if !args.isList() {
		c.walkIn(args, at, inLoop, visit)
		return
	}
	for i, item := range args.items {
		c.walkIn(item, at.at(i), inLoop || body && i == 1, visit)
	}
}

// follow gives the evaluator that a reference leads to. Only rules whose references are all whole are gone through: nothing bounds others.
func (c *checker) follow(name string) *evaluator { return c.byName[name] }

// checkReferences finds references that lead nowhere, and tells whether there are none. They are followed everywhere in a rule, in data too.
func (c *checker) checkReferences(n *node, at *place) bool {
	if name, ok := n.reference(); ok {
		return c.checkReference(name, at.in("$ref"))
	}
	good := true
	for i, item := range n.items {
		inner := at.at(i)
		if n.isObject() {
			inner = at.in(n.names[i])
		}
		good = c.checkReferences(item, inner) && good
	}
	return good
}

func (c *checker) checkReference(name string, at *place) bool {
	e := c.byName[name]
	if e == nil {
		c.references = true
		c.report("reference", at, quote(name)+" is no entry of $evaluators", c.meantEvaluator(name))
		return false
	}
	switch c.fateOf(e) {
	case circular:
		if at.top() == "$evaluators" { // else it is told there
			c.references = true
			c.report("reference", at, quote(name)+" comes back to itself", "write one of the evaluators out")
		}
		return false
	case lost:
		return false // told where it is lost
	default:
		return true
	}
}

func (c *checker) meantEvaluator(name string) string {
	var known []string
	for _, e := range c.evaluators {
		known = append(known, e.name)
	}
	if len(known) == 0 {
		return "add it to $evaluators, beside flags"
	}
	return c.meant(name, known)
}

// fate is what following the references of an evaluator comes to.
type fate int

const (
	untold fate = iota
	asked       // it is being found out
	whole
	circular
	lost
)

func (c *checker) fateOf(e *evaluator) fate {
	switch e.fate {
	case asked:
		return circular
	case untold:
		e.fate = asked
		found := whole
		e.tree.references(func(name string) {
			if next := c.byName[name]; next == nil {
				found = max(found, lost)
			} else {
				found = max(found, c.fateOf(next))
			}
		})
		e.fate = found
	}
	return e.fate
}

// references calls found with every reference in a tree.
func (n *node) references(found func(name string)) {
	if name, ok := n.reference(); ok {
		found(name)
		return
	}
	for _, item := range n.items {
		item.references(found)
	}
}
