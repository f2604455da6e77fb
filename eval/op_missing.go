package eval

// compileMissing gives the paths that have no value in the data.
func compileMissing(c *compiler, args value, s scope) expr {
	return &missingExpr{frame: s.frame, args: c.compile(args, s)}
}

type missingExpr struct {
	frame int
	args  expr
}

func (e *missingExpr) eval(c *Context) value {
	args := e.args.eval(c)
	if args.kind == text {
		paths := c.temp.values.take(1)
		paths[0] = args
		args = c.temp.list(paths)
	}
	return c.temp.list(c.missing(e.frame, c.elements(args)))
}

// compileMissingSome gives the missing paths unless enough others are there.
func compileMissingSome(c *compiler, args value, s scope) expr {
	return &missingSomeExpr{frame: s.frame, args: c.compile(args, s)}
}

type missingSomeExpr struct {
	frame int
	args  expr
}

func (e *missingSomeExpr) eval(c *Context) value {
	items := c.elements(e.args.eval(c))
	if len(items) < 2 {
		c.fail("missing_some needs a number and a list of paths")
		return value{}
	}
	need, paths := integer(c.number(items[0])), c.elements(items[1])
	absent := c.missing(e.frame, paths)
	if need <= len(paths)-len(absent) {
		absent = nil
	}
	return c.temp.list(absent)
}

func (c *Context) missing(frame int, paths []value) []value {
	if !c.spend(len(paths)) {
		return nil
	}
	absent := c.temp.values.take(len(paths))[:0]
	for _, path := range paths {
		if path.holdsRule() { // the library computes paths once more
			c.fail("an object of one member stands among the paths; data is never run as a rule")
			return nil
		}
		if c.variable(frame, path).kind == null {
			absent = append(absent, path)
		}
	}
	return absent
}
