package lint_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
)

func TestNothingIsWrongWithTheExamples(t *testing.T) {
	raw, err := os.ReadFile("../../examples/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	if found := check(t, string(raw), lint.Options{Day: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}); len(found) > 0 {
		t.Error(shown(found))
	}
}

// vector is a case of eval's conformance vectors, as far as it matters here.
type vector struct {
	Name, Kind, Bucketing string
	Rule, Flags           json.RawMessage
	Variants              []string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("../testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors:", err)
	}
	var all []vector
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []vector
		if err := json.Unmarshal(raw, &some); err != nil {
			t.Fatal(file, err)
		}
		for _, v := range some {
			v.Name = filepath.Base(file) + ": " + v.Name
			all = append(all, v)
		}
	}
	return all
}

func (v vector) document() string {
	if v.Flags != nil {
		return string(v.Flags)
	}
	var names []string
	for _, name := range append([]string{"default", "yes", "no", "true", "false"}, v.Variants...) {
		if entry := fmt.Sprintf("%q:%q", name, name); !slices.Contains(names, entry) {
			names = append(names, entry)
		}
	}
	metadata := ""
	if v.Bucketing != "" {
		metadata = fmt.Sprintf(`,"metadata":{"bucketing":%q}`, v.Bucketing)
	}
	return fmt.Sprintf(`{"flags":{"flag":{"state":"ENABLED","variants":{%s},"defaultVariant":"default","targeting":%s}}%s}`, strings.Join(names, ","), v.Rule, metadata)
}

// What operators are made for is no error, however odd the rule around it is.
func TestNothingIsWrongWithOperatorsThatAreUsedWell(t *testing.T) {
	checked := 0
	for _, v := range vectors(t) {
		doc, err := eval.Parse([]byte(v.document()), eval.LoadLimits())
		if err != nil {
			continue // the vector is about that
		}
		for _, f := range lint.Check(doc, lint.Options{Day: today, Contract: lint.Off}) {
			if v.Kind == "good" && f.Severity == lint.Error {
				t.Errorf("%s: %s\n%s", v.Name, v.Rule, shown([]lint.Finding{f}))
			}
		}
		checked++
	}
	if checked < 500 {
		t.Errorf("only %d vectors were checked", checked)
	}
}

