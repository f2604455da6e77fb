package eval

import (
	"math"
	"strconv"
	"strings"
)

// The library coerces in two ways. Comparisons read a number the way JavaScript
// does and never fail. Arithmetic and text take only what is nearly right and
// fail on the rest, which ends the evaluation in PARSE_ERROR.

// looseNumber is the number that comparisons see.
func (v value) looseNumber() float64 {
	switch v.kind {
	case null:
		return 0
	case boolean, number:
		return v.num
	case text:
		return looseParse(v.str)
	default:
		return math.NaN()
	}
}

func looseParse(s string) float64 {
	if len(s) > maxNumberText {
		return math.NaN()
	}
	if strings.TrimSpace(s) == "" {
		return 0
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return math.NaN()
	}
	return n
}

// maxNumberText is the longest string that is read as a number, in bytes: a rule
// may read one again and again.
const maxNumberText = 1024

// number is the number that arithmetic sees; text that is no number counts as 0.
func (c *Context) number(v value) float64 {
	switch v.kind {
	case number:
		return v.num
	case text:
		if len(v.str) > maxNumberText {
			return 0
		}
		n, _ := strconv.ParseFloat(v.str, 64)
		return n
	default:
		c.fail("arithmetic needs numbers and does not take " + v.kind.String())
		return 0
	}
}

// text is the text that cat and substr see; null is the empty string.
func (c *Context) text(v value) string {
	switch v.kind {
	case text:
		return v.str
	case null:
		return ""
	case number:
		return c.temp.text(strconv.AppendFloat(c.small[:0], v.num, 'f', -1, 64))
	default:
		c.fail("cat and substr take strings and numbers, not " + v.kind.String())
		return ""
	}
}

// elements are the items of an operator's arguments where the library insists
// on a list.
func (c *Context) elements(args value) []value {
	if args.kind != list {
		c.fail("the operator needs a list of arguments, not " + args.kind.String())
		return nil
	}
	return args.items()
}

// integer converts as flagd's platform does: what does not fit becomes the
// smallest integer. Spelled out, since Go leaves it to the machine.
func integer(f float64) int {
	if f >= -(1<<63) && f < 1<<63 {
		return int(f)
	}
	return math.MinInt
}

// equalValues is the library's ==: null equals only null, strings compare as
// strings, everything else as numbers.
func equalValues(a, b value) bool {
	if a.kind == null || b.kind == null {
		return a.kind == b.kind
	}
	if a.kind == text && b.kind == text {
		return a.str == b.str
	}
	return a.looseNumber() == b.looseNumber()
}

func lessValue(a, b value) bool {
	if a.kind == text && b.kind == text {
		return a.str < b.str
	}
	return a.looseNumber() < b.looseNumber()
}
