package eval

// compileIf compiles conditions and branches. They must stand in the rule: the
// library does not compute them.
func compileIf(c *compiler, args value, s scope) expr {
	clauses, ok := c.clauses(args, s)
	if !ok {
		return faultExpr{"if needs its clauses as a list in the rule"}
	}
	code := &ifExpr{}
	for len(clauses) > 1 {
		code.conditions = append(code.conditions, asCondition(clauses[0]))
		code.branches = append(code.branches, branch(clauses[1]))
		clauses = clauses[2:]
	}
	if len(clauses) == 1 {
		code.otherwise = branch(clauses[0])
	}
	return code
}

func (c *compiler) clauses(args value, s scope) (clauses []expr, ok bool) {
	if args.kind != list {
		return nil, false
	}
	return c.compileItems(args, s), true
}

// branch makes sure that what a branch comes to is not taken for a rule again.
func branch(e expr) expr {
	switch e := e.(type) {
	case constant:
		if !e.value.isRule() {
			return e
		}
	case *fractionalExpr, condition:
		return e // comes to no object
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

// ifExpr takes the branch of the first condition that holds.
type ifExpr struct {
	conditions []condition
	branches   []expr
	otherwise  expr // nil is null
}

func (e *ifExpr) eval(c *Context) value {
	for i, condition := range e.conditions {
		if condition.test(c) {
			return e.branches[i].eval(c)
		}
	}
	if e.otherwise == nil {
		return value{}
	}
	return e.otherwise.eval(c)
}

func compileAnd(c *compiler, args value, s scope) expr { return compileUntil(c, args, s, false) }

func compileOr(c *compiler, args value, s scope) expr { return compileUntil(c, args, s, true) }

func compileUntil(c *compiler, args value, s scope, truth bool) expr {
	clauses, ok := c.clauses(args, s)
	if !ok {
		return faultExpr{"and, or need their clauses as a list in the rule"}
	}
	return c.fold(&untilExpr{clauses: clauses, truth: truth}, clauses...)
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

// condition is what it comes to where only the truth is asked.
func (e *untilExpr) condition() condition {
	switch {
	case len(e.clauses) == 0:
		return settled(false)
	case e.truth:
		return anyOf(asConditions(e.clauses))
	default:
		return allOf(asConditions(e.clauses))
	}
}

// truth makes an operator of the truth of its first argument, or of the argument
// itself where that is no list.
func truth(wanted bool) compileFunc {
	apply := evaluated(func(_ *Context, args value) value {
		if args.kind == list && len(args.items()) > 0 {
			args = args.items()[0]
		}
		return boolValue(args.truthy() == wanted)
	})
	return func(c *compiler, args value, s scope) expr {
		if args.kind != list || len(args.items()) != 1 {
			return apply(c, args, s)
		}
		code := c.compile(args.items()[0], s)
		return c.fold(&truthExpr{of: asCondition(code), wanted: wanted}, code)
	}
}

type truthExpr struct {
	of     condition
	wanted bool
}

func (e *truthExpr) eval(c *Context) value { return boolValue(e.test(c)) }

func (e *truthExpr) test(c *Context) bool { return e.of.test(c) == e.wanted }