// TestNoFalseAlarm changes the good flags to others that are as good.
func TestNoFalseAlarm(t *testing.T) {
	const pricingRule = `{"if": [{"and": [{">": [{"var": "age"}, 3]}, {"<": [{"var": "age"}, 5]}]}, "high"]}`
	for _, row := range []struct{ name, from, to string }{
		{"the last day is a good one", `"expires": "2026-05-30"`, `"expires": "2026-03-01"`},
		{"a release that says why it takes long", `"expires": "2026-05-30"`, `"expires": "2028-01-01", "lifetimeReason": "Three shops."`},
		{"an experiment may take long", `"expires": "2027-01-01"`, `"expires": "2029-01-01"`},
		{"a minute", `"maxStaleness": "15m"`, `"maxStaleness": "60s"`},
		{"the default said", `"emergencyAction": "Kill it.", `, `"emergencyAction": "Kill it.", "failMode": "last-known-good", `},
		{"thirds", `["old", 50], ["new", 50]`, `["old", 1], ["new", 1]`},
		{"weights left out", `["old", 50], ["new", 50]`, `["old"], ["new"]`},
		{"tens", `["old", 50], ["new", 50]`, `["old", 9], ["new", 1]`},
		{"thousands", `["old", 50], ["new", 50]`, `["old", 999], ["new", 1]`},
		{"computed weights", `["old", 50], ["new", 50]`, `["old", {"var": "w"}], ["new", 50]`},
		{"a subject below another attribute", `{"var": "userId"}]}, ["on", 10], ["off", 90]]}]},
      "metadata": {"owner": "shop", "kind": "release", "description": "The new shop.", "expires": "2026-05-30", "subject": "userId"}`, `{"var": "user.id"}]}, ["on", 10], ["off", 90]]}]},
      "metadata": {"owner": "shop", "kind": "release", "description": "The new shop.", "expires": "2026-05-30", "subject": "user.id"}`},
		{"a v3 key that is left out", `{"cat": ["ranking", {"var": "targetingKey"}]}, ["old", 50], ["new", 50]]},
      "metadata"`, `["old", 50], ["new", 50]]},
      "note": {"bucketing": "v3"}, "metadata"`},
		{"a variant for overrides", `"variants": {"short": 1, "long": 2}`, `"variants": {"short": 1, "long": 2, "none": 0}, "targeting": {"if": [{"var": "slow"}, "long"]}`},
		{"a safe variant that no rule names", `"safeVariant": "low"`, `"safeVariant": "none"`},
		{"a rule with a variant for everything", pricingRule, `{"var": "plan"}`},
		{"gaps between strings", pricingRule, `{"if": [{"and": [{">": [{"var": "age"}, "a"]}, {"<": [{"var": "age"}, "b"]}]}, "high"]}`},
		{"a number between two", pricingRule, `{"if": [{"and": [{">": [{"var": "age"}, 3]}, {"<": [{"var": "age"}, 4]}]}, "high"]}`},
		{"text that reads as a number", pricingRule, `{"if": [{"and": [{"!=": [{"var": "age"}, 3]}, {"<=": [{"var": "age"}, 3]}]}, "high"]}`},
		{"not everything is a number", pricingRule, `{"if": [{"or": [{"<": [{"var": "age"}, 3]}, {">=": [{"var": "age"}, 3]}]}, "high"]}`},
		{"one number, two texts", pricingRule, `{"if": [{"and": [{"==": [{"var": "age"}, "1"]}, {"==": [{"var": "age"}, "1.0"]}]}, "high"]}`},
		{"text below one text, and above a number", pricingRule, `{"if": [{"and": [{"<": [{"var": "age"}, "2"]}, {">": [{"var": "age"}, 10]}]}, "high"]}`},
		{"a default decides", pricingRule, `{"if": [{"and": [{"<": [{"var": ["age", 1]}, 3]}, {">": [{"var": ["age", 9]}, 5]}]}, "high"]}`},
		{"what a loop reads of its elements", pricingRule, `{"if": [{"some": [{"var": "carts"}, {"==": [{"var": "user_id"}, 1]}]}, "high"]}`},
		{"a constant that is the result", pricingRule, `{"or": [{"if": [{"var": "x"}, "high"]}, "low"]}`},
		{"two conditions that differ", pricingRule, `{"if": [{"var": "a"}, "low", {"var": "b"}, "high"]}`},
		{"booleans that are variants", `"variants": {"low": 1, "high": 2}, "defaultVariant": "low",
      "targeting": ` + pricingRule, `"variants": {"low": 1, "true": 2, "false": 3}, "defaultVariant": "low",
      "targeting": {"==": [{"var": "age"}, 3]}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			if !strings.Contains(good, row.from) {
				t.Fatalf("the good flags have no %s", row.from)
			}
			doc := replaceLast(good, row.from, row.to)
			switch row.name {
			case "a v3 key that is left out":
				doc = replaceLast(doc, `"$evaluators"`, `"metadata": {"bucketing": "v3"}, "$evaluators"`)
			case "a safe variant that no rule names":
				doc = replaceLast(doc, `{"low": 1, "high": 2}`, `{"low": 1, "high": 2, "none": 0}`)
			}
			if found := check(t, doc, lint.Options{}); len(found) > 0 {
				t.Error(shown(found))
			}
		})
	}
}

// The contract counts as much as it is asked to, and nothing else changes with it.
func TestContract(t *testing.T) {
	doc := replaceLast(replaceLast(good, `"owner": "shop", "kind": "ops"`, `"kind": "ops"`), `"staff"}, "on"`, `"staff"}, "no"`)
	for contract, want := range map[lint.Contract]string{
		"": "error unknown-variant error owner", lint.Require: "error unknown-variant error owner",
		lint.Warn: "error unknown-variant warning owner", lint.Off: "error unknown-variant",
	} {
		var got []string
		for _, f := range check(t, doc, lint.Options{Contract: contract}) {
			got = append(got, string(f.Severity), f.Rule)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q; want %q", contract, got, want)
		}
	}
}
