package eval

import "math"

// comparison makes an operator of two arguments. With fewer it compares
// nothing, and further ones are evaluated and ignored.
func comparison(fn func(c *Context, a, b value) value) compileFunc {
	return compare(fn, (*Context).elements, func(c *Context, items []value) value {
		return fn(c, items[0], items[1])
	})
}

// identity is a comparison that is content with an argument that is no list,
// and then compares nothing.
func identity(fn func(c *Context, a, b value) value) compileFunc {
	return compare(fn, listItems, func(c *Context, items []value) value {
		return fn(c, items[0], items[1])
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
func chain(fn func(c *Context, a, b value) value) compileFunc {
	return compare(fn, (*Context).elements, func(c *Context, items []value) value {
		if len(items) != 3 || !fn(c, items[0], items[1]).truthy() {
			return fn(c, items[0], items[1])
		}
		return fn(c, items[1], items[2])
	})
}

// compare makes an operator: two for the usual case of two arguments in the
// rule, items and more for every other.
func compare(
	two func(c *Context, a, b value) value,
	elements func(c *Context, args value) []value,
	more func(c *Context, items []value) value,
) compileFunc {
	apply := evaluated(func(c *Context, args value) value {
		items := elements(c, args)
		if len(items) < 2 {
			return incomparable(c, two)
		}
		return more(c, items)
	})
	return func(c *compiler, args value, s scope) expr {
		if args.kind != list || len(args.items()) != 2 {
			return apply(c, args, s)
		}
		items := c.compileItems(args, s)
		return c.fold(&binaryExpr{a: items[0], b: items[1], fn: two}, items...)
	}
}

// incomparable is the result for too few arguments: as if they differed and
// stood in no order, which two NaN do.
func incomparable(c *Context, fn func(c *Context, a, b value) value) value {
	nan := numberValue(math.NaN())
	return fn(c, nan, nan)
}

func equal(_ *Context, a, b value) value   { return boolValue(equalValues(a, b)) }
func unequal(_ *Context, a, b value) value { return boolValue(!equalValues(a, b)) }

// same also wants one kind on both sides.
func same(_ *Context, a, b value) value {
	return boolValue(sameType(a, b) && equalValues(a, b))
}

func different(_ *Context, a, b value) value {
	return boolValue(!sameType(a, b) || !equalValues(a, b))
}

func sameType(a, b value) bool { return a.kind == b.kind && a.isBareZero() == b.isBareZero() }

func less(_ *Context, a, b value) value    { return boolValue(lessValue(a, b)) }
func greater(_ *Context, a, b value) value { return boolValue(lessValue(b, a)) }

func lessOrEqual(_ *Context, a, b value) value {
	return boolValue(lessValue(a, b) || equalValues(a, b))
}

func greaterOrEqual(_ *Context, a, b value) value {
	return boolValue(lessValue(b, a) || equalValues(b, a))
}
