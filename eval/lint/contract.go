package lint

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The kinds of flags.
const (
	release    = "release"
	ops        = "ops"
	killSwitch = "kill-switch"
	experiment = "experiment"
	permission = "permission"
)

// Kinds are all kinds of flags.
var kinds = []string{release, ops, killSwitch, experiment, permission}

const (
	lastKnownGood = "last-known-good"
	closed        = "closed"
)

var failModes = []string{lastKnownGood, closed}

// The bounds of the contract.
const (
	maxLifetime   = 90 // days that a release flag has, unless it says why it needs more
	wiseStaleness = time.Minute
	datePattern   = "YYYY-MM-DD"
)

// checkContract holds the flag's metadata to what its kind asks for.
func (f *flag) checkContract() {
	f.checkText("owner", `add "owner": the team or person who answers for the flag`)
	f.checkText("description", `add "description": what the flag does, and for whom`)
	f.checkKind()
	f.checkEnd()
	f.checkAction()
	f.checkSafeVariant()
	f.checkFailMode()
	f.checkStaleness()
	f.checkSubject()
	f.checkKillSwitch()
	f.checkExperiment()
}

// entry gives an entry of the flag's metadata, and the place to point to for it: what is missing is missed in metadata, or in the flag.
func (f *flag) entry(name string) (*node, *place) {
	metadata := f.tree.member("metadata")
	switch value := metadata.member(name); {
	case value.kind != 0:
		return value, f.at.in("metadata").in(name)
	case metadata.kind != 0:
		return value, f.at.in("metadata")
	default:
		return value, f.at
	}
}

// blank tells whether an entry says nothing.
func (n *node) blank() bool {
	return n.kind == 0 || n.kind == 'n' || n.isString() && strings.TrimSpace(n.text) == ""
}

// ruleOf is the rule that an entry is checked under.
var ruleOf = map[string]string{
	"owner": "owner", "kind": "kind", "description": "description", "expires": "expires", "lifetimeReason": "lifetime",
	"emergencyAction": "emergency-action", "safeVariant": "safe-variant", "failMode": "fail-mode", "maxStaleness": "max-staleness", "subject": "subject",
}

// checkText asks for an entry that is a text, and tells whether it is one.
func (f *flag) checkText(name, hint string) bool {
	value, at := f.entry(name)
	switch {
	case value.kind == 0:
		f.report(ruleOf[name], at, name+" is missing", hint)
	case value.blank():
		f.report(ruleOf[name], at, value.shown()+" says nothing", hint)
	case !value.isString():
		f.report(ruleOf[name], at, "must be a string, not "+value.shown(), hint)
	default:
		return true
	}
	return false
}

// given tells whether an optional entry is there, and holds it to be a text.
func (f *flag) given(name, hint string) bool {
	value, _ := f.entry(name)
	return value.kind != 0 && f.checkText(name, hint)
}

func (f *flag) checkKind() {
	if !f.checkText("kind", `add "kind": one of `+list(kinds)) || slices.Contains(kinds, f.contract.Kind) {
		return
	}
	_, at := f.entry("kind")
	f.report("kind", at, "unknown kind "+quote(f.contract.Kind)+"; known: "+list(kinds), f.meant(f.contract.Kind, kinds))
}

// checkEnd holds flags that are to go away to the day on which they do.
func (f *flag) checkEnd() {
	needed := f.contract.Kind == release || f.contract.Kind == experiment
	hint := `add "expires": "` + datePattern + `", good to the end of that day UTC`
	if needed && !f.checkText("expires", hint) || !needed && !f.given("expires", hint) {
		return
	}
	_, at := f.entry("expires")
	end, ok := f.contract.End()
	today := f.Day.UTC().Truncate(24 * time.Hour)
	switch last := end.AddDate(0, 0, -1); {
	case !ok:
		f.report("expires", at, quote(f.contract.Expires)+" is no day", "give a day as "+datePattern)
	case f.contract.ExpiredAt(f.Day):
		f.report("expired", at, fmt.Sprintf("%s is past: it is %s", f.contract.Expires, today.Format(time.DateOnly)),
			"remove the flag and the code that asks for it, or give it a later end and say why in lifetimeReason")
	case f.contract.Kind == release && last.After(today.AddDate(0, 0, maxLifetime)):
		f.checkLifetime(at, today)
	}
}

func (f *flag) checkLifetime(at *place, today time.Time) {
	if reason, _ := f.entry("lifetimeReason"); reason.isString() && !reason.blank() {
		return
	}
	f.report("lifetime", at, fmt.Sprintf("%s is more than %d days away: it is %s", f.contract.Expires, maxLifetime, today.Format(time.DateOnly)),
		fmt.Sprintf(`give %s or a day before it, or add "lifetimeReason": why the release takes longer`, today.AddDate(0, 0, maxLifetime).Format(time.DateOnly)))
}

