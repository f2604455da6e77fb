package eval

// loop is what map, filter, all, none, some and reduce have in common: a list,
// and a body that runs for each of its elements.
type loop struct {
	subject expr
	body    expr
	before  []expr // of the body, what is computed before the first turn
	each    []expr // and before every turn
	frame   int    // where the body finds the element
	cost    int    // steps of one turn
}

// loop compiles subject and body. The library takes the subject as it stands
// where it is a list, and computes it where it is an operator.
func (c *compiler) loop(items []value, s, inner scope, body func(v value, s scope) expr) loop {
	l := loop{frame: inner.frame, subject: c.subject(items[0], s), cost: 1}
	if len(items) < 2 {
		l.body = faultExpr{"the operator needs a body"}
		return l
	}
	l.body = body(items[1], inner)
	l.cost = nodes(items[1])
	c.solve(&l, items[1], s, inner)
	return l
}

// solve compiles what the library computes when it substitutes: every var of the
// body, in branches too that are never reached, whose path may fail.
func (c *compiler) solve(l *loop, body value, s, inner scope) {
	saved := c.notes
	for i := len(s.solved); i < len(inner.solved); i++ {
		checks := c.solved(body, inner.solved[:i+1], nil)
		if inner.solved[i] == inner.frame {
			l.each = append(l.each, checks...)
		} else {
			l.before = append(l.before, checks...)
		}
	}
	c.notes = saved // the body told the same
}

// solved collects the vars of a body, read from the frames that are asked first.
func (c *compiler) solved(body value, frames []int, checks []expr) []expr {
	for i, item := range body.items() {
		if body.kind == list || body.names()[i] != "var" {
			checks = c.solved(item, frames, checks)
			continue
		}
		if _, _, literal := literalPath(item); literal {
			continue
		}
		var options firstOf
		for _, frame := range frames {
			options = append(options, c.variable(item, frame))
		}
		checks = append(checks, options)
	}
	return checks
}

func (c *compiler) subject(v value, s scope) expr {
	switch v.kind {
	case list:
		return c.replaced(v, s)
	case object:
		code := c.compile(v, s)
		if replaced, ok := code.(substitutedExpr); ok {
			return substitutedSubject(replaced)
		}
		return code
	default:
		return constant{}
	}
}

// substitutedSubject is a subject that is a var: if the library finds a scalar
// to put in its place, there is nothing to step through any more. A list is
// stepped through as it is: nothing in it is run.
type substitutedSubject []expr

func (e substitutedSubject) eval(c *Context) value {
	for _, option := range e[:len(e)-1] {
		spliced := option.(splicedExpr)
		switch v := spliced.from.eval(c); v.kind {
		case null:
		case list:
			return v
		case object:
			return spliced.eval(c)
		default:
			return value{}
		}
	}
	return e[len(e)-1].eval(c)
}

// nodes counts the values of a tree, as a measure of what running it costs.
func nodes(v value) int {
	n := 1
	for _, item := range v.items() {
		n += nodes(item)
	}
	return n
}

// predicate compiles a body that the library insists on being an object.
func (c *compiler) predicate(v value, s scope) expr {
	if v.kind != object {
		return faultExpr{"the body must be an operator, not " + v.kind.String()}
	}
	code := c.compile(v, s)
	if replaced, ok := code.(substitutedExpr); ok {
		return substitutedBody(replaced)
	}
	return code
}

// substitutedBody is a body that is a var: if the library finds a value to put
// in its place, the body is no operator any more.
type substitutedBody []expr

func (e substitutedBody) eval(c *Context) value {
	for _, option := range e[:len(e)-1] {
		v := option.eval(c)
		if v.kind == object {
			return v
		}
		if v.kind != null {
			c.fail("the body is replaced by " + v.kind.String() + " from the context; write it as a comparison")
			return value{}
		}
	}
	return e[len(e)-1].eval(c)
}

// elements gives what to step through; something that is no list is a fault.
// It is false where there is nothing at all, not even an empty list.
func (l *loop) elements(c *Context) (elements []value, ok bool) {
	subject := l.subject.eval(c)
	if subject.kind == null {
		return nil, false
	}
	return c.elements(subject), true
}

