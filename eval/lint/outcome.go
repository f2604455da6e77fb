package lint

import (
	"math"
	"slices"
	"strconv"
)

// outcome is what a rule, or a part of one, may come to, whatever the context. It may promise too much, never too little.
type outcome struct {
	values    map[value]*place // where each stands in the rule
	openTrue  bool             // it may also come to something that is not known, and that holds
	openFalse bool             // or does not hold
	nothing   bool             // it may come to null
	nothingAt *place
}

// value is something that a rule may come to.
type value struct {
	name  string // that it has as a variant
	odd   bool   // a list or an object, which names none
	truth bool
}

func nothing(at *place) *outcome { return &outcome{nothing: true, nothingAt: at} }

func anything() *outcome {
	return &outcome{openTrue: true, openFalse: true, nothing: true}
}

func one(v value, at *place) *outcome { return &outcome{values: map[value]*place{v: at}} }

func boolean(truth bool, at *place) *outcome {
	return one(value{name: strconv.FormatBool(truth), truth: truth}, at)
}

func eitherWay(at *place) *outcome { return boolean(true, at).or(boolean(false, at)) }

// or adds what another part may come to.
func (o *outcome) or(other *outcome) *outcome {
	for v, at := range other.values {
		if o.values == nil {
			o.values = map[value]*place{}
		}
		if _, known := o.values[v]; !known {
			o.values[v] = at
		}
	}
	if other.nothing && !o.nothing {
		o.nothing, o.nothingAt = true, other.nothingAt
	}
	o.openTrue = o.openTrue || other.openTrue
	o.openFalse = o.openFalse || other.openFalse
	return o
}

// only keeps what holds, or what does not.
func (o *outcome) only(truth bool) *outcome {
	kept := &outcome{}
	for v, at := range o.values {
		if v.truth == truth {
			kept.or(one(v, at))
		}
	}
	if truth {
		kept.openTrue = o.openTrue
	} else {
		kept.openFalse = o.openFalse
		kept.nothing, kept.nothingAt = o.nothing, o.nothingAt
	}
	return kept
}

func (o *outcome) mayHold() bool { return o.may(true) }

func (o *outcome) mayFail() bool { return o.may(false) }

func (o *outcome) may(truth bool) bool {
	if truth && o.openTrue || !truth && (o.openFalse || o.nothing) {
		return true
	}
	for v := range o.values {
		if v.truth == truth {
			return true
		}
	}
	return false
}

// from gives the same as it is met through a reference.
func (o *outcome) from(at *place) *outcome {
	moved := *o
	moved.values = make(map[value]*place, len(o.values))
	for v := range o.values {
		moved.values[v] = at
	}
	moved.nothingAt = at
	return &moved
}

// Operators by what they come to. Those in none of the lists may come to anything.
var (
	comparisons = []string{"==", "===", "!=", "!==", "<", "<=", ">", ">=", "in", "all", "none", "some"}
	affixes     = []string{"starts_with", "ends_with", "sem_ver", "contains_all", "contains_any", "contains_none"} // or null
	listMakers  = []string{"map", "filter", "merge", "missing", "missing_some"}
)

// outcomeOf finds what a part of a rule may come to, and reports conditions in it that always or never hold.
func (c *checker) outcomeOf(n *node, at *place) *outcome {
	switch n.kind {
	case 'n', 0:
		return nothing(at)
	case 't', 'f':
		return boolean(n.kind == 't', at)
	case '"':
		return one(value{name: n.text, truth: n.text != ""}, at)
	case '0':
		return one(value{name: numberName(n.num), truth: n.num != 0}, at)
	case '[':
		for i, item := range n.items {
			c.outcomeOf(item, at.at(i)) // for what is wrong in it
		}
		return one(value{odd: true, truth: len(n.items) > 0}, at)
	}
	if name, ok := n.reference(); ok {
		return c.outcomeOfReference(name, at)
	}
	op, args, ok := n.operator()
	if !ok {
		return one(value{odd: true, truth: len(n.items) > 0}, at)
	}
	return c.outcomeOfOperator(n, op, args, at.in(op))
}

func (c *checker) outcomeOfReference(name string, at *place) *outcome {
	e := c.follow(name)
	if e == nil {
		return anything()
	}
	if e.to == nil {
		c.silently(func() { e.to = c.outcomeOf(e.tree, e.at) })
	}
	return e.to.from(at)
}

func (c *checker) outcomeOfOperator(n *node, op string, args *node, at *place) *outcome {
	switch op {
	case "if", "?:":
		return c.outcomeOfIf(args, at)
	case "and", "or":
		return c.outcomeOfChain(n, op, args, at)
	case "fractional":
		return c.outcomeOfSplit(args, at)
	case "!", "!!":
		return c.outcomeOfTruth(args, op == "!!", at)
	}
	for i, item := range args.arguments() {
		c.outcomeOf(item, args.argumentAt(at, i)) // for what is wrong in it
	}
	switch {
	case slices.Contains(comparisons, op):
		return c.narrowed(n, eitherWay(at))
	case slices.Contains(affixes, op):
		return c.narrowed(n, eitherWay(at).or(nothing(at)))
	case slices.Contains(listMakers, op):
		return one(value{odd: true, truth: true}, at).or(one(value{odd: true}, at))
	default:
		return anything()
	}
}

// outcomeOfTruth is that of ! and !!.
func (c *checker) outcomeOfTruth(args *node, same bool, at *place) *outcome {
	if args.isList() && len(args.items) == 0 {
		return boolean(!same, at) // the empty list does not hold
	}
	inner, innerAt := args, at
	if args.isList() {
		inner, innerAt = args.items[0], at.at(0)
	}
	of := c.outcomeOf(inner, innerAt)
	out := &outcome{}
	if of.mayHold() {
		out.or(boolean(same, at))
	}
	if of.mayFail() {
		out.or(boolean(!same, at))
	}
	return out
}

// outcomeOfSplit is that of fractional: the variants that have a weight, or null.
func (c *checker) outcomeOfSplit(args *node, at *place) *outcome {
	out := nothing(at)
	if !args.isList() {
		c.outcomeOf(args, at)
		return out
	}
	for i, item := range args.items {
		switch {
		case i == 0 && !item.isList():
			if key := c.outcomeOf(item, at.at(i)); key.mayBeOdd() {
				out.or(anything()) // a list counts as a share; that a client sends one for its key is left out of account
			}
		case item.isList() && len(item.items) > 0:
			share := shareOf(item, at.at(i))
			if named := c.outcomeOf(item.items[0], at.at(i).at(0)); !share.known || share.weight > 0 {
				out.or(named)
			}
		case item.isList():
		default:
			out.or(anything()) // a computed share
		}
	}
	return out
}

func (o *outcome) mayBeOdd() bool {
	for v := range o.values {
		if v.odd {
			return true
		}
	}
	return false
}

// numberName is how a number names a variant.
func numberName(n float64) string {
	if size := math.Abs(n); size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.FormatFloat(n, 'e', -1, 64) // nobody calls a variant so
	}
	return strconv.FormatFloat(n, 'f', -1, 64)
}
