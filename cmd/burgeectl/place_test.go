package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/flagfile"
	"github.com/burgeehq/burgee/eval/lint"
)

func textOf(t testing.TB, name, raw string) *flagText {
	t.Helper()
	doc, err := flagfile.JSON(name, []byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return &flagText{name: name, raw: []byte(raw), doc: doc}
}

// rest is what stands in a text from a line and a column on.
func rest(raw string, line, column int) string {
	lines := strings.SplitAfter(raw, "\n")
	if line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1])+1 {
		return ""
	}
	return lines[line-1][column-1:] + strings.Join(lines[line:], "")
}

func TestPlaces(t *testing.T) {
	asJSON := "{\n\t\"flags\": {\"a.b\": {\"variants\": {\"x\": \"\\ud83d\\ude00\\/\", \"7\": [1, {\"y\" : 2}]},\n \"targeting\": {\"if\":[ {\"<\": [ 1 , -2.5e1]}, \"x\"]}}}}"
	asYAML := "base: &base\n  owner: shop\nflags:\n  a.b:\n    variants: {x: 1, \"7\": [1, {y: 2}]}\n    metadata:\n      <<: *base\n      kind: ops\n    targeting: &rule {if: [{<: [1, -2.5e1]}, x]}\n  c: {targeting: *rule}\n"
	asList := `{"flags": [{"key": "z"}, {"key": "a", "state": "ON"}]}`
	for _, row := range []struct{ name, raw, path, want string }{
		{"f.json", asJSON, `flags`, `"flags"`},
		{"f.json", asJSON, `flags["a.b"]`, `"a.b"`},
		{"f.json", asJSON, `flags["a.b"].variants.x`, `"\ud83d`},
		{"f.json", asJSON, `flags["a.b"].variants[7]`, `"7"`},
		{"f.json", asJSON, `flags["a.b"].variants[7][1]`, `{"y"`},
		{"f.json", asJSON, `flags["a.b"].variants[7][1].y`, `2}`},
		{"f.json", asJSON, `flags["a.b"].targeting.if[0].<[1]`, `-2.5e1`},
		{"f.json", asJSON, `flags["a.b"].targeting.if[1]`, `"x"]`},
		{"f.json", asJSON, `flags["a.b"].metadata.owner`, `"a.b"`}, // as far as it leads
		{"f.json", asJSON, `nothing`, `{`},
		{"f.yaml", asYAML, `flags["a.b"].variants.x`, `1, "7"`},
		{"f.yaml", asYAML, `flags["a.b"].variants[7][1].y`, `2}`},
		{"f.yaml", asYAML, `flags["a.b"].metadata.kind`, `ops`},
		{"f.yaml", asYAML, `flags["a.b"].metadata.owner`, `shop`}, // where it is merged from
		{"f.yaml", asYAML, `flags.c.targeting.if[0].<[1]`, `-2.5e1`},
		{"f.yaml", asYAML, `flags.c.targeting`, `targeting: *rule`},
		{"f.json", asList, `flags.a.state`, `"ON"`},
		{"f.json", asList, `flags.a`, `{"key": "a"`},
		{"f.json", asList, `flags[0].key`, `"z"`},
	} {
		line, column := textOf(t, row.name, row.raw).at(steps(row.path))
		if got := rest(row.raw, line, column); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %d:%d is at %.20q; want %q", row.path, line, column, got, row.want)
		}
	}
}

// Whatever a name is, the path that eval makes of it leads back to it.
func FuzzSteps(f *testing.F) {
	f.Add("a", "b.c")
	f.Add(`["x"]`, "7")
	f.Add("", "\x00\"]")
	f.Fuzz(func(t *testing.T, first, second string) {
		want := []string{"flags", strings.ToValidUTF8(first, ""), "targeting", strings.ToValidUTF8(second, "")}
		path := ""
		for _, step := range want {
			path = eval.JoinPath(path, step)
		}
		if got := steps(path); !slices.Equal(got, want) {
			t.Fatalf("%s: %q; want %q", path, got, want)
		}
	})
}

// FuzzPlaces holds every place that a finding is said to have to be one in the file, JSON and YAML alike.
func FuzzPlaces(f *testing.F) {
	f.Add(`{"flags": {"a": {"variants": {"on": 1}, "targeting": {"if": [true, "no"]}}}}`, false)
	f.Add("flags:\n  a: &a {variants: {on: 1}}\n  b: {<<: *a, targeting: {if: [{$ref: x}]}}\n", true)
	f.Fuzz(func(t *testing.T, raw string, asYAML bool) {
		name := map[bool]string{false: "f.json", true: "f.yaml"}[asYAML]
		doc, err := flagfile.JSON(name, []byte(raw))
		if err != nil || raw == "" {
			return
		}
		parsed, err := eval.Parse(doc, eval.LoadLimits())
		if err != nil {
			return
		}
		text := &flagText{name: name, raw: []byte(raw), doc: doc}
		var all []problem
		for _, found := range lint.Check(parsed, lint.Options{Day: noon, Alike: near}) {
			all = append(all, problem{Path: found.Path, Message: found.Message})
		}
		all = (&flagFile{name: name, texts: []*flagText{text}}).place(all)
		lines := bytes.Split(text.doc, []byte("\n")) // YAML has more ways to end a line, so that there only the least is asked for
		for _, p := range all {
			if p.Line < 1 || p.Column < 1 || !asYAML && (p.Line > len(lines) || p.Column > len(lines[p.Line-1])+1) {
				t.Fatalf("%+v is no place in %q", p, raw)
			}
		}
	})
}
