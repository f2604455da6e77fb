package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/sync/bundle"
)

// field is one place of a flag or section that a revision changes.
type field struct {
	Path   string         `json:"path"` // within the flag or section; "" is all of it
	Before jsontext.Value `json:"before,omitzero"`
	After  jsontext.Value `json:"after,omitzero"`
}

// fieldsOf compares what an entry changed, field by field: objects by their members, lists by their items where they have as many.
func fieldsOf(e bundle.Entry) []field {
	var found []field
	compareFields("", compact(e.Before), compact(e.After), &found)
	return found
}

func compareFields(path string, before, after jsontext.Value, found *[]field) {
	if bytes.Equal(before, after) {
		return
	}
	if then, now := membersOf(before), membersOf(after); then != nil && now != nil {
		for _, name := range unionOf(then, now) {
			compareFields(join(path, name), then[name], now[name], found)
		}
		return
	}
	if then, now := itemsOf(before), itemsOf(after); len(then) > 0 && len(then) == len(now) {
		for i := range then {
			compareFields(fmt.Sprintf("%s[%d]", path, i), then[i], now[i], found)
		}
		return
	}
	*found = append(*found, field{path, before, after})
}

// compact takes insignificant whitespace away; what was published is JSON.
func compact(v jsontext.Value) jsontext.Value {
	v = v.Clone()
	_ = v.Compact() // an absent value is none, and stays so
	return v
}

func membersOf(v jsontext.Value) map[string]jsontext.Value {
	var members map[string]jsontext.Value
	if v.Kind() != '{' || json.Unmarshal(v, &members) != nil {
		return nil
	}
	return members
}

func itemsOf(v jsontext.Value) []jsontext.Value {
	var items []jsontext.Value
	if v.Kind() != '[' || json.Unmarshal(v, &items) != nil {
		return nil
	}
	return items
}

// unionOf gives the names of both, sorted.
func unionOf(a, b map[string]jsontext.Value) []string {
	var names []string
	for name := range a {
		names = append(names, name)
	}
	for name := range b {
		if _, both := a[name]; !both {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// join adds a member's name to a path, quoted where it would read as more than one step.
func join(path, name string) string {
	if name == "" || strings.ContainsAny(name, ".[]\" \t\n") {
		return fmt.Sprintf("%s[%q]", path, name)
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// maxShown is how many characters of a value are shown in text; JSON has all of it.
const maxShown = 100

// signs mark lines the way diffs do.
var signs = map[string]string{"added": "+", "changed": "~", "removed": "-"}

// printEntry prints what an entry changed, a line a field.
func printEntry(out io.Writer, e bundle.Entry) {
	sign := signs[e.Kind]
	fmt.Fprintln(out, oneLine(sign+" "+e.Flag+e.Section))
	if e.Kind == "removed" {
		return
	}
	for _, f := range fieldsOf(e) {
		fmt.Fprintln(out, "   ", oneLine(f.text()))
	}
}

func (f field) text() string {
	switch {
	case f.Before == nil:
		return strings.TrimPrefix(f.Path+": ", ": ") + brief(f.After)
	case f.After == nil:
		return f.Path + ": was " + brief(f.Before)
	}
	return strings.TrimPrefix(f.Path+": ", ": ") + brief(f.Before) + " -> " + brief(f.After)
}

// brief is a value, shortened.
func brief(v jsontext.Value) string {
	text := string(v)
	if utf8.RuneCountInString(text) <= maxShown {
		return text
	}
	return string([]rune(text)[:maxShown]) + "…"
}
