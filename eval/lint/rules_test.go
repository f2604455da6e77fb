package lint_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
)

var today = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// good is a document in which nothing is wrong. Rows of TestRules put one thing into it that is.
const good = `{
  "flags": {
    "launch": {
      "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "off",
      "targeting": {"if": [{"$ref": "staff"}, "on", {"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 10], ["off", 90]]}]},
      "metadata": {"owner": "shop", "kind": "release", "description": "The new shop.", "expires": "2026-05-30", "subject": "userId"}
    },
    "payments": {
      "state": "ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on",
      "metadata": {"owner": "shop", "kind": "kill-switch", "description": "Takes money.", "emergencyAction": "Kill it.", "safeVariant": "off"}
    },
    "ranking": {
      "state": "ENABLED", "variants": {"old": "o", "new": "n"}, "defaultVariant": "old",
      "targeting": {"fractional": [{"cat": ["ranking", {"var": "targetingKey"}]}, ["old", 50], ["new", 50]]},
      "metadata": {"owner": "shop", "kind": "experiment", "description": "Who buys more.", "expires": "2027-01-01", "subject": "targetingKey"}
    },
    "pricing": {
      "state": "ENABLED", "variants": {"low": 1, "high": 2}, "defaultVariant": "low",
      "targeting": {"if": [{"and": [{">": [{"var": "age"}, 3]}, {"<": [{"var": "age"}, 5]}]}, "high"]},
      "metadata": {"owner": "shop", "kind": "permission", "description": "What it costs.", "failMode": "closed", "safeVariant": "low", "maxStaleness": "15m"}
    },
    "timeout": {
      "state": "ENABLED", "variants": {"short": 1, "long": 2}, "defaultVariant": "long",
      "metadata": {"owner": "shop", "kind": "ops", "description": "How long.", "emergencyAction": "Set it to short."}
    }
  },
  "$evaluators": {"staff": {"ends_with": [{"var": "email"}, "@shop"]}}
}`

