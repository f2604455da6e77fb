package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/burgeehq/burgee/eval"
)

// flag is the flag that is being checked.
type flag struct {
	*checker
	key      string
	at       *place
	tree     *node
	contract eval.Contract
	variants []string
	rule     *node // empty where there is none to run
	ruleAt   *place
	splits   []split // that its rule makes
}

func (c *checker) checkFlag(key string) {
	raw, _ := c.doc.Definition(key)
	f := &flag{checker: c, key: key, at: root.in("flags").in(key), tree: parse(raw), contract: c.doc.Contract(key), rule: &node{}}
	f.variants = f.tree.member("variants").names
	f.ruleAt = f.at.in("targeting")
	if rule := f.tree.member("targeting"); !rule.isObject() || len(rule.items) > 0 {
		f.rule = rule
	}
	f.checkMembers()
	f.checkState()
	f.checkVariantTypes()
	f.checkDefault()
	f.checkRule()
	f.checkMetadata(f.at.in("metadata"), f.tree.member("metadata"))
	f.checkContract()
}

// members are what a flag is made of. In a list of flags, each has its key beside them.
var members = []string{"state", "variants", "defaultVariant", "targeting", "metadata"}

// checkMembers finds members that are nearly ones that count. Others may be somebody else's.
func (f *flag) checkMembers() {
	for _, name := range f.tree.names {
		if slices.Contains(members, name) || name == "key" {
			continue
		}
		if alike := f.alike(name, members); len(alike) > 0 {
			f.report("unread-member", f.at.in(name), fmt.Sprintf("nothing reads %s", quote(name)), "did you mean "+strings.Join(alike, " or ")+"?")
		}
	}
}

func (f *flag) checkState() {
	const hint = "give ENABLED or DISABLED"
	switch state := f.tree.member("state"); {
	case state.kind == 0:
		f.report("state", f.at, "no state: the flag counts as ENABLED", `add "state": "ENABLED"`)
	case state.text != "ENABLED" && state.text != "DISABLED":
		f.report("state", f.at.in("state"), state.shown()+" counts as ENABLED", hint)
	}
}

// kindNames are the types that a flag can have, for OpenFeature's clients.
var kindNames = map[string]string{"t": "boolean", "f": "boolean", `"`: "string", "0": "number", "{": "object", "[": "list"}

// checkVariantTypes finds flags that answer now one type, now another: a client that asks for one gets an error for the other. Nulls have no say.
func (f *flag) checkVariantTypes() {
	var types []string
	for _, value := range f.tree.member("variants").items {
		name := kindNames[string(rune(value.kind))]
		if name != "" && !slices.Contains(types, name) {
			types = append(types, name)
		}
	}
	if slices.Sort(types); len(types) > 1 {
		f.report("variant-types", f.at.in("variants"), "variants of more than one type: "+strings.Join(types, ", "),
			"a client asks for one type: give all variants the same, or make two flags")
	}
}

func (f *flag) checkDefault() {
	const hint = `name a variant, or keep it so where each service shall have a default of its own`
	switch name := f.tree.member("defaultVariant"); {
	case name.kind == 0:
		f.report("no-default", f.at, "no defaultVariant: where no rule decides, each service answers its own code's default", hint)
	case name.kind == 'n':
		f.report("no-default", f.at.in("defaultVariant"), "null: where no rule decides, each service answers its own code's default", hint)
	case name.isString() && name.text == "" && slices.Contains(f.variants, ""):
		f.report("empty-default", f.at.in("defaultVariant"), `"" does not mean the variant whose name is empty, but that each service answers its own code's default`,
			"give that variant a name")
	case name.isString() && name.text == "":
		f.report("no-default", f.at.in("defaultVariant"), `"": where no rule decides, each service answers its own code's default`, hint)
	}
}
