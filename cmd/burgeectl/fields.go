package main

import (
	"maps"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// field is one difference inside a changed value.
type field struct {
	Path   string         `json:"path"` // within the flag, such as variants.on; empty is all of it
	Before jsontext.Value `json:"before,omitempty"`
	After  jsontext.Value `json:"after,omitempty"`
}

// maxShown is how many characters of a value are shown.
const maxShown = 60

// fieldsOf lists what an entry changed. A flag that comes or goes is told by its fields.
func fieldsOf(e bundle.Entry) []field {
	if e.Flag == "" {
		return fields(e.Before, e.After)
	}
	return fields(orEmpty(e.Before), orEmpty(e.After))
}

func orEmpty(value jsontext.Value) jsontext.Value {
	if len(value) == 0 {
		return jsontext.Value("{}")
	}
	return value
}

// fields lists what differs between two values, either of which may be absent. It goes into objects, and into lists of one length; other
// lists are shown whole.
func fields(before, after jsontext.Value) []field {
	var found []field
	differ("", before, after, &found)
	return found
}

func differ(path string, before, after jsontext.Value, found *[]field) {
	if sameValue(before, after) {
		return
	}
	if a, b, ok := objects(before, after); ok {
		names := maps.Clone(a)
		maps.Copy(names, b)
		for _, name := range slices.Sorted(maps.Keys(names)) {
			differ(eval.JoinPath(path, name), a[name], b[name], found)
		}
		return
	}
	if a, b, ok := lists(before, after); ok {
		for i := range a {
			differ(path+"["+strconv.Itoa(i)+"]", a[i], b[i], found)
		}
		return
	}
	*found = append(*found, field{path, before, after})
}

// objects reads both values as objects; one that is absent counts as empty at the top, where a flag comes or goes.
func objects(before, after jsontext.Value) (a, b map[string]jsontext.Value, ok bool) {
	a, first := asObject(before)
	b, second := asObject(after)
	return a, b, first && second && len(a)+len(b) > 0
}

func asObject(value jsontext.Value) (map[string]jsontext.Value, bool) {
	if value.Kind() != '{' {
		return nil, false
	}
	var members map[string]jsontext.Value
	return members, json.Unmarshal(value, &members) == nil
}

func lists(before, after jsontext.Value) (a, b []jsontext.Value, ok bool) {
	if before.Kind() != '[' || after.Kind() != '[' || json.Unmarshal(before, &a) != nil || json.Unmarshal(after, &b) != nil {
		return nil, nil, false
	}
	return a, b, len(a) == len(b)
}

// text is a field on a line: what became of what.
func (f field) text() string {
	switch {
	case f.Path == "" && len(f.Before) == 0: // all of a section
		return short(f.After)
	case f.Path == "":
		return short(f.Before) + " -> " + short(f.After)
	case len(f.Before) == 0:
		return f.Path + " = " + short(f.After)
	case len(f.After) == 0:
		return f.Path + " was " + short(f.Before)
	}
	return f.Path + ": " + short(f.Before) + " -> " + short(f.After)
}

// short is a value on a part of a line.
func short(value jsontext.Value) string {
	compact := value.Clone()
	if compact.Compact() != nil || utf8.RuneCount(compact) <= maxShown {
		return string(compact)
	}
	return string([]rune(string(compact))[:maxShown]) + "…"
}
