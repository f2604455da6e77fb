package eval

// expr is a compiled piece of a rule.
type expr interface {
	eval(c *Context) value
}

// constant is a value known at compile.
type constant struct{ value value }

func (e constant) eval(*Context) value { return e.value }

// attributeExpr reads a path of the context; null becomes the fallback.
type attributeExpr struct {
	slot     int32
	fallback value
}

func (e *attributeExpr) eval(c *Context) value { return *e.at(c) }

// at gives the value where it stands; nobody may change it.
func (e *attributeExpr) at(c *Context) *value {
	if v := c.attribute(e.slot); v.kind != null {
		return v
	}
	return &e.fallback
}

// look gives what a program comes to without copying it where it stands in the
// context; else it is put into spare.
func (c *Context) look(e expr, spare *value) *value {
	if attribute, ok := e.(*attributeExpr); ok {
		return attribute.at(c)
	}
	*spare = e.eval(c)
	return spare
}

// pathExpr reads a path of what map and its like step through, or of $flagd.
type pathExpr struct {
	frame    int
	path     []segment
	fallback value
}

func (e *pathExpr) eval(c *Context) value {
	if v := c.frames[e.frame].walk(e.path); v.kind != null {
		return v
	}
	return e.fallback
}

// flagdExpr reads what flagd tells rules about the evaluation.
type flagdExpr struct {
	path     []segment
	fallback value
}

func (e *flagdExpr) eval(c *Context) value {
	if v := e.read(c); v.kind != null {
		return v
	}
	return e.fallback
}

func (e *flagdExpr) read(c *Context) value {
	if len(e.path) == 1 && e.path[0].name == "flagKey" {
		return textValue(c.flag.key)
	}
	return c.flagd().walk(e.path)
}

// wholeExpr is var "": an element inside map and its like, else the context.
type wholeExpr struct{ frame int }

func (e wholeExpr) eval(c *Context) value { return c.data(e.frame) }

// variableExpr is var with a computed path.
type variableExpr struct {
	frame int
	args  expr
}

func (e *variableExpr) eval(c *Context) value {
	return c.variable(e.frame, e.args.eval(c))
}

// listExpr is a list in a rule, with something in it to compute.
type listExpr []expr

func (e listExpr) eval(c *Context) value {
	items := c.temp.values.take(len(e))
	for i, item := range e {
		items[i] = item.eval(c)
	}
	return c.temp.list(items)
}

// applyExpr is an operator that sees its arguments evaluated, as one value.
type applyExpr struct {
	args expr
	fn   func(c *Context, args value) value
}

func (e *applyExpr) eval(c *Context) value { return e.fn(c, e.args.eval(c)) }

// faultExpr fails whenever it is reached, and only then.
type faultExpr struct{ detail string }

func (e faultExpr) eval(c *Context) value {
	c.fail(e.detail)
	return value{}
}

// splicedExpr is a value that the rule holds as if it had been written there.
// The library would run data that looks like a rule; we refuse to, since the
// data may come from a client.
type splicedExpr struct{ from expr }

func (e splicedExpr) eval(c *Context) value {
	v := e.from.eval(c)
	if v.holdsRule() {
		c.fail("an object of one member stands where a rule is read; data is never run as a rule")
	}
	return v
}
