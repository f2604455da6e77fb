package eval

import (
	"maps"
	"slices"
	"strings"
)

// operators are all that rules may use: one line here, one function, one file
// of vectors in testdata/conformance.
var operators = map[string]compileFunc{
	"var":          compileVar,
	"missing":      compileMissing,
	"missing_some": compileMissingSome,

	"if":  compileIf,
	"?:":  compileIf,
	"and": compileAnd,
	"or":  compileOr,
	"!":   truth(false),
	"!!":  truth(true),

	"==":  comparison(equal),
	"===": identity(same),
	"!=":  comparison(unequal),
	"!==": identity(different),
	"<":   chain(less),
	"<=":  chain(atMost),
	">":   chain(more),
	">=":  chain(atLeast),

	"+":   evaluated(add),
	"-":   evaluated(subtract),
	"*":   evaluated(multiply),
	"/":   evaluated(divide),
	"%":   evaluated(modulo),
	"abs": evaluated(absolute),
	"max": evaluated(largest),
	"min": evaluated(smallest),

	"cat":         evaluated(concatenate),
	"substr":      evaluated(substring),
	"starts_with": affix(strings.HasPrefix),
	"ends_with":   affix(strings.HasSuffix),
	"sem_ver":     compileVersion,

	"in":            compileIn,
	"merge":         evaluated(merge),
	"contains_all":  evaluated(containsAll),
	"contains_any":  evaluated(containsAny),
	"contains_none": evaluated(containsNone),
	"map":           compileMap,
	"filter":        compileFilter,
	"reduce":        compileReduce,
	"all":           compileAll,
	"none":          compileNone,
	"some":          compileSome,
	"set":           evaluated(setProperty),

	"fractional":    compileFractional,
	"stable_bucket": compileStableBucket,
}

// Operators are the names of all operators, sorted.
func Operators() []string { return slices.Sorted(maps.Keys(operators)) }

// evaluated makes an operator of a function that sees its arguments evaluated,
// and so does not depend on where they came from.
func evaluated(fn func(c *Context, args value) value) compileFunc {
	return func(c *compiler, args value, s scope) expr {
		code := c.compile(args, s)
		return c.fold(&applyExpr{args: code, fn: fn}, code)
	}
}
