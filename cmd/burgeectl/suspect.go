package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
)

// members are what a flag is made of. In a list of flags, each has its key beside them.
var members = []string{"state", "variants", "defaultVariant", "targeting", "metadata"}

// suspects lists what every sidecar takes without a word, as flagd does, though hardly anyone means it.
func suspects(name string, doc *eval.Document) []problem {
	if doc.Flags() == 0 {
		return []problem{{File: name, Path: "flags", Message: "there are none"}}
	}
	var all []problem
	for _, key := range doc.Keys() {
		for _, p := range suspectsOf(doc, key) {
			p.File = name
			all = append(all, p)
		}
	}
	return all
}

func suspectsOf(doc *eval.Document, key string) []problem {
	path := eval.Change{Flag: key}.Path()
	raw, _ := doc.Definition(key)
	var flag map[string]jsontext.Value
	if json.Unmarshal(raw, &flag) != nil {
		return nil // it was parsed before: an error is no flag
	}
	var found []problem
	for _, member := range slices.Sorted(maps.Keys(flag)) {
		if slices.Contains(members, member) || member == "key" {
			continue
		}
		if alike := near(member, members); len(alike) > 0 {
			found = append(found, problem{Path: path, Message: fmt.Sprintf("nothing reads %q", member), Hint: "did you mean " + strings.Join(alike, " or ") + "?"})
		}
	}
	var state string
	if json.Unmarshal(flag["state"], &state) == nil && state != "ENABLED" && state != "DISABLED" {
		found = append(found, problem{Path: path + ".state", Message: fmt.Sprintf("%q counts as ENABLED", state), Hint: "give ENABLED or DISABLED"})
	}
	if types := typesOf(flag["variants"]); len(types) > 1 {
		found = append(found, problem{Path: path + ".variants", Message: "variants of more than one type: " + strings.Join(types, ", ")})
	}
	return found
}

// typesOf lists what types variants have. Nulls have no say.
func typesOf(variants jsontext.Value) []string {
	var values map[string]jsontext.Value
	if json.Unmarshal(variants, &values) != nil {
		return nil
	}
	names := map[jsontext.Kind]string{'t': "boolean", 'f': "boolean", '"': "string", '0': "number", '{': "object", '[': "list"}
	types := map[string]bool{}
	for _, value := range values {
		if name := names[value.Kind()]; name != "" {
			types[name] = true
		}
	}
	return slices.Sorted(maps.Keys(types))
}
