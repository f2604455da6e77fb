// Package schema holds docs/schema/flags.schema.json, which editors use, against the linter, which decides.
package schema

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
)

const root = "../../"

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	raw, err := os.ReadFile(root + "docs/schema/flags.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("flags.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	return compiler.MustCompile("flags.schema.json")
}

// valid is nil where the schema takes a document.
func valid(t *testing.T, schema *jsonschema.Schema, document string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(document))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(doc)
}

// linted gives the names of the rules that a document breaks; "parse" where it cannot be read at all.
func linted(document string) []string {
	doc, err := eval.Parse([]byte(document), eval.LoadLimits())
	if err != nil {
		return []string{"parse"}
	}
	var names []string
	for _, f := range lint.Check(doc, lint.Options{Day: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}) {
		names = append(names, f.Rule)
	}
	return names
}

// good is a flag of each kind, with whatever a flag may have.
const good = `{
  "$schema": "flags.schema.json",
  "metadata": {"flagSetId": "shop", "bucketing": "v2", "tier": 1},
  "flags": {
    "launch": {
      "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
      "targeting": {"if": [{"$ref": "staff"}, "on", {"sem_ver": [{"var": "app"}, "<", "4.2.0"]}, "off", {"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 10], ["off", 90]]}]},
      "metadata": {"owner": "shop", "kind": "release", "description": "The new shop.", "expires": "2026-12-31", "lifetimeReason": "Three shops follow.", "subject": "userId"}
    },
    "payments": {
      "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
      "metadata": {"owner": "shop", "kind": "kill-switch", "description": "Takes money.", "emergencyAction": "Kill it.", "safeVariant": "off"}
    },
    "ranking": {
      "state": "ENABLED", "variants": {"old": {"a": 1}, "new": {"b": [2]}}, "defaultVariant": "old",
      "targeting": {"if": [{"<": [{"stable_bucket": [{"var": "targetingKey"}, "salt"]}, 0.5]}, "old", "new"]},
      "metadata": {"owner": "shop", "kind": "experiment", "description": "Who buys more.", "expires": "2027-01-01", "subject": "targetingKey"}
    },
    "pricing": {
      "state": "ENABLED", "variants": {"low": 1, "high": 2.5}, "defaultVariant": "low",
      "targeting": {"if": [{"and": [{">": [{"var": ["age", 0]}, 3]}, {"in": [{"var": "country"}, ["DE", "AT"]]}, {"some": [{"var": "carts"}, {"==": [{"var": ""}, "full"]}]}]}, "high"]},
      "metadata": {"owner": "shop", "kind": "permission", "description": "What it costs.", "failMode": "closed", "safeVariant": "low", "maxStaleness": "1h30m"}
    },
    "timeout": {
      "state": "ENABLED", "variants": {"short": 1, "long": 2}, "defaultVariant": "long", "targeting": {},
      "metadata": {"owner": "shop", "kind": "ops", "description": "How long.", "emergencyAction": "Set it to short.", "beta": true}
    }
  },
  "$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@shop"]}}
}`

