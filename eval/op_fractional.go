package eval

// compileFractional compiles the generation of bucketing that the document asks
// for. A split whose shares all stand in the rule is added up beforehand.
func compileFractional(c *compiler, args value, s scope) expr {
	c.notes.bucketsBy = append(c.notes.bucketsBy, bucketedBy(args)...)
	items, all := c.compileArguments(args, s)
	code := &fractionalExpr{keys: generations[c.bucketing], frame: s.frame, args: all}
	if len(items) == 0 {
		if _, known := all.(constant); known {
			c.warn(RuleFractional, "fractional never matches: it needs a list of shares")
		}
		return code
	}
	var key expr
	if args.items()[0].kind != list { // a list would be a share
		key, items = items[0], items[1:]
	}
	known, problem := constantShares(items)
	if problem == "" {
		problem = code.keys.problem(key)
	}
	if problem != "" {
		c.warn(RuleFractional, "fractional never matches: "+problem)
	}
	if known != nil {
		code.key, code.shares = key, known
		if key == nil {
			code.args = nil // the shares say it all
		}
	}
	return code
}

type fractionalExpr struct {
	keys   keying
	frame  int
	args   expr
	shares *shares // known beforehand, or nil
	key    expr    // beside known shares; nil where no key is written
}

func (e *fractionalExpr) eval(c *Context) value {
	if !c.hasSubject() {
		return value{}
	}
	if e.shares == nil {
		return e.split(c, e.args.eval(c))
	}
	var hash uint32
	var ok bool
	if e.key == nil {
		hash, ok = e.keys.implicit(c, e.frame)
	} else {
		key := e.key.eval(c)
		if !e.keys.takes(key.kind) {
			return e.split(c, e.args.eval(c)) // what looks like a key is a share
		}
		hash, ok = e.keys.written(c, e.frame, key)
	}
	if !ok {
		return value{}
	}
	return e.shares.pick(hash)
}

// split is fractional with shares known only now. Anything odd makes it null.
func (e *fractionalExpr) split(c *Context, args value) value {
	items := args.items()
	if args.kind != list || len(items) == 0 || !c.spend(len(items)) {
		return value{}
	}
	var hash uint32
	var ok bool
	if e.keys.takes(items[0].kind) {
		hash, ok = e.keys.written(c, e.frame, items[0])
		items = items[1:]
	} else {
		hash, ok = e.keys.implicit(c, e.frame)
	}
	if !ok {
		return value{}
	}
	return pickShare(items, hash)
}
