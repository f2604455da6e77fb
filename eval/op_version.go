package eval

import "fmt"

// compileVersion prepares a target version that stands in the rule.
func compileVersion(c *compiler, args value, s scope) expr {
	items, all := c.compileArguments(args, s)
	general := &applyExpr{args: all, fn: compareArguments}
	if len(items) != 3 {
		return c.fold(general, all)
	}
	operator, okOperator := items[1].(constant)
	target, okTarget := items[2].(constant)
	if !okOperator || !okTarget || target.value.kind != text {
		return c.fold(general, all)
	}
	var known version
	c.scratch.steps = 0
	ok := c.scratch.version(&known, &target.value)
	test, exists := versionTests[operator.value.str]
	if !ok || !exists {
		c.warn(RuleVersion, fmt.Sprintf("sem_ver never holds with %q %q", shorten(operator.value.str), shorten(target.value.str)))
		return c.fold(general, all)
	}
	known.text = "v" + known.digits // now, since evaluations share it
	return c.fold(&versionExpr{subject: items[0], holds: test, target: known}, items[0])
}

type versionExpr struct {
	subject expr
	target  version
	holds   versionTest
}

func (e *versionExpr) eval(c *Context) value {
	var v version
	var spare value
	if !c.version(&v, c.look(e.subject, &spare)) {
		return value{}
	}
	return boolValue(e.holds.between(c, &v, &e.target))
}

func (e *versionExpr) test(c *Context) bool {
	var v version
	var spare value
	return c.version(&v, c.look(e.subject, &spare)) && e.holds.between(c, &v, &e.target)
}

// compareArguments is sem_ver with arguments known only now. Anything odd about
// them makes it null, not false.
func compareArguments(c *Context, args value) value {
	items := args.items()
	if args.kind != list || len(items) != 3 || items[1].kind != text {
		return value{}
	}
	var a, b version
	test, exists := versionTests[items[1].str]
	if !exists || !c.version(&a, &items[0]) || !c.version(&b, &items[2]) {
		return value{}
	}
	return boolValue(test.between(c, &a, &b))
}

// versionTest is a relation that two versions may stand in.
type versionTest uint8

const (
	versionIs versionTest = iota
	versionIsNot
	versionBelow
	versionAtMost
	versionAbove
	versionAtLeast
	versionSameMajor
	versionSameMinor
)

var versionTests = map[string]versionTest{
	"=":  versionIs,
	"!=": versionIsNot,
	"<":  versionBelow,
	"<=": versionAtMost,
	">":  versionAbove,
	">=": versionAtLeast,
	"^":  versionSameMajor,
	"~":  versionSameMinor,
}

func (t versionTest) between(c *Context, a, b *version) bool {
	switch t {
	case versionIs:
		return c.compareVersions(a, b) == 0
	case versionIsNot:
		return c.compareVersions(a, b) != 0
	case versionBelow:
		return c.compareVersions(a, b) < 0
	case versionAtMost:
		return c.compareVersions(a, b) <= 0
	case versionAbove:
		return c.compareVersions(a, b) > 0
	case versionAtLeast:
		return c.compareVersions(a, b) >= 0
	case versionSameMajor:
		return c.sameVersion(a, b, 1)
	default:
		return c.sameVersion(a, b, 2)
	}
}
