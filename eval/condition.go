package eval

// condition is a compiled piece of a rule of which only the truth is asked.
type condition interface {
	test(c *Context) bool
}

// asCondition gives a program as a condition, by the shortest way it has.
func asCondition(e expr) condition {
	switch e := e.(type) {
	case condition:
		return e
	case *untilExpr:
		return e.condition()
	case constant:
		return settled(e.value.truthy())
	default:
		return truthOf{e}
	}
}

func asConditions(all []expr) []condition {
	conditions := make([]condition, len(all))
	for i, e := range all {
		conditions[i] = asCondition(e)
	}
	return conditions
}

// truthOf is the truth of whatever a program comes to.
type truthOf struct{ of expr }

func (t truthOf) test(c *Context) bool { return t.of.eval(c).truthy() }

// settled is a condition known at compile.
type settled bool

func (s settled) test(*Context) bool { return bool(s) }

// allOf and anyOf are and, or where only their truth is asked.
type (
	allOf []condition
	anyOf []condition
)

func (all allOf) test(c *Context) bool {
	for _, condition := range all {
		if !condition.test(c) {
			return false
		}
	}
	return true
}

func (all anyOf) test(c *Context) bool {
	for _, condition := range all {
		if condition.test(c) {
			return true
		}
	}
	return false
}