func (f *flag) checkAction() {
	hint := `add "emergencyAction": what to do when it burns, and whom to call`
	if f.contract.Kind == ops || f.contract.Kind == killSwitch {
		f.checkText("emergencyAction", hint)
	} else {
		f.given("emergencyAction", hint)
	}
}

// checkSafeVariant asks for the variant that a kill serves.
func (f *flag) checkSafeVariant() {
	hint := `add "safeVariant": the variant to serve when the flag is killed or fails closed`
	needed := f.contract.Kind == killSwitch || f.contract.FailMode == closed
	if needed && !f.checkText("safeVariant", hint) || !needed && !f.given("safeVariant", hint) {
		return
	}
	if !slices.Contains(f.variants, f.contract.SafeVariant) {
		_, at := f.entry("safeVariant")
		f.report("safe-variant", at, quote(f.contract.SafeVariant)+" is not one of the variants "+list(f.variants), f.meant(f.contract.SafeVariant, f.variants))
	}
}

func (f *flag) checkFailMode() {
	if !f.given("failMode", "give one of "+list(failModes)) || slices.Contains(failModes, f.contract.FailMode) {
		return
	}
	_, at := f.entry("failMode")
	f.report("fail-mode", at, "unknown failMode "+quote(f.contract.FailMode)+"; known: "+list(failModes), f.meant(f.contract.FailMode, failModes))
}

// checkStaleness asks for how old flags may get before this one fails closed.
func (f *flag) checkStaleness() {
	hint := `add "maxStaleness": how long after the store last confirmed the flags it holds, such as "15m"`
	if f.contract.FailMode != closed {
		f.checkIdleStaleness(hint)
		return
	}
	if !f.checkText("maxStaleness", hint) {
		return
	}
	_, at := f.entry("maxStaleness")
	f.checkDuration(at)
}

func (f *flag) checkIdleStaleness(hint string) {
	if !f.given("maxStaleness", hint) {
		return
	}
	_, at := f.entry("maxStaleness")
	f.checkDuration(at)
	f.report("idle-entry", at, f.contract.MaxStaleness+" has no effect: the flag does not fail closed", `add "failMode": "closed", or leave maxStaleness out`)
}

func (f *flag) checkDuration(at *place) {
	age, ok := f.contract.Staleness()
	switch {
	case !ok:
		f.report("max-staleness", at, quote(f.contract.MaxStaleness)+" is no duration above 0", `give one such as "90s", "15m" or "1h30m"`)
	case age < wiseStaleness && f.contract.FailMode == closed:
		f.report("short-staleness", at, fmt.Sprintf("%s is less than %s: a few polls that fail close the flag", f.contract.MaxStaleness, "60s"),
			"give at least four times the interval at which sidecars poll")
	}
}

// checkMetadata holds entries to what every reader of flags takes: flagd's schema allows no others.
func (c *checker) checkMetadata(at *place, metadata *node) {
	for i, name := range metadata.names {
		if _, own := ruleOf[name]; own && at.above != root {
			continue // checked as what it is
		}
		switch value := metadata.items[i]; value.kind {
		case '[', '{', 'n':
			c.report("metadata-type", at.in(name), "must be a string, a number or a boolean, not "+value.shown(), "write it as text, or leave it out")
		}
	}
}

// checkKillSwitch makes sure that a kill changes something, and nothing else does.
func (f *flag) checkKillSwitch() {
	if f.contract.Kind != killSwitch {
		return
	}
	name := f.tree.member("defaultVariant").text
	value := f.tree.member("variants").member(name)
	switch {
	case f.tree.member("state").text == "DISABLED":
		f.report("kill-switch", f.at.in("state"), "a kill switch is on by default, and DISABLED answers each service's own default", "give ENABLED; burgeectl kill is the way to switch it off")
	case name == "":
		f.report("kill-switch", f.at, "a kill switch is on by default, and this one has no default variant", "name the variant that is served while all is well")
	case name == f.contract.SafeVariant:
		f.report("kill-switch", f.at.in("defaultVariant"), "a kill switch is on by default, and "+quote(name)+" is its safe variant already: a kill would change nothing",
			"name the variant that is served while all is well")
	case value.kind == 'f':
		f.report("kill-switch", f.at.in("defaultVariant"), "a kill switch is on by default, and "+quote(name)+" is false", "name the flag for what it keeps running, so that on is true")
	}
}

// checkExperiment makes sure that an experiment has groups, and that nobody's group is empty.
func (f *flag) checkExperiment() {
	if f.contract.Kind != experiment {
		return
	}
	if len(f.splits) == 0 {
		at := f.at
		if f.rule.kind != 0 {
			at = f.ruleAt
		}
		f.report("experiment", at, "an experiment splits its subjects into groups, and no rule here does", "split them with fractional, by the attribute that subject names")
		return
	}
	for _, s := range f.splits {
		for _, share := range s.shares {
			if share.known && share.weight <= 0 {
				f.report("experiment", share.at, fmt.Sprintf("a group with the weight %s has nobody in it", share.shown), "give every group a weight above 0, or remove it")
			}
		}
	}
}
