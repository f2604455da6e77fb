package eval

import (
	"math"
	"slices"
	"strings"
)

// compileIn compiles a search in a literal list of strings, or of numbers, to a
// look-up in a set, and everything else to the search itself.
func compileIn(c *compiler, args value, s scope) expr {
	items, all := c.compileArguments(args, s)
	if len(items) != 2 {
		return c.fold(&applyExpr{args: all, fn: in}, all)
	}
	needle, haystack := items[0], items[1]
	if known, ok := haystack.(constant); ok {
		if set := newTextSet(known.value); set != nil {
			return c.fold(&inSetExpr{needle: needle, set: *set}, needle)
		}
		if set := newNumberSet(known.value); set != nil {
			return c.fold(&inNumbersExpr{needle: needle, set: set}, needle)
		}
	}
	return c.fold(&inExpr{needle: needle, haystack: haystack}, needle, haystack)
}

// newTextSet gives a literal list as a set, or nil where it holds anything but strings.
func newTextSet(v value) *textSet {
	if v.kind != list {
		return nil
	}
	items := make([]string, len(v.items()))
	for i, item := range v.items() {
		if item.kind != text {
			return nil
		}
		items[i] = item.str
	}
	set := setOf(items)
	return &set
}

type inSetExpr struct {
	needle expr
	set    textSet
}

func (e *inSetExpr) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *inSetExpr) test(c *Context) bool {
	var spare value
	needle := c.look(e.needle, &spare)
	if needle.kind == text {
		return e.set.has(needle.str)
	}
	for _, item := range e.set.items {
		if c.matches(textValue(item), *needle) {
			return true
		}
	}
	return false
}

// newNumberSet gives a literal list of numbers, sorted, or nil where it holds
// anything else, or nothing.
func newNumberSet(v value) []float64 {
	if v.kind != list {
		return nil
	}
	var set []float64
	for _, item := range v.items() {
		if item.kind != number {
			return nil
		}
		set = append(set, item.num)
	}
	slices.Sort(set)
	return set
}

// inNumbersExpr searches numbers. Nothing but a number is among them, and
// neither NaN nor the bare zero is.
type inNumbersExpr struct {
	needle expr
	set    []float64
}

func (e *inNumbersExpr) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *inNumbersExpr) test(c *Context) bool {
	var spare value
	needle := c.look(e.needle, &spare)
	if needle.kind != number || needle.isBareZero() || math.IsNaN(needle.num) {
		return false
	}
	_, found := slices.BinarySearch(e.set, needle.num)
	return found
}

type inExpr struct{ needle, haystack expr }

func (e *inExpr) eval(c *Context) value { return find(c, e.needle.eval(c), e.haystack.eval(c)) }

func in(c *Context, args value) value {
	items := c.elements(args)
	switch len(items) {
	case 0:
		c.fail("in needs something to look for")
		return value{}
	case 1:
		return boolValue(false)
	default:
		return find(c, items[0], items[1])
	}
}

// find looks for a part of a string, or for an element of a list.
func find(c *Context, needle, haystack value) value {
	switch haystack.kind {
	case text:
		if needle.kind != text {
			c.fail("in looks for a string in a string, not for " + needle.kind.String())
			return value{}
		}
		c.spend(len(haystack.str) / 64)
		return boolValue(strings.Contains(haystack.str, needle.str))
	case list:
		return boolValue(c.spend(len(haystack.items())) && c.hasElement(haystack.items(), needle))
	default:
		return boolValue(false)
	}
}

// hasElement searches as the library does: a list among the elements is a range
// from its first to its second item, and a number also equals a string that
// reads as that number.
func (c *Context) hasElement(items []value, needle value) bool {
	for _, item := range items {
		if c.recall() {
			return false
		}
		if c.matches(item, needle) {
			return true
		}
	}
	return false
}

func (c *Context) matches(item, needle value) bool {
	switch {
	case item.kind == list:
		return c.inRange(needle, item.items())
	case needle.kind == number:
		return c.number(item) == needle.num && !needle.isBareZero()
	case item.kind != needle.kind:
		return false
	case item.kind == object:
		c.fail("in does not compare objects")
		return false
	default:
		return item.num == needle.num && item.str == needle.str
	}
}

func (c *Context) inRange(needle value, bounds []value) bool {
	if len(bounds) < 2 {
		c.fail("a range of in needs two bounds")
		return false
	}
	n := c.number(needle)
	return n >= c.number(bounds[0]) && c.number(bounds[1]) >= n
}
