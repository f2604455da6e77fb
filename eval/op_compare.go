package eval

import "math"

// relation is how two values may stand to each other.
type relation uint8

const (
	equal relation = iota
	unequal
	same // equal, and of one kind
	different
	less
	atMost
	more
	atLeast
)

func (r relation) holds(a, b value) bool {
	switch r {
	case equal:
		return equalValues(a, b)
	case unequal:
		return !equalValues(a, b)
	case same:
		return sameType(a, b) && equalValues(a, b)
	case different:
		return !sameType(a, b) || !equalValues(a, b)
	case less:
		return lessValue(a, b)
	case atMost:
		return lessValue(a, b) || equalValues(a, b)
	case more:
		return lessValue(b, a)
	default:
		return lessValue(b, a) || equalValues(b, a)
	}
}

func sameType(a, b value) bool { return a.kind == b.kind && a.isBareZero() == b.isBareZero() }

// between is holds for two numbers, or two strings, that an attribute and a rule
// may have.
func between[T float64 | string](a T, r relation, b T) bool {
	switch r {
	case equal, same:
		return a == b
	case unequal, different:
		return a != b
	case less:
		return a < b
	case atMost:
		return a <= b
	case more:
		return a > b
	default:
		return a >= b
	}
}

// comparison makes an operator of two arguments. With fewer it compares
// nothing, and further ones are evaluated and ignored.
func comparison(r relation) compileFunc {
	return compare(r, (*Context).elements, func(_ *Context, items []value) bool {
		return r.holds(items[0], items[1])
	})
}

// identity is a comparison that is content with an argument that is no list,
// and then compares nothing.
func identity(r relation) compileFunc {
	return compare(r, listItems, func(_ *Context, items []value) bool {
		return r.holds(items[0], items[1])
	})
}

func listItems(_ *Context, args value) []value {
	if args.kind != list {
		return nil
	}
	return args.items()
}

// chain makes an operator that also takes three arguments, which must hold pair
// by pair.
func chain(r relation) compileFunc {
	return compare(r, (*Context).elements, func(_ *Context, items []value) bool {
		if len(items) != 3 || !r.holds(items[0], items[1]) {
			return r.holds(items[0], items[1])
		}
		return r.holds(items[1], items[2])
	})
}

// compare makes an operator: of two arguments in the rule, the usual case, a
// comparison of its own, and of every other number what more makes of them.
func compare(r relation, elements func(c *Context, args value) []value, more func(c *Context, items []value) bool) compileFunc {
	apply := evaluated(func(c *Context, args value) value {
		items := elements(c, args)
		if len(items) < 2 {
			return boolValue(r.incomparable())
		}
		return boolValue(more(c, items))
	})
	return func(c *compiler, args value, s scope) expr {
		if args.kind != list || len(args.items()) != 2 {
			return apply(c, args, s)
		}
		items := c.compileItems(args, s)
		return c.fold(compared(r, items[0], items[1]), items...)
	}
}

// incomparable is the result for too few arguments: as if they differed and
// stood in no order, which two NaN do.
func (r relation) incomparable() bool {
	nan := numberValue(math.NaN())
	return r.holds(nan, nan)
}

// compared picks the shortest way to compare two programs.
func compared(r relation, a, b expr) expr {
	attribute, isAttribute := a.(*attributeExpr)
	known, isKnown := b.(constant)
	if isAttribute && isKnown && !known.value.isBareZero() {
		switch v := known.value; v.kind {
		case number, boolean:
			return &numberComparison{attribute: attribute, than: v.num, kind: v.kind, relation: r}
		case text:
			return &textComparison{attribute: attribute, than: v.str, relation: r}
		}
	}
	return &compareExpr{a: a, b: b, relation: r}
}

type compareExpr struct {
	a, b     expr
	relation relation
}

func (e *compareExpr) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *compareExpr) test(c *Context) bool { return e.relation.holds(e.a.eval(c), e.b.eval(c)) }

// numberComparison compares an attribute with a number or a boolean that stands
// in the rule. Booleans compare as 0 and 1.
type numberComparison struct {
	attribute *attributeExpr
	than      float64
	kind      kind
	relation  relation
}

func (e *numberComparison) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *numberComparison) test(c *Context) bool {
	v := e.attribute.at(c)
	if v.kind == e.kind {
		return between(v.num, e.relation, e.than)
	}
	return e.relation.holds(*v, value{kind: e.kind, num: e.than})
}

// textComparison compares an attribute with a string that stands in the rule.
type textComparison struct {
	attribute *attributeExpr
	than      string
	relation  relation
}

func (e *textComparison) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *textComparison) test(c *Context) bool {
	v := e.attribute.at(c)
	if v.kind == text {
		return between(v.str, e.relation, e.than)
	}
	return e.relation.holds(*v, textValue(e.than))
}
