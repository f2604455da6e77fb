package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// checkRule looks at what a flag's rule may come to, at what it buckets by, and at what it costs.
func (f *flag) checkRule() {
	if f.rule.kind == 0 || !f.checkReferences(f.rule, f.ruleAt) {
		f.rule = &node{} // what cannot be followed has no bounds
		return
	}
	f.collectSpellings(f.rule, f.ruleAt)
	f.splits = f.splitsIn(f.rule, f.ruleAt)
	f.checkWeights()
	f.checkCost(f.rule, f.ruleAt)
	f.checkOutcome(f.outcomeOf(f.rule, f.ruleAt))
}

func (f *flag) checkOutcome(to *outcome) {
	if len(f.variants) == 0 {
		return // told by the compiler
	}
	named := 0
	for _, v := range slices.SortedFunc(maps.Keys(to.values), func(a, b value) int { return cmp.Compare(a.name, b.name) }) {
		switch {
		case v.odd:
			f.report("unknown-variant", to.values[v], "the rule may come to a list or an object here, which names no variant: the answer would be an error",
				"give the name of one of the variants "+list(f.variants))
		case !slices.Contains(f.variants, v.name):
			f.report("unknown-variant", to.values[v], fmt.Sprintf("the rule may come to %s, which is not one of the variants %s: the answer would be an error", quote(v.name), list(f.variants)),
				f.meant(v.name, f.variants))
		default:
			named++
		}
	}
	if !to.openTrue && !to.openFalse {
		f.checkUnreachable(to, named)
	}
}

// checkUnreachable finds variants that nobody gets. Those of switches that people turn by hand are there for overrides.
func (f *flag) checkUnreachable(to *outcome, named int) {
	if named == 0 && len(to.values) == 0 && to.nothing {
		f.report("idle-rule", f.ruleAt, "the rule never names a variant: the flag answers its default whatever the context", "leave the rule out, or name a variant in it")
		return
	}
	if f.contract.Kind == ops || f.contract.Kind == killSwitch {
		return
	}
	fallback := f.tree.member("defaultVariant").text
	for _, name := range f.variants {
		_, yes := to.values[value{name: name, truth: true}]
		_, no := to.values[value{name: name}]
		if !yes && !no && name != fallback && name != f.contract.SafeVariant {
			f.report("unreachable-variant", f.at.in("variants").in(name), "no way through the rule leads to "+quote(name), "name it in the rule, or remove it")
		}
	}
}
