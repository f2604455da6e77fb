package eval

func compileReduce(c *compiler, args value, s scope) expr {
	if args.kind != list {
		return faultExpr{"reduce needs its arguments as a list in the rule"}
	}
	items := args.items()
	if len(items) < 3 {
		return constant{numberValue(0)}
	}
	return &reduceExpr{
		loop:    c.loop(items, s, s.inside(), c.predicate),
		initial: c.initial(items[2], s),
	}
}

// initial compiles what reduce starts from; only an operator is computed.
func (c *compiler) initial(v value, s scope) expr {
	if v.kind == object {
		return c.compile(v, s)
	}
	return keep(v)
}

// reduceExpr keeps the kind of its initial value: what each turn comes to is
// converted to it.
type reduceExpr struct {
	loop
	initial expr
}

var reduceNames = []string{"current", "accumulator", "valueType"}

func (e *reduceExpr) eval(c *Context) value {
	total := e.initial.eval(c)
	name := valueType(total.kind)
	if name.kind == null {
		c.fail("reduce starts from a boolean, a number or a string, not from " + total.kind.String())
		return value{}
	}
	subject := e.subject.eval(c)
	if subject.kind == null {
		return numberValue(0)
	}
	e.enter(c)
	for _, element := range c.elements(subject) {
		if c.recall() {
			break
		}
		if element.kind == null {
			continue
		}
		total = c.convert(e.run(c, c.turn(element, total, name)), total.kind)
	}
	return total
}

// turn is what the body of reduce sees as its data.
func (c *Context) turn(element, total, name value) value {
	items := c.temp.values.take(3)
	items[0], items[1], items[2] = element, total, name
	return c.temp.object(reduceNames, items)
}

func valueType(k kind) value {
	switch k {
	case boolean:
		return textValue("bool")
	case number:
		return textValue("number")
	case text:
		return textValue("string")
	default:
		return value{}
	}
}

func (c *Context) convert(v value, k kind) value {
	switch k {
	case boolean:
		return boolValue(v.truthy())
	case number:
		return numberValue(c.number(v))
	default:
		return textValue(c.text(v))
	}
}
