package eval

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestParseRefuses(t *testing.T) {
	cases := []struct{ name, doc, want string }{
		{"nothing", ``, `the document is empty (line 1, column 1)`},
		{"a list", `[]`, `must be an object, not a list (line 1, column 1)`},
		{"no flags", `{}`, `flags: missing`},
		{"null flags", `{"flags":null}`, `flags: must be an object, not null (line 1, column 10)`},
		{"a null flag", `{"flags":{"a":null}}`, `flags.a: must be an object, not null (line 1, column 15)`},
		{"a null state", `{"flags":{"a":{"state":null}}}`, `flags.a.state: must be a string, not null (line 1, column 24)`},
		{"a state that is a boolean", `{"flags":{"a":{"state":true}}}`, `flags.a.state: must be a string, not a boolean (line 1, column 24)`},
		{"null variants", `{"flags":{"a":{"variants":null}}}`, `flags.a.variants: must be an object, not null (line 1, column 27)`},
		{"a default variant that is a number", `{"flags":{"a":{"defaultVariant":1}}}`, `flags.a.defaultVariant: must be a string, not a number (line 1, column 33)`},
		{"null metadata", `{"flags":{"a":{"metadata":null}}}`, `flags.a.metadata: must be an object, not null (line 1, column 27)`},
		{"null evaluators", `{"flags":{},"$evaluators":null}`, `$evaluators: must be an object, not null (line 1, column 27)`},
		{"an empty evaluator", `{"flags":{},"$evaluators":{"a":{}}}`, `$evaluators.a: an evaluator must not be empty (line 1, column 33)`},
		{"a duplicate variant", "{\"flags\":{\"checkout\":{\"variants\":{\n  \"on\":1,\n  \"on\":2}}}}", `flags.checkout.variants: duplicate key "on" (line 3, column 3)`},
		{"a duplicate flag", `{"flags":{"a.b":{},"a.b":{}}}`, `flags: duplicate key "a.b" (line 1, column 20)`},
		{"a duplicate flag in a list", `{"flags":[{"key":"a"},{"key":"a"}]}`, `flags[1]: duplicate key "a" (line 1, column 33)`},
		{"a duplicate deep in a value", `{"flags":{"a.b":{"variants":{"on":[{"x":1,"x":2}]}}}}`, `flags["a.b"].variants.on[0]: duplicate key "x" (line 1, column 43)`},
		{"a flag in a list without a key", `{"flags":[{}]}`, `flags[0]: a flag in a list needs a key (line 1, column 12)`},
		{"an empty key", `{"flags":{"":{}}}`, `flags[""]: a flag's key must not be empty (line 1, column 11)`},
		{"a key with two dots", `{"flags":{"a..b":{}}}`, `flags["a..b"]: the key "a..b" contains ".." (line 1, column 11)`},
		{"an unknown bucketing", `{"flags":{},"metadata":{"bucketing":"v9"}}`, `metadata.bucketing: unknown bucketing "v9"; known: ["v2" "v3"]`},
		{"a number beyond a float", `{"flags":{"a":{"variants":{"on":1e999}}}}`, `flags.a.variants.on: the number 1e999 is beyond a 64-bit float (line 1, column 33)`},
		{"more behind the end", `{"flags":{}} {}`, `more follows after the end of the document (line 1, column 14)`},
		{"an early end", `{"flags":{"a":`, `flags.a: the document ends too early (line 1, column 15)`},
		{"invalid UTF-8", "{\"flags\":{\"a\":{\"state\":\"\xff\"}}}", `flags.a.state: invalid UTF-8 (line 1, column 25)`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			doc, err := Parse([]byte(c.doc), LoadLimits())
			var refused *ParseError
			if doc != nil || !errors.As(err, &refused) || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// Each limit is met by one document and passed by the next.
func TestParseLimits(t *testing.T) {
	limits := Limits{Flags: 3, Depth: 8, RuleNodes: 6, List: 4, String: 20, Values: 20, Answers: 1440}
	flag := func(members string) string { return `{"flags":{"a":{` + members + `}}}` }
	many := func(n int, format string) string {
		var items []string
		for i := range n {
			items = append(items, strings.ReplaceAll(format, "N", fmt.Sprint(i)))
		}
		return strings.Join(items, ",")
	}
	cases := []struct {
		name string
		doc  func(n int) string
		most int
		want string
	}{
		{"flags", func(n int) string { return `{"flags":{` + many(n, `"N":{}`) + `}}` }, 3, "flags[3]: flags: more than the limit of 3"},
		{"flags in a list", func(n int) string { return `{"flags":[` + many(n, `{"key":"N"}`) + `]}` }, 3, "flags[2]: flags: more than the limit of 3"},
		{"nesting", func(n int) string {
			return flag(`"variants":{"on":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`)
		}, 4, "flags.a.variants.on[0][0][0][0]: nesting: more than the limit of 8"},
		{"list", func(n int) string { return flag(`"targeting":[` + many(n, `1`) + `]`) }, 4, "flags.a.targeting[3]: elements of one list: more than the limit of 4"},
		{"members", func(n int) string { return flag(`"targeting":{` + many(n, `"N":1`) + `}`) }, 4, "flags.a.targeting[4]: members of one object: more than the limit of 4"},
		{"variants", func(n int) string { return flag(`"variants":{` + many(n, `"N":1`) + `}`) }, 4, "flags.a.variants[4]: variants: more than the limit of 4"},
		{"string", func(n int) string { return flag(`"state":"` + strings.Repeat("x", n) + `"`) }, 20, "flags.a.state: a string of 21 bytes: more than the limit of 20"},
		{"name", func(n int) string { return flag(`"` + strings.Repeat("x", n) + `":1`) }, 20, "flags.a." + strings.Repeat("x", 21) + ": a string of 21 bytes: more than the limit of 20"},
		{"answers", func(n int) string {
			return `{"flags":{"a":{},"b":{},"c":{}},"metadata":{` + many(n, `"N":"`+strings.Repeat("x", 20)+`"`) + `}}`
		}, 3, "metadata: answers of all flags, 1446 bytes: more than the limit of 1440"},
		{"values", func(n int) string {
			return flag(`"x":[` + many(4, `1`) + `],"variants":{"on":[` + many(4, `1`) + `],"off":[[` + many(n-14, `1`) + `],1]}`)
		}, 15, "flags.a.variants.off[1]: names and values of one flag, or of all evaluators: more than the limit of 20"},
		{"values of evaluators", func(n int) string {
			return `{"flags":{},"$evaluators":{` + many(3, `"N":[1,2,3]`) + `,"y":[` + many(n, `1`) + `]}}`
		}, 2, "$evaluators.y[2]: names and values of one flag, or of all evaluators: more than the limit of 20"},
		{"values behind references", func(n int) string {
			return `{"$evaluators":{"x":[1,2,3,4]},"flags":{"a":{"targeting":[{"$ref":"x"},{"$ref":"x"},{"$ref":"x"},[` + many(n, `1`) + `]]}}}`
		}, 3, "flags.a.targeting: names and values, references followed: more than the limit of 20"},
		{"rule nodes", func(n int) string {
			return flag(`"targeting":[[` + many(n-3, `[]`) + `],[]]`)
		}, 6, "flags.a.targeting[0]: rule nodes: more than the limit of 6"},
		{"rule nodes behind references", func(n int) string {
			return `{"$evaluators":{"x":[[],[]]},"flags":{"a":{"targeting":[{"$ref":"x"},[` + many(n-5, `[]`) + `]]}}}`
		}, 6, "flags.a.targeting: rule nodes, references followed: more than the limit of 6"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Parse([]byte(c.doc(c.most)), limits); err != nil {
				t.Errorf("at the limit: %v", err)
			}
			_, err := Parse([]byte(c.doc(c.most+1)), limits)
			var refused *ParseError
			if !errors.As(err, &refused) || !refused.Limit || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("beyond the limit: got %v\nwant %s", err, c.want)
			}
		})
	}
}

// A document that ends too early, wherever it does, is refused like any other.
func TestParseRefusesTruncations(t *testing.T) {
	whole := `{"$evaluators":{"a":{"in":[1,[{"var":"x"}]]},"b":"c"},"metadata":{"m":1.5},"flags":{"f":{"state":"ENABLED","variants":{"on":[true,"\u00e9"]},"defaultVariant":"on","targeting":{"if":[{"$ref":"a"},"on"]},"metadata":{"owner":"x"},"other":{}}}}`
	if _, err := Parse([]byte(whole), LoadLimits()); err != nil {
		t.Fatal(err)
	}
	for i := range len(whole) {
		if d, err := Parse([]byte(whole[:i]), LoadLimits()); err == nil {
			t.Errorf("took %q: %v", whole[:i], d)
		}
	}
	for i := range len(whole) { // nor is one whose byte is another
		for _, b := range []byte(`{}[]:,"0x \`) {
			changed := []byte(whole)
			changed[i] = b
			if d, err := Parse(changed, LoadLimits()); err == nil {
				Compile(d, Options{})
			}
		}
	}
}

func TestShare(t *testing.T) {
	got := LoadLimits().Share(80)
	want := Limits{Flags: 8_000, Depth: 25, RuleNodes: 1_600, List: 4_000, String: 52_428, Values: 40_000, Answers: 13_421_772, Memory: LoadLimits().Memory * 80 / 100}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
