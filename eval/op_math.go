package eval

import "math"

// add also takes one argument without a list, and makes a number of it. One in
// a list comes out as it is: a sum would lose the sign of a negative zero.
func add(c *Context, args value) value {
	if args.kind != list {
		return numberValue(c.number(args))
	}
	items := args.items()
	if len(items) == 1 {
		return numberValue(c.number(items[0])) // even -0
	}
	sum := 0.0
	for _, item := range items {
		sum += c.number(item)
	}
	return numberValue(sum)
}

func subtract(c *Context, args value) value {
	items := c.elements(args)
	if len(items) == 1 {
		return numberValue(-1 * c.number(items[0]))
	}
	return c.accumulate(items, func(sum, n float64) float64 { return sum - n })
}

// bareZero is what - and / without arguments come to. The library has it as a
// number of another type, which for === and in is no other number's equal, and
// no weight for fractional. Of all numbers it alone has text.
var bareZero = value{kind: number, str: "bare"}

func (v value) isBareZero() bool { return v.kind == number && v.str != "" }

func divide(c *Context, args value) value {
	return c.accumulate(c.elements(args), func(sum, n float64) float64 { return sum / n })
}

// accumulate starts with the first item; without any it is the bare zero.
func (c *Context) accumulate(items []value, step func(sum, n float64) float64) value {
	if len(items) == 0 {
		return bareZero
	}
	sum := c.number(items[0])
	for _, item := range items[1:] {
		sum = step(sum, c.number(item))
	}
	return numberValue(sum)
}

func multiply(c *Context, args value) value {
	product := 1.0
	for _, item := range c.elements(args) {
		product *= c.number(item)
	}
	return numberValue(product)
}

func modulo(c *Context, args value) value {
	items := c.elements(args)
	if len(items) < 2 {
		c.fail("% needs two arguments")
		return value{}
	}
	return numberValue(math.Mod(c.number(items[0]), c.number(items[1])))
}

func absolute(c *Context, args value) value {
	if args.kind == list {
		if len(args.items()) == 0 {
			c.fail("abs needs an argument")
			return value{}
		}
		args = args.items()[0]
	}
	return numberValue(math.Abs(c.number(args)))
}

func largest(c *Context, args value) value {
	return c.pick(args, func(n, best float64) bool { return n > best })
}

func smallest(c *Context, args value) value {
	return c.pick(args, func(n, best float64) bool { return n < best })
}

// pick gives the number that no other is better than; of none it is null.
func (c *Context) pick(args value, better func(n, best float64) bool) value {
	items := c.elements(args)
	if len(items) == 0 {
		return value{}
	}
	best := c.number(items[0])
	for _, item := range items[1:] {
		if n := c.number(item); better(n, best) {
			best = n
		}
	}
	return numberValue(best)
}
