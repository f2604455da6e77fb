package main

import (
	"strings"
	"testing"
)

func TestFields(t *testing.T) {
	for _, row := range []struct {
		name, before, after string
		want                []string
	}{
		{"nothing", `{"a": 1}`, `{ "a":1 }`, nil},
		{"spelled otherwise", `{"a": "\u0041"}`, `{"a":"A"}`, nil},
		{"a member", `{"a": 1, "b": 2}`, `{"a": 1, "b": 3}`, []string{"b: 2 -> 3"}},
		{"digits count", `{"a": 1.0}`, `{"a": 1}`, []string{"a: 1.0 -> 1"}},
		{"deep", `{"t": {"if": [{"in": ["x", 1]}, "on"]}}`, `{"t": {"if": [{"in": ["x", 2]}, "on"]}}`, []string{"t.if[0].in[1]: 1 -> 2"}},
		{"a list of another length", `{"l": [1, 2]}`, `{"l": [1]}`, []string{"l: [1,2] -> [1]"}},
		{"came and went", `{"a": 1}`, `{"b": 2}`, []string{"a was 1", "b = 2"}},
		{"another type", `{"a": {"x": 1}}`, `{"a": [1]}`, []string{`a: {"x":1} -> [1]`}},
		{"long", `{}`, `{"a": "` + strings.Repeat("ü", 90) + `"}`, []string{`a = "` + strings.Repeat("ü", 59) + "…"}},
		{"a name like a number, as lint spells it", `{"v": {"1": 1}}`, `{"v": {"1": 2}}`, []string{"v[1]: 1 -> 2"}},
		{"a name like a path", `{"a.b": 1}`, `{"a.b": 2}`, []string{`["a.b"]: 1 -> 2`}},
		{"emptied", `{"a": {"x": 1}}`, `{"a": {}}`, []string{"a.x was 1"}},
		{"a list itself", `[1, 2]`, `[1, 3]`, []string{"[1]: 2 -> 3"}},
		{"all of it", `1`, `2`, []string{"1 -> 2"}},
	} {
		var got []string
		for _, f := range fields([]byte(row.before), []byte(row.after)) {
			got = append(got, f.text())
		}
		if strings.Join(got, "|") != strings.Join(row.want, "|") {
			t.Errorf("%s: got %q, want %q", row.name, got, row.want)
		}
	}
}
