package eval

// compileIf compiles conditions and branches. They must stand in the rule: the
// library does not compute them.
func compileIf(c *compiler, args value, s scope) expr {
	clauses, ok := c.clauses(args, s)
	if !ok {
		return faultExpr{"if needs its clauses as a list in the rule"}
	}
	for i := range clauses {
		if i%2 == 1 || i == len(clauses)-1 {
			clauses[i] = branch(clauses[i])
		}
	}
	return ifExpr(clauses)
}

func (c *compiler) clauses(args value, s scope) (clauses []expr, ok bool) {
	if args.kind != list {
		return nil, false
	}
	return c.compileItems(args, s), true
}

// branch makes sure that what a branch comes to is not taken for a rule again.
func branch(e expr) expr {
	if known, ok := e.(constant); ok && !known.value.isRule() {
		return e
	}
	return branchExpr{e}
}

type branchExpr struct{ code expr }

func (e branchExpr) eval(c *Context) value {
	v := e.code.eval(c)
	if v.isRule() {
		c.fail("a branch of if came to an object of one member; data is never run as a rule")
	}
	return v
}

// ifExpr holds condition, branch, condition, branch, and maybe a last branch.
type ifExpr []expr

func (e ifExpr) eval(c *Context) value {
	for i := 0; i+1 < len(e); i += 2 {
		if e[i].eval(c).truthy() {
			return e[i+1].eval(c)
		}
	}
	if len(e)%2 == 1 {
		return e[len(e)-1].eval(c)
	}
	return value{}
}

func compileAnd(c *compiler, args value, s scope) expr { return compileUntil(c, args, s, false) }

func compileOr(c *compiler, args value, s scope) expr { return compileUntil(c, args, s, true) }

func compileUntil(c *compiler, args value, s scope, truth bool) expr {
	clauses, ok := c.clauses(args, s)
	if !ok {
		return faultExpr{"and, or need their clauses as a list in the rule"}
	}
	code := &untilExpr{clauses: clauses, truth: truth}
	return c.fold(code, clauses...)
}

// untilExpr gives the first clause of the wanted truth, or the last of all.
type untilExpr struct {
	clauses []expr
	truth   bool
}

func (e *untilExpr) eval(c *Context) value {
	var last value
	for _, clause := range e.clauses {
		if last = clause.eval(c); last.truthy() == e.truth {
			break
		}
	}
	return last
}

// not negates the first of its arguments, or the argument itself.
func not(_ *Context, args value) value {
	if args.kind == list && len(args.items()) > 0 {
		args = args.items()[0]
	}
	return boolValue(!args.truthy())
}

func truth(c *Context, args value) value { return boolValue(!not(c, args).truthy()) }
