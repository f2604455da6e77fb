package flagd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"testing"

	"github.com/burgeehq/burgee/eval"
)

// FuzzAgreement looks for a rule and a context on which the two differ. It
// starts from the vectors, and passes over whatever one of the two refuses
// before it evaluates.
func FuzzAgreement(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.Rule != nil {
			f.Add(string(v.Rule), cmp.Or(string(v.Context), "{}"))
		}
	}
	c := newComparison(f)
	f.Fuzz(func(t *testing.T, rule, caller string) {
		d, ok := fuzzedDocument(rule)
		if !ok {
			return
		}
		ours, err := newBurgee(d.text(), eval.Options{AnswerContract: true})
		if err != nil || c.reference.load(d.text()) != nil {
			return
		}
		if c.setContext(ours, caller) != nil {
			return
		}
		if failure := c.flag(ours, d, &d.flags[0], caller, true); failure != "" {
			t.Fatal(failure)
		}
	})
}

// fuzzedDocument has one flag with the rule, and an evaluator to refer to.
func fuzzedDocument(rule string) (*caseDocument, bool) {
	var tree any
	var compact bytes.Buffer
	if json.Unmarshal([]byte(rule), &tree) != nil || json.Compact(&compact, []byte(rule)) != nil {
		return nil, false
	}
	f := caseFlag{key: "flag", operators: namesIn(tree, nil)}
	f.add("variants", `{"default":0,"yes":1,"no":2,"true":3,"false":4,"0":5,"a":6,"":7}`)
	f.add("defaultVariant", `"default"`)
	f.add("targeting", compact.String())
	return &caseDocument{evaluators: `{"e":{"!":[{"var":"a"}]}}`, flags: []caseFlag{f}}, true
}

// namesIn are the names of all members, operators among them.
func namesIn(tree any, names []string) []string {
	switch tree := tree.(type) {
	case map[string]any:
		for name, inner := range tree {
			names = namesIn(inner, append(names, name))
		}
	case []any:
		for _, inner := range tree {
			names = namesIn(inner, names)
		}
	}
	return names
}