// run evaluates the body for one element. What stood in the frame stands there
// again afterwards: a path that is computed inside another loop may have a loop
// of its own, which counts its frames from the outside too.
func (l *loop) run(c *Context, element value) value {
	if !c.spend(l.cost) {
		return value{}
	}
	outer := c.frames[l.frame]
	c.frames[l.frame] = element
	for _, check := range l.each {
		check.eval(c)
	}
	v := l.body.eval(c)
	c.frames[l.frame] = outer
	return v
}

// enter makes room for the loop's frame, and computes what comes before all turns.
func (l *loop) enter(c *Context) {
	for len(c.frames) <= l.frame {
		c.frames = append(c.frames, value{})
	}
	if len(l.before) == 0 || !c.spend(l.cost) {
		return
	}
	for _, check := range l.before {
		check.eval(c)
	}
}

func compileMap(c *compiler, args value, s scope) expr {
	return c.collecting(args, s, s.inside(), func(l loop) expr { return &mapExpr{l} })
}

type mapExpr struct{ loop }

func (e *mapExpr) eval(c *Context) value {
	elements, ok := e.elements(c)
	if !ok {
		return c.temp.list(nil)
	}
	e.enter(c)
	out := c.temp.values.take(len(elements))[:0]
	for _, element := range elements {
		if c.recall() {
			break
		}
		out = append(out, e.run(c, element))
	}
	return c.temp.list(out)
}

func compileFilter(c *compiler, args value, s scope) expr {
	return c.collecting(args, s, s.inside(s.frame), func(l loop) expr { return &filterExpr{l} })
}

type filterExpr struct{ loop }

func (e *filterExpr) eval(c *Context) value {
	elements, ok := e.elements(c)
	if !ok {
		return c.temp.list(nil)
	}
	e.enter(c)
	out := c.temp.values.take(len(elements))[:0]
	for _, element := range elements {
		if c.recall() {
			break
		}
		if e.run(c, element).truthy() {
			out = append(out, element)
		}
	}
	return c.temp.list(out)
}

// collecting compiles an operator that makes a list, an empty one if its
// arguments are too few.
func (c *compiler) collecting(args value, s, inner scope, code func(l loop) expr) expr {
	switch {
	case args.kind != list:
		return faultExpr{"map and filter need their arguments as a list in the rule"}
	case len(args.items()) < 2:
		return constant{listValue(nil)}
	default:
		return code(c.loop(args.items(), s, inner, c.compile))
	}
}

func compileAll(c *compiler, args value, s scope) expr {
	inner := s.inside(s.frame + 1)
	return c.quantifier(args, s, inner, quantifier{stop: false, found: false, otherwise: true, empty: false})
}

func compileNone(c *compiler, args value, s scope) expr {
	return c.quantifier(args, s, s.inside(s.frame), quantifier{stop: true, found: false, otherwise: true, empty: true})
}

func compileSome(c *compiler, args value, s scope) expr {
	inner := s.inside(s.frame, s.frame+1)
	return c.quantifier(args, s, inner, quantifier{stop: true, found: true, otherwise: false, empty: false})
}

func (c *compiler) quantifier(args value, s, inner scope, q quantifier) expr {
	if args.kind != list || len(args.items()) == 0 {
		return faultExpr{"all, none and some need their arguments as a list in the rule"}
	}
	q.loop = c.loop(args.items(), s, inner, c.predicate)
	return &q
}

// quantifier stops at the first element for which the body has the wanted truth.
type quantifier struct {
	loop
	stop      bool // the truth to stop at
	found     bool // the result if it stopped
	otherwise bool // the result if it did not
	empty     bool // the result if there is nothing to step through
}

func (e *quantifier) eval(c *Context) value {
	subject := e.subject.eval(c)
	if !subject.truthy() {
		return boolValue(e.empty)
	}
	e.enter(c)
	for _, element := range c.elements(subject) {
		if c.recall() {
			break
		}
		if e.run(c, element).truthy() == e.stop {
			return boolValue(e.found)
		}
	}
	return boolValue(e.otherwise)
}
