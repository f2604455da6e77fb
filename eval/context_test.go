package eval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseRequest(t *testing.T) {
	cases := []struct{ name, body, want string }{
		{"a context", `{"context":{"a":"x"}}`, "x"},
		{"other members", ` {"b":[1,{}],"context" : {"a":"x"} , "c":null} `, "x"},
		{"an escaped name", `{"conte\u0078t":{"\u0061":"x"}}`, "x"},
		{"nothing", ``, ""},
		{"only whitespace", " \r\n\t", ""},
		{"no context", `{}`, ""},
		{"a context that is a string", `{"context":"x"}`, ""},
		{"a context that is null", `{"context":null}`, ""},
		{"the last of equal names", `{"context":{"a":"y"},"context":{"a":"x"}}`, "x"},
		{"two strings are no context", `{"context":{"a":"x"},"context":"y"}`, ""},
	}
	flag := onlyFlag(t, `{"var":"a"}`, "x", "y")
	var c Context
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.ParseRequest([]byte(tc.body)); err != nil {
				t.Fatal(err)
			}
			got := ""
			if a := flag.Evaluate(&c, 0); a.Variant >= 0 {
				got = flag.Variants()[a.Variant]
			}
			if got != tc.want {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

func TestContextRefuses(t *testing.T) {
	cases := []struct{ body, want string }{
		{`[1]`, "the request must be a JSON object, not a list (at byte 3)"},
		{`{bad`, "a member's name is expected (at byte 1)"},
		{`{"a":1,}`, "a member's name is expected (at byte 7)"},
		{`{"a" 1}`, "a colon is expected after a member's name (at byte 5)"},
		{`{"a":1 "b":2}`, "a comma or the end of the container is expected (at byte 7)"},
		{`{"a":}`, "a JSON value is expected (at byte 5)"},
		{`{"a":nul}`, "a JSON value is expected (at byte 5)"},
		{`{"a":01}`, "a comma or the end of the container is expected (at byte 6)"},
		{`{"a":-}`, "a number is malformed (at byte 6)"},
		{`{"a":1.}`, "a number is malformed (at byte 7)"},
		{`{"a":1e999}`, "a number is beyond a 64-bit float (at byte 10)"},
		{`{"a":"\x"}`, "a string holds an escape that JSON does not know (at byte 6)"},
		{`{"a":"\u12g4"}`, "a string holds an escape that JSON does not know (at byte 6)"},
		{"{\"a\":\"\n\"}", "a string holds a control character that is not escaped (at byte 6)"},
		{"{\"a\":\"\xff\"}", "a string is not valid UTF-8 (at byte 6)"},
		{`{"a":"`, "a string does not end (at byte 6)"},
		{`{} {}`, "more follows after the end of the JSON value (at byte 3)"},
	}
	var c Context
	for _, tc := range cases {
		err := c.ParseRequest([]byte(tc.body))
		var refused *ContextError
		if !errors.As(err, &refused) || refused.Limit || err.Error() != tc.want {
			t.Errorf("%s\ngot  %v\nwant %s", tc.body, err, tc.want)
		}
	}
}

func TestContextLimits(t *testing.T) {
	members := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `,"%d":1`, i)
		}
		return "{" + b.String()[1:] + "}"
	}
	cases := []struct {
		name string
		body func(n int) string
		most int
	}{
		{"bytes", func(n int) string { return `{"a":"` + strings.Repeat("x", n-8) + `"}` }, MaxContextSize},
		{"nesting", func(n int) string { return `{"a":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + `}` }, MaxContextDepth},
		{"members", members, MaxContextMembers},
		{"elements", func(n int) string { return `{"a":[0` + strings.Repeat(",0", n-1) + `]}` }, MaxContextElements},
	}
	var c Context
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			if err := c.Parse([]byte(tc.body(tc.most))); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			err := c.Parse([]byte(tc.body(tc.most + 1)))
			var refused *ContextError
			if !errors.As(err, &refused) || !refused.Limit || !strings.Contains(err.Error(), fmt.Sprint(tc.most)) {
				t.Errorf("beyond the limit: %v", err)
			}
		})
	}
}

// A context is reused: nothing of one request may show in the next.
func TestContextForgets(t *testing.T) {
	flag := onlyFlag(t, `{"cat":[{"var":"a"},{"var":"b"}]}`, "xy", "x", "y", "")
	var c Context
	for _, tc := range []struct{ body, want string }{
		{`{"a":"x","b":"y"}`, "xy"}, {`{"a":"x"}`, "x"}, {`{"b":"y"}`, "y"}, {`{}`, ""},
	} {
		if err := c.Parse([]byte(tc.body)); err != nil {
			t.Fatal(err)
		}
		if a := flag.Evaluate(&c, 0); a.Variant < 0 || flag.Variants()[a.Variant] != tc.want {
			t.Errorf("%s: %s", tc.body, a.JSON)
		}
	}
}

// Rulesets number attributes each in their own way; one context serves both.
func TestContextServesTwoRulesets(t *testing.T) {
	one := onlyFlag(t, `{"var":"a"}`, "x", "y")
	two := onlyFlag(t, `{"or":[{"var":"b"},{"var":"a"}]}`, "x", "y")
	var c Context
	if err := c.Parse([]byte(`{"a":"x","b":"y"}`)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if a := one.Evaluate(&c, 0); a.Variant != 0 {
			t.Errorf("one: %s", a.JSON)
		}
		if a := two.Evaluate(&c, 0); a.Variant != 1 {
			t.Errorf("two: %s", a.JSON)
		}
	}
}

// onlyFlag compiles a flag with a rule and string variants named as their values.
func onlyFlag(t testing.TB, rule string, variants ...string) *Flag {
	t.Helper()
	var members []string
	for _, v := range variants {
		members = append(members, quote(v)+":"+quote(v))
	}
	r := ruleset(t, `{"flags":{"flag":{"state":"ENABLED","variants":{`+strings.Join(members, ",")+`},"targeting":`+rule+`}}}`)
	return r.Flags()[0]
}

func ruleset(t testing.TB, doc string) *Ruleset {
	t.Helper()
	return Compile(document(t, doc), Options{})
}

func document(t testing.TB, doc string) *Document {
	t.Helper()
	d, err := Parse([]byte(doc), LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	return d
}
