package eval

import (
	"fmt"
	"strings"

	"golang.org/x/mod/semver"
)

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
	version, ok := normalVersion(target.value.str)
	test := versionTests[operator.value.str]
	if !ok || test == nil {
		c.warn(fmt.Sprintf("sem_ver never holds with %q %q", operator.value.str, target.value.str))
		return c.fold(general, all)
	}
	return c.fold(&versionExpr{subject: items[0], test: test, target: version}, items[0])
}

type versionExpr struct {
	subject expr
	test    func(a, b string) bool
	target  string
}

func (e *versionExpr) eval(c *Context) value {
	version, ok := c.version(e.subject.eval(c))
	if !ok {
		return value{}
	}
	return boolValue(e.test(version, e.target))
}

// compareArguments is sem_ver with arguments known only now. Anything odd about
// them makes it null, not false.
func compareArguments(c *Context, args value) value {
	items := args.items()
	if args.kind != list || len(items) != 3 || items[1].kind != text {
		return value{}
	}
	a, okA := c.version(items[0])
	b, okB := c.version(items[2])
	test := versionTests[items[1].str]
	if !okA || !okB || test == nil {
		return value{}
	}
	return boolValue(test(a, b))
}

var versionTests = map[string]func(a, b string) bool{
	"=":  func(a, b string) bool { return semver.Compare(a, b) == 0 },
	"!=": func(a, b string) bool { return semver.Compare(a, b) != 0 },
	"<":  func(a, b string) bool { return semver.Compare(a, b) < 0 },
	"<=": func(a, b string) bool { return semver.Compare(a, b) <= 0 },
	">":  func(a, b string) bool { return semver.Compare(a, b) > 0 },
	">=": func(a, b string) bool { return semver.Compare(a, b) >= 0 },
	"^":  func(a, b string) bool { return semver.Major(a) == semver.Major(b) },
	"~":  func(a, b string) bool { return semver.MajorMinor(a) == semver.MajorMinor(b) },
}

// version reads a version from a string, or from a number as it prints.
func (c *Context) version(v value) (string, bool) {
	switch v.kind {
	case text:
		if strings.HasPrefix(v.str, "v") {
			return v.str, semver.IsValid(v.str)
		}
		return c.prefixed(strings.TrimPrefix(v.str, "V"))
	case number:
		return normalVersion(fmt.Sprint(v.num))
	default:
		return "", false
	}
}

// prefixed writes the v that the semver package asks for.
func (c *Context) prefixed(s string) (string, bool) {
	b := c.temp.bytes.take(len(s) + 1)[:0]
	b = append(b, 'v')
	b = append(b, s...)
	version := viewText(b)
	return version, semver.IsValid(version)
}

func normalVersion(s string) (string, bool) {
	if !strings.HasPrefix(s, "v") {
		s = "v" + strings.TrimPrefix(s, "V")
	}
	return s, semver.IsValid(s)
}