func check(t testing.TB, doc string, options lint.Options) []lint.Finding {
	t.Helper()
	parsed, err := eval.Parse([]byte(doc), eval.LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	if options.Day.IsZero() {
		options.Day = today
	}
	return lint.Check(parsed, options)
}

func shown(found []lint.Finding) string {
	var text strings.Builder
	for _, f := range found {
		fmt.Fprintf(&text, "%s %s %s: %s (%s)\n", f.Severity, f.Rule, f.Path, f.Message, f.Hint)
	}
	return text.String()
}

func TestNothingIsWrongWithGoodFlags(t *testing.T) {
	if found := check(t, good, lint.Options{}); len(found) > 0 {
		t.Error(shown(found))
	}
}

// TestRules makes the smallest change to good flags that breaks a rule. That the flags are good without it is the test above.
func TestRules(t *testing.T) {
	launchRule := `{"if": [{"$ref": "staff"}, "on", {"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 10], ["off", 90]]}]}`
	pricingRule := `{"if": [{"and": [{">": [{"var": "age"}, 3]}, {"<": [{"var": "age"}, 5]}]}, "high"]}`
	rows := []struct{ rule, from, to, want string }{
		{"owner", `"owner": "shop", "kind": "release", `, `"kind": "release", `, `flags.launch.metadata: owner is missing`},
		{"owner", `"owner": "shop", "kind": "release"`, `"owner": " ", "kind": "release"`, `flags.launch.metadata.owner: " " says nothing`},
		{"owner", `"owner": "shop", "kind": "release"`, `"owner": 7, "kind": "release"`, `flags.launch.metadata.owner: must be a string, not 7`},
		{"owner", `"owner": "shop", "kind": "release"`, `"owner": null, "kind": "release"`, `flags.launch.metadata.owner: null says nothing`},
		{"kind", `"kind": "ops", `, ``, `flags.timeout.metadata: kind is missing`},
		{"kind", `"kind": "ops"`, `"kind": "opz"`, `flags.timeout.metadata.kind: unknown kind "opz"; known: "release", "ops", "kill-switch", "experiment", "permission"`},
		{"description", `"description": "How long.", `, ``, `flags.timeout.metadata: description is missing`},
		{"expires", `"expires": "2026-05-30", `, ``, `flags.launch.metadata: expires is missing`},
		{"expires", `"expires": "2026-05-30"`, `"expires": "30.5.2026"`, `flags.launch.metadata.expires: "30.5.2026" is no day`},
		{"expires", `"kind": "ops"`, `"kind": "ops", "expires": "soon"`, `flags.timeout.metadata.expires: "soon" is no day`},
		{"expired", `"expires": "2026-05-30"`, `"expires": "2026-02-28"`, `flags.launch.metadata.expires: 2026-02-28 is past: it is 2026-03-01`},
		{"expired", `"kind": "ops"`, `"kind": "ops", "expires": "2026-02-28"`, `flags.timeout.metadata.expires: 2026-02-28 is past: it is 2026-03-01`},
		{"lifetime", `"expires": "2026-05-30"`, `"expires": "2026-05-31"`, `flags.launch.metadata.expires: 2026-05-31 is more than 90 days away: it is 2026-03-01`},
		{"emergency-action", `"emergencyAction": "Kill it.", `, ``, `flags.payments.metadata: emergencyAction is missing`},
		{"emergency-action", `, "emergencyAction": "Set it to short."`, ``, `flags.timeout.metadata: emergencyAction is missing`},
		{"safe-variant", `"emergencyAction": "Kill it.", "safeVariant": "off"`, `"emergencyAction": "Kill it."`, `flags.payments.metadata: safeVariant is missing`},
		{"safe-variant", `"safeVariant": "low", `, ``, `flags.pricing.metadata: safeVariant is missing`},
		{"safe-variant", `"safeVariant": "low"`, `"safeVariant": "lwo"`, `flags.pricing.metadata.safeVariant: "lwo" is not one of the variants "low", "high"`},
		{"fail-mode", `"failMode": "closed"`, `"failMode": "close"`, `flags.pricing.metadata.failMode: unknown failMode "close"; known: "last-known-good", "closed"`},
		{"max-staleness", `, "maxStaleness": "15m"`, ``, `flags.pricing.metadata: maxStaleness is missing`},
		{"max-staleness", `"maxStaleness": "15m"`, `"maxStaleness": "soon"`, `flags.pricing.metadata.maxStaleness: "soon" is no duration above 0`},
		{"max-staleness", `"maxStaleness": "15m"`, `"maxStaleness": "-1m"`, `flags.pricing.metadata.maxStaleness: "-1m" is no duration above 0`},
		{"max-staleness", `"maxStaleness": "15m"`, `"maxStaleness": 900`, `flags.pricing.metadata.maxStaleness: must be a string, not 900`},
		{"short-staleness", `"maxStaleness": "15m"`, `"maxStaleness": "59s"`, `flags.pricing.metadata.maxStaleness: 59s is less than 60s: a few polls that fail close the flag`},
		{"idle-entry", `"failMode": "closed"`, `"failMode": "last-known-good"`, `flags.pricing.metadata.maxStaleness: 15m has no effect: the flag does not fail closed`},
		{"subject", `, "subject": "userId"`, ``, `flags.launch.metadata: subject is missing, and the rule buckets by "userId"`},
		{"metadata-type", `"kind": "ops"`, `"kind": "ops", "links": ["a"]`, `flags.timeout.metadata.links: must be a string, a number or a boolean, not a list`},
		{"metadata-type", `"$evaluators"`, `"metadata": {"team": null}, "$evaluators"`, `metadata.team: must be a string, a number or a boolean, not null`},
		{"kill-switch", `"defaultVariant": "on"`, `"defaultVariant": "off"`, `flags.payments.defaultVariant: a kill switch is on by default, and "off" is its safe variant already: a kill would change nothing`},
		{"kill-switch", `"emergencyAction": "Kill it.", "safeVariant": "off"`, `"emergencyAction": "Kill it.", "safeVariant": "on"`, `flags.payments.defaultVariant: a kill switch is on by default, and "on" is its safe variant already: a kill would change nothing`},
		{"kill-switch", `"variants": {"on": true, "off": false}, "defaultVariant": "on"`, `"variants": {"on": false, "off": true}, "defaultVariant": "on"`, `flags.payments.defaultVariant: a kill switch is on by default, and "on" is false`},
		{"kill-switch", `"ENABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"`, `"DISABLED", "variants": {"on": true, "off": false}, "defaultVariant": "on"`, `flags.payments.state: a kill switch is on by default, and DISABLED answers each service's own default`},
		{"experiment", `["old", 50], ["new", 50]`, `["old", 100], ["new", 0]`, `flags.ranking.targeting.fractional[2][1]: a group with the weight 0 has nobody in it`},
		{"experiment", `{"fractional": [{"cat": ["ranking", {"var": "targetingKey"}]}, ["old", 50], ["new", 50]]}`, `{"if": [{"var": "x"}, "new", "old"]}`, `flags.ranking.targeting: an experiment splits its subjects into groups, and no rule here does`},

		{"no-variants", `"variants": {"short": 1, "long": 2}, "defaultVariant": "long"`, `"variants": {}, "defaultVariant": "long"`, `flags.timeout.variants: a flag needs at least one variant`},
		{"default-variant", `"defaultVariant": "long"`, `"defaultVariant": "lnog"`, `flags.timeout.defaultVariant: "lnog" is not one of the variants ["short" "long"]`},
		{"reference", `{"$ref": "staff"}`, `{"$ref": "stuff"}`, `flags.launch.targeting.if[0].$ref: "stuff" is no entry of $evaluators`},
		{"reference", `{"ends_with": [{"var": "email"}, "@shop"]}`, `{"or": [{"$ref": "boss"}]}`, `$evaluators.staff.or[0].$ref: "boss" is no entry of $evaluators`},
		{"reference", `{"ends_with": [{"var": "email"}, "@shop"]}`, `{"!": [{"$ref": "staff"}]}`, `$evaluators.staff.![0].$ref: "staff" comes back to itself`},
		{"unknown-operator", `{"ends_with": `, `{"ends_wit": `, `$evaluators.staff.ends_wit: unknown operator "ends_wit"`},
		{"unknown-variant", `"staff"}, "on"`, `"staff"}, "onn"`, `flags.launch.targeting.if[1]: the rule may come to "onn", which is not one of the variants "on", "off": the answer would be an error`},
		{"unknown-variant", `["on", 10]`, `["no", 10]`, `flags.launch.targeting.if[2].fractional[1][0]: the rule may come to "no", which is not`},
		{"unknown-variant", launchRule, `{"in": [{"var": "x"}, ["a"]]}`, `flags.launch.targeting.in: the rule may come to "false", which is not`},
		{"unknown-variant", pricingRule, `{"if": [{"var": "x"}, ["high"]]}`, `flags.pricing.targeting.if[1]: the rule may come to a list or an object here`},
		{"unknown-variant", pricingRule, `{"if": [{"var": "x"}, 2, "high"]}`, `flags.pricing.targeting.if[1]: the rule may come to "2", which is not`},
		{"empty-default", `"variants": {"short": 1, "long": 2}, "defaultVariant": "long"`, `"variants": {"": 1, "long": 2}, "defaultVariant": ""`, `flags.timeout.defaultVariant: "" does not mean the variant whose name is empty`},
		{"bucketing", `"subject": "userId"`, `"subject": "accountId"`, `flags.launch.targeting.if[2].fractional[0]: fractional buckets by "userId"; the flag's subject is "accountId"`},
		{"bucketing", `{"cat": ["launch", {"var": "userId"}]}`, `{"cat": ["launch", {"var": "userId"}, {"var": "country"}]}`, `flags.launch.targeting.if[2].fractional[0]: fractional buckets by "country" and "userId"; the flag's subject is "userId"`},
		{"bucketing", `{"cat": ["launch", {"var": "userId"}]}`, `{"cat": ["launch", {"var": "userId"}, {"var": "zone"}]}`, `flags.launch.targeting.if[2].fractional[0]: fractional buckets by "userId" and "zone"; the flag's subject is "userId"`},
		{"bucketing", `{"cat": ["launch", {"var": "userId"}]}, `, ``, `flags.launch.targeting.if[2].fractional: fractional buckets by "targetingKey"; the flag's subject is "userId"`},
		{"bucketing", `{"cat": ["launch", {"var": "userId"}]}`, `"launch"`, `flags.launch.targeting.if[2].fractional[0]: fractional buckets by nothing that differs between subjects`},
		{"bucketing", `{"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 10], ["off", 90]]}`, `{"<": [{"stable_bucket": [{"var": "targetingKey"}, "s"]}, 0.5]}, "on", "off"`, `flags.launch.targeting.if[2].<[0].stable_bucket: stable_bucket buckets by "targetingKey"`},
		{"cost", pricingRule, `{"if": [{"some": [{"var": "a"}, {"some": [{"var": "b"}, {"some": [{"var": "c"}, {"==": [{"var": "d"}, 1]}]}]}]}, "high"]}`, `flags.pricing.targeting: about `},

		{"fractional", `["on", 10], ["off", 90]`, `["on", 10.5], ["off", 89.5]`, `flags.launch.targeting.if[2].fractional: fractional never matches: a weight must be a whole number`},
		{"sem-ver", pricingRule, `{"if": [{"sem_ver": [{"var": "v"}, ">", "newest"]}, "high"]}`, `flags.pricing.targeting.if[0].sem_ver: sem_ver never holds with ">" "newest"`},
		{"high-cost", pricingRule, `{"if": [{"some": [{"var": "a"}, {"some": [{"var": "b"}, {"==": [{"cat": [{"var": "d"}, {"var": "e"}, {"var": "f"}, {"var": "g"}, {"var": "h"}]}, 1]}]}]}, "high"]}`, `flags.pricing.targeting: about `},
		{"unread-member", `"defaultVariant": "long"`, `"defaultVariant": "long", "targetings": {}`, `flags.timeout.targetings: nothing reads "targetings"`},
		{"state", `"state": "ENABLED", "variants": {"short"`, `"state": "enabled", "variants": {"short"`, `flags.timeout.state: "enabled" counts as ENABLED`},
		{"state", `"state": "ENABLED", "variants": {"short"`, `"variants": {"short"`, `flags.timeout: no state: the flag counts as ENABLED`},
		{"variant-types", `{"short": 1, "long": 2}`, `{"short": 1, "long": "2"}`, `flags.timeout.variants: variants of more than one type: number, string`},
		{"no-default", `, "defaultVariant": "long"`, ``, `flags.timeout: no defaultVariant: where no rule decides, each service answers its own code's default`},
		{"no-default", `"defaultVariant": "long"`, `"defaultVariant": null`, `flags.timeout.defaultVariant: null: where no rule decides`},
		{"no-default", `"defaultVariant": "long"`, `"defaultVariant": ""`, `flags.timeout.defaultVariant: "": where no rule decides`},
		{"idle-rule", pricingRule, `{"if": [{"var": "x"}, null]}`, `flags.pricing.targeting: the rule never names a variant`},
		{"unreachable-variant", `"variants": {"low": 1, "high": 2}`, `"variants": {"low": 1, "high": 2, "huge": 3}`, `flags.pricing.variants.huge: no way through the rule leads to "huge"`},
		{"constant-condition", pricingRule, `{"if": [true, "high"]}`, `flags.pricing.targeting.if[0]: true always holds`},
		{"constant-condition", pricingRule, `{"if": [{"==": [1, 2]}, "low", "high"]}`, `flags.pricing.targeting.if[0]: {"==": [1, 2]} never holds`},
		{"constant-condition", pricingRule, `{"if": [{"or": [{"in": [{"var": "c"}, []]}, {"var": "d"}]}, "high"]}`, `flags.pricing.targeting.if[0].or[0]: {"in": [{"var": "c"}, []]} never holds`},
		{"contradiction", `{"<": [{"var": "age"}, 5]}`, `{"<": [{"var": "age"}, 3]}`, `flags.pricing.targeting.if[0].and: nothing can meet all of these at once`},
		{"contradiction", pricingRule, `{"if": [{"and": [{"==": [{"var": "c"}, "DE"]}, {"in": [{"var": "c"}, ["AT", "CH"]]}]}, "high"]}`, `flags.pricing.targeting.if[0].and: nothing can meet all of these at once`},
		{"contradiction", pricingRule, `{"if": [{"or": [{"!=": [{"var": "c"}, "DE"]}, {"!=": [{"var": "c"}, "AT"]}]}, "high"]}`, `flags.pricing.targeting.if[0].or: one of these holds for whatever there is`},
		{"repeated-condition", pricingRule, `{"if": [{"var": "x"}, "low", {"var" : "x"}, "high"]}`, `flags.pricing.targeting.if[2]: the same condition stands at flags.pricing.targeting.if[0] already`},
		{"repeated-condition", pricingRule, `{"if": [{"or": [{"var": "x"}, {"var": "x"}]}, "high"]}`, `flags.pricing.targeting.if[0].or[1]: the same condition stands at flags.pricing.targeting.if[0].or[0] already`},
		{"spelling", `{"<": [{"var": "age"}, 5]}`, `{"<": [{"var": "user_id"}, 5]}`, `flags.pricing.targeting.if[0].and[1].<[0].var: "user_id" here, "userId" at flags.launch.targeting.if[2].fractional[0].cat[1].var`},
		{"negative-weight", `["on", 10], ["off", 90]`, `["on", -10], ["off", 110]`, `flags.launch.targeting.if[2].fractional[1][1]: the weight is -10, and counts as 0`},
		{"weights", `["on", 10], ["off", 90]`, `["on", 10], ["off", 80]`, `flags.launch.targeting.if[2].fractional: the weights add up to 90`},
		{
			"weights", `"on", {"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 10], ["off", 90]]}`,
			`{"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", {"var": "share"}], ["off", 10]]},
			{"fractional": [{"cat": ["launch", {"var": "userId"}]}, ["on", 30], ["off", 60]]}`,
			`flags.launch.targeting.if[2].fractional: the weights add up to 90`,
		},
		{"implicit-key", `{"cat": ["ranking", {"var": "targetingKey"}]}, `, ``, `flags.ranking.targeting.fractional: fractional has no key of its own`},
	}
	broken := map[string]bool{"no-flags": true} // it has a test of its own
	for _, row := range rows {
		broken[row.rule] = true
		t.Run(row.rule, func(t *testing.T) {
			if strings.Count(good, row.from) == 0 {
				t.Fatalf("the good flags have no %s", row.from)
			}
			doc := replaceLast(good, row.from, row.to)
			found := check(t, doc, lint.Options{Alike: func(word string, _ []string) []string {
				if word == "targetings" {
					return []string{"targeting"}
				}
				return nil
			}})
			for _, f := range found {
				if f.Rule == row.rule && strings.HasPrefix(f.Path+": "+f.Message, row.want) {
					return
				}
			}
			t.Errorf("%s finds not %s: %s\nbut:\n%s", row.to, row.rule, row.want, shown(found))
		})
	}
	for _, rule := range lint.Rules() {
		if !broken[rule.Name] && rule.Name != "memory" { // that one takes a document of megabytes: cmd/burgeectl has it
			t.Errorf("no row breaks %s", rule.Name)
		}
	}
}

// replaceLast replaces the last occurrence.
func replaceLast(text, from, to string) string {
	at := strings.LastIndex(text, from)
	return text[:at] + to + text[at+len(from):]
}

// The compiler of sidecars tells of such a flag too; nobody wants to read it twice.
func TestAReferenceToNothingIsToldOnce(t *testing.T) {
	found := check(t, replaceLast(good, `{"$ref": "staff"}`, `{"$ref": "stuff"}`), lint.Options{})
	if len(found) != 1 || found[0].Path != "flags.launch.targeting.if[0].$ref" {
		t.Error(shown(found))
	}
}

func TestNoFlags(t *testing.T) {
	if found := check(t, `{"flags": {}}`, lint.Options{}); len(found) != 1 || found[0].Rule != "no-flags" {
		t.Error(shown(found))
	}
}
