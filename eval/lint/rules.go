package lint

import "github.com/burgeehq/burgee/eval"

// Rule is one thing that is looked for. docs/flags.md tells what each saves from.
type Rule struct {
	Name     string
	Severity Severity
	Contract bool // part of the contract: Options.Contract tells how much it counts
}

// Rules are all rules: first the contract's, then the others.
func Rules() []Rule { return rules }

var rules = []Rule{
	{"owner", Error, true},
	{"kind", Error, true},
	{"description", Error, true},
	{"expires", Error, true},
	{"expired", Error, true},
	{"lifetime", Error, true},
	{"emergency-action", Error, true},
	{"safe-variant", Error, true},
	{"fail-mode", Error, true},
	{"max-staleness", Error, true},
	{"short-staleness", Warning, true},
	{"idle-entry", Warning, true},
	{"subject", Error, true},
	{"metadata-type", Error, true},
	{"kill-switch", Error, true},
	{"experiment", Error, true},

	{eval.RuleNoVariants, Error, false},
	{eval.RuleDefaultVariant, Error, false},
	{eval.RuleReference, Error, false},
	{eval.RuleMemory, Error, false},
	{eval.RuleUnknownOperator, Error, false},
	{"unknown-variant", Error, false},
	{"empty-default", Error, false},
	{"bucketing", Error, false},
	{"cost", Error, false},
	{eval.RuleFractional, Error, false},
	{"negative-weight", Error, false},

	{eval.RuleVersion, Warning, false},
	{"high-cost", Warning, false},
	{"no-flags", Warning, false},
	{"unread-member", Warning, false},
	{"state", Warning, false},
	{"variant-types", Warning, false},
	{"no-default", Warning, false},
	{"idle-rule", Warning, false},
	{"unreachable-variant", Warning, false},
	{"constant-condition", Warning, false},
	{"contradiction", Warning, false},
	{"repeated-condition", Warning, false},
	{"spelling", Warning, false},
	{"weights", Warning, false},
	{"implicit-key", Warning, false},
}

var ruleByName = func() map[string]Rule {
	all := map[string]Rule{}
	for _, r := range rules {
		all[r.Name] = r
	}
	return all
}()