func TestGoodFlags(t *testing.T) {
	examples, err := os.ReadFile(root + "examples/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := compiled(t)
	list := `{"flags": [{"key": "a", "state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on", "metadata": {"owner": "a", "kind": "permission", "description": "b"}}]}`
	for name, document := range map[string]string{"of each kind": good, "the examples": string(examples), "in a list": list} {
		if err := valid(t, schema, document); err != nil {
			t.Errorf("%s: the schema refuses: %v", name, err)
		}
		if names := linted(document); len(names) > 0 {
			t.Errorf("%s: the linter finds %q", name, names)
		}
	}
}

// TestBadFlags breaks the good flags in one place each. Both see it, or the row says that a schema cannot.
func TestBadFlags(t *testing.T) {
	schema := compiled(t)
	for _, row := range []struct {
		rule, from, to string
		onlyLint       bool
	}{
		{rule: "owner", from: `"owner": "shop", "kind": "ops"`, to: `"kind": "ops"`},
		{rule: "owner", from: `"owner": "shop", "kind": "ops"`, to: `"owner": " ", "kind": "ops"`},
		{rule: "owner", from: `"owner": "shop", "kind": "ops"`, to: `"owner": 7, "kind": "ops"`},
		{rule: "kind", from: `"kind": "ops", `, to: ``},
		{rule: "kind", from: `"kind": "ops"`, to: `"kind": "opz"`},
		{rule: "description", from: `"description": "How long.", `, to: ``},
		{rule: "expires", from: `"expires": "2027-01-01", `, to: ``},
		{rule: "expires", from: `"expires": "2026-12-31", `, to: ``},
		{rule: "expires", from: `"expires": "2027-01-01"`, to: `"expires": "1.1.2027"`},
		{rule: "expired", from: `"expires": "2027-01-01"`, to: `"expires": "2026-01-01"`, onlyLint: true},
		{rule: "lifetime", from: `"lifetimeReason": "Three shops follow.", `, to: ``, onlyLint: true},
		{rule: "lifetime", from: `"Three shops follow."`, to: `" "`},
		{rule: "emergency-action", from: `"emergencyAction": "Kill it.", `, to: ``},
		{rule: "emergency-action", from: `, "emergencyAction": "Set it to short."`, to: ``},
		{rule: "safe-variant", from: `, "safeVariant": "off"`, to: ``},
		{rule: "safe-variant", from: `"safeVariant": "low", `, to: ``},
		{rule: "safe-variant", from: `"safeVariant": "low"`, to: `"safeVariant": "lower"`, onlyLint: true},
		{rule: "fail-mode", from: `"failMode": "closed"`, to: `"failMode": "close"`},
		{rule: "max-staleness", from: `, "maxStaleness": "1h30m"`, to: ``},
		{rule: "max-staleness", from: `"maxStaleness": "1h30m"`, to: `"maxStaleness": "soon"`},
		{rule: "max-staleness", from: `"maxStaleness": "1h30m"`, to: `"maxStaleness": 90`},
		{rule: "short-staleness", from: `"maxStaleness": "1h30m"`, to: `"maxStaleness": "5s"`, onlyLint: true},
		{rule: "subject", from: `, "subject": "targetingKey"`, to: ``},
		{rule: "subject", from: `, "subject": "userId"`, to: ``, onlyLint: true},
		{rule: "metadata-type", from: `"beta": true`, to: `"beta": [true]`},
		{rule: "metadata-type", from: `"tier": 1`, to: `"tier": null`},
		{rule: "kill-switch", from: `"defaultVariant": "on"`, to: `"defaultVariant": "off"`, onlyLint: true},
		{rule: "kill-switch", from: `, "defaultVariant": "on"`, to: ``},
		{rule: "kill-switch", from: `"state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"`, to: `"state": "DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"`},
		{rule: "experiment", from: `"targeting": {"if": [{"<": [{"stable_bucket": [{"var": "targetingKey"}, "salt"]}, 0.5]}, "old", "new"]},`, to: ``},
		{rule: "no-variants", from: `{"short": 1, "long": 2}`, to: `{}`},
		{rule: "variant-types", from: `{"short": 1, "long": 2}`, to: `{"short": 1, "long": "2"}`},
		{rule: "state", from: `"state": "ENABLED", "variants": {"short"`, to: `"state": "enabled", "variants": {"short"`},
		{rule: "state", from: `"state": "ENABLED", "variants": {"short"`, to: `"variants": {"short"`},
		{rule: "no-default", from: `"defaultVariant": "long"`, to: `"defaultVariant": ""`},
		{rule: "default-variant", from: `"defaultVariant": "long"`, to: `"defaultVariant": "longer"`, onlyLint: true},
		{rule: "unknown-operator", from: `{"ends_with": `, to: `{"ends_wiht": `},
		{rule: "unknown-operator", from: `{">": [{"var"`, to: `{">>": [{"var"`},
		{rule: "reference", from: `{"$ref": "staff"}`, to: `{"$ref": "stuff"}`, onlyLint: true},
		{rule: "fractional", from: `["on", 10], ["off", 90]`, to: `["on", 9.5], ["off", 90.5]`},
		{rule: "sem-ver", from: `"<", "4.2.0"`, to: `"=<", "4.2.0"`},
		{rule: "unknown-variant", from: `"staff"}, "on"`, to: `"staff"}, "no"`, onlyLint: true},
		{rule: "parse", from: `"flags": {`, to: `"flagz": {`},
		{rule: "parse", from: `"bucketing": "v2"`, to: `"bucketing": "v1"`},
		{rule: "parse", from: `"launch": {`, to: `"la..unch": {`},
		{rule: "parse", from: `{"ends_with": [{"var": "email"}, "@shop"]}`, to: `{}`},
		{rule: "parse", from: `"variants": {"short": 1, "long": 2}`, to: `"variants": [1, 2]`},
	} {
		t.Run(row.rule, func(t *testing.T) {
			if strings.Count(good, row.from) != 1 {
				t.Fatalf("the good flags hold %s %d times", row.from, strings.Count(good, row.from))
			}
			document := strings.Replace(good, row.from, row.to, 1)
			if names := linted(document); !slices.Contains(names, row.rule) {
				t.Errorf("%s: the linter finds %q; want %s", row.to, names, row.rule)
			}
			if err := valid(t, schema, document); (err == nil) != row.onlyLint {
				t.Errorf("%s: the schema says %v", row.to, err)
			}
		})
	}
}

// An operator that eval gets is one that the schema must know, and the other way round.
func TestOperators(t *testing.T) {
	schema := compiled(t)
	with := func(operator string) string {
		args := `[{"var": "a"}, "<", "1.0.0"]`
		if operator == "stable_bucket" {
			args = `[{"var": "userId"}, "salt"]`
		}
		return strings.Replace(good, `{"ends_with": [{"var": "email"}, "@shop"]}`, `{"`+operator+`": `+args+`}`, 1)
	}
	for _, name := range eval.Operators() {
		if name == "fractional" {
			continue // the good flags have it
		}
		if err := valid(t, schema, with(name)); err != nil {
			t.Errorf("the schema does not know %s: %v", name, err)
		}
	}
	for _, name := range []string{"log", "between", "Var", ""} {
		if valid(t, schema, with(name)) == nil {
			t.Errorf("the schema takes %q for an operator", name)
		}
	}
}
