package eval

import (
	"strings"
	"unicode/utf8"
)

// concatenate trims outer whitespace of two arguments or more, as the library
// does; this moves bucket keys that begin or end with a space.
func concatenate(c *Context, args value) value {
	if args.kind == text {
		return args
	}
	items := c.elements(args)
	if len(items) == 1 {
		return textValue(c.text(items[0]))
	}
	return textValue(strings.TrimSpace(c.join(items)))
}

// join writes all items one after the other, in the evaluation's memory.
func (c *Context) join(items []value) string {
	parts, size := c.temp.names.take(len(items)), 0
	for i, item := range items {
		parts[i] = c.text(item)
		size += len(parts[i])
	}
	if !c.spend(size / 64) {
		return ""
	}
	joined := c.temp.bytes.take(size)[:0]
	for _, part := range parts {
		joined = append(joined, part...)
	}
	return viewText(joined)
}

// substring counts characters; a negative start counts from the end, and a
// negative length leaves out that many at the end.
func substring(c *Context, args value) value {
	items := c.elements(args)
	if len(items) < 2 {
		c.fail("substr needs a string and a start")
		return value{}
	}
	s, from := c.text(items[0]), integer(c.number(items[1]))
	c.spend(len(s) / 64)
	count := utf8.RuneCountInString(s)
	if from < 0 {
		from += count
	}
	if from < 0 || from > count {
		return textValue(s)
	}
	to := count
	if len(items) == 3 {
		to = end(from, integer(c.number(items[2])), count)
	}
	if to < from {
		c.fail("substr ends before it begins")
		return value{}
	}
	return textValue(s[runeOffset(s, from):runeOffset(s, to)])
}

// end is where a substring of the given length ends.
func end(from, length, count int) int {
	if length < 0 {
		return count + length
	}
	return from + min(length, count-from)
}

// runeOffset is the byte at which the n-th character begins.
func runeOffset(s string, n int) int {
	offset := 0
	for range n {
		_, size := utf8.DecodeRuneInString(s[offset:])
		offset += size
	}
	return offset
}

// affix makes an operator of a test whether one string begins or ends with
// another. It is null for anything but two strings.
func affix(holds func(s, part string) bool) compileFunc {
	apply := evaluated(func(_ *Context, args value) value {
		items := args.items()
		if args.kind != list || len(items) != 2 || items[0].kind != text || items[1].kind != text {
			return value{}
		}
		return boolValue(holds(items[0].str, items[1].str))
	})
	return func(c *compiler, args value, s scope) expr {
		if items := args.items(); args.kind == list && len(items) == 2 && items[1].kind == text {
			whole := c.compile(items[0], s)
			return c.fold(&affixExpr{whole: whole, part: items[1].str, holds: holds}, whole)
		}
		return apply(c, args, s)
	}
}

// affixExpr has the part written in the rule.
type affixExpr struct {
	whole expr
	part  string
	holds func(s, part string) bool
}

func (e *affixExpr) eval(c *Context) value {
	var spare value
	whole := c.look(e.whole, &spare)
	if whole.kind != text {
		return value{}
	}
	return boolValue(e.holds(whole.str, e.part))
}

func (e *affixExpr) test(c *Context) bool {
	var spare value
	whole := c.look(e.whole, &spare)
	return whole.kind == text && e.holds(whole.str, e.part)
}
