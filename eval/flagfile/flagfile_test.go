package flagfile

import (
	"errors"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

func TestJSON(t *testing.T) {
	cases := []struct{ name, file, in, want string }{
		{"json as it is", "flags.json", "{ \"a\" : 1.0 ,", "{ \"a\" : 1.0 ,"},
		{"no extension is json", "flags", "a: 1", "a: 1"},
		{"number tokens survive", "f.yaml", "a: 1.0\nb: 9007199254740993\nc: 1e3\nd: -0.50\n", `{"a":1.0,"b":9007199254740993,"c":1e3,"d":-0.50}`},
		{"numbers that JSON writes otherwise", "f.yml", "a: 0x1F\nb: .5\nc: +7\nd: 0o17\n", `{"a":31,"b":0.5,"c":7,"d":15}`},
		{"an integer beyond 64 bits", "f.yaml", "a: 123456789012345678901234567890\n", `{"a":123456789012345678901234567890}`},
		{"words", "F.YAML", "a: true\nb: null\nc: ~\nd:\ne: yes\nf: 'true'\ng: 2026-01-31\n", `{"a":true,"b":null,"c":null,"d":null,"e":"yes","f":"true","g":"2026-01-31"}`},
		{"lists and keys", "f.yaml", "1: [a, {b: c}]\ntrue: []\n\"x\\ny\": {}\n", `{"1":["a",{"b":"c"}],"true":[],"x\ny":{}}`},
		{"aliases", "f.yaml", "a: &x {k: 1.0}\nb: *x\n", `{"a":{"k":1.0},"b":{"k":1.0}}`},
		{"merge keys", "f.yaml", "a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n", `{"a":{"k":1,"l":2},"b":{"l":3,"k":1}}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := JSON(c.file, []byte(c.in))
			if err != nil || string(got) != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestJSONRefuses(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"a tab", "a:\n  b:\n\tc: 1\n", "line 3, column 1: a tab indents this line; YAML takes spaces alone"},
		{"a wrong indent", "a:\n  b: 1\n c: 1\nd: 1\n", "line 2, column 1: did not find expected key"},
		{"a missing bracket", "a: [1, 2\nb: 1\n", "line 1, column 1: did not find expected ',' or ']'"},
		{"an unknown anchor", "a: *b\n", "line 1, column 1: unknown anchor 'b' referenced"},
		{"nothing", "", "line 1, column 1: the file is empty"},
		{"a duplicate key", "a: 1\nb:\n  c: 1\n  c: 2\n", `line 4, column 3: duplicate key "c"`},
		{"a key that is a list", "? [a]\n: 1\n", "line 1, column 3: a key must be a plain value, not a list or a mapping"},
		{"infinity", "a: .inf\n", "line 1, column 4: .inf has no number in JSON"},
		{"a foreign tag", "a: !!binary aGk=\n", "line 1, column 4: the tag !!binary has no meaning in a flag file"},
		{"a second document", "a: 1\n---\nb: 1\n", "line 2, column 1: a second document begins; a flag file holds one"},
		{"a merge of no mapping", "a:\n  <<: 5\n", "line 2, column 7: << takes a mapping, or a list of mappings"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got, err := JSON("f.yaml", []byte(c.in))
			var e *Error
			if !errors.As(err, &e) || err.Error() != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// An alias to what holds it, and a chain of aliases that doubles at each step,
// must end at a limit rather than in the memory.
func TestJSONBounds(t *testing.T) {
	bomb := "a0: &a0 [x, x]\n"
	for i := 'b'; i <= 'z'; i++ {
		bomb += string(i) + ": &" + string(i) + "0 [*" + string(i-1) + "0, *" + string(i-1) + "0]\n"
	}
	for name, in := range map[string]string{
		"doubling aliases": bomb,
		"circular alias":   "a: &a [*a]\n",
		"circular merge":   "a: &a\n  <<: *a\n",
		"long text":        "a: &a " + strings.Repeat("x", 1<<20) + "\nb: [" + strings.Repeat("*a, ", 40) + "1]\n",
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := JSON("f.yaml", []byte(in)); err == nil {
				t.Errorf("got %d bytes; want a limit", len(got))
			} else if !strings.Contains(err.Error(), "limit") {
				t.Error(err)
			}
		})
	}
}

func FuzzJSON(f *testing.F) {
	f.Add("a: &x [1.0, true]\nb: *x\n")
	f.Add("a: {<<: [{b: 1}], c: 0x1}\n")
	f.Fuzz(func(t *testing.T, in string) {
		got, err := JSON("f.yaml", []byte(in))
		if (err == nil) == (got == nil) {
			t.Fatalf("got %q and %v: want one of them", got, err)
		}
		if err == nil && !jsontext.Value(got).IsValid() {
			t.Fatalf("no JSON: %q", got)
		}
	})
}

func TestAByteOrderMarkIsNoPartOfTheFile(t *testing.T) {
	for name, text := range map[string]string{"f.json": `{"a":1}`, "f.yaml": "a: 1\n"} {
		got, err := JSON(name, []byte("\uFEFF"+text))
		if err != nil || string(got) != `{"a":1}` {
			t.Errorf("%s: %s (%v); want the file without its mark", name, got, err)
		}
	}
}
