package flagd

import (
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval"
)

// Each deviation is recognised where it is to be seen, and by its own name.
func TestDeviations(t *testing.T) {
	const some = `"variants":{"yes":"yes","no":"no","true":1,"false":0},"defaultVariant":"no"`
	nested := `{"all":[[1` + strings.Repeat(",1", 63) + `],BODY]}`
	cases := []struct {
		name       string
		evaluators string
		metadata   string
		members    string // of the flag
		caller     string
		operators  []string
	}{
		{
			name:    "a variant is found by its name, not by its encoded text",
			members: `"variants":{"a&b":1},"targeting":"a&b"`,
		},
		{
			name:    "a variant is found by its name, not by its encoded text",
			members: `"variants":{"[yes]":1},"targeting":["yes"]`,
		},
		{
			name:      "data is never run as a rule",
			members:   some + `,"targeting":{"if":[true,{"var":"x"}]}`,
			caller:    `{"x":{"cat":["yes"]}}`,
			operators: []string{"if"},
		},
		{
			name:      "data is never substituted in",
			members:   some + `,"targeting":{"some":[[5],{"+":[{"var":"x"}]}]}`,
			caller:    `{"x":{"a":1,"var":[]}}`,
			operators: []string{"some"},
		},
		{
			name:      "data is never the clauses or the body of an operator",
			members:   some + `,"targeting":{"some":[[5],{"and":{"var":"x"}}]}`,
			caller:    `{"x":[true,1]}`,
			operators: []string{"some"},
		},
		{
			name:    "a flag without variants is isolated",
			members: `"state":"ENABLED"`,
		},
		{
			name:    "a reference that leads nowhere isolates the flag",
			members: some + `,"targeting":{"if":[true,"yes",{"$ref":"nowhere"}]}`,
		},
		{
			name:       "a reference inside an evaluator is followed",
			evaluators: `{"a":{"$ref":"b"},"b":{"$ref":"c"},"c":{"$ref":"d"},"d":{"$ref":"e"},"e":{"$ref":"f"},"f":{"!":[false]}}`,
			members:    some + `,"targeting":{"$ref":"a"}`,
		},
		{
			name:       "a reference is left alone in values and metadata",
			evaluators: `{"a":"abc"}`,
			members:    `"variants":{"yes":{"$ref":"a"}},"defaultVariant":"yes"`,
		},
		{
			name:       "a reference's name may have any characters",
			evaluators: `{"a&b":"yes"}`,
			members:    some + `,"targeting":{"$ref":"a&b"}`,
		},
		{
			name:      "the declared subject is wanted",
			members:   some + `,"targeting":{"fractional":[["yes"]]},"metadata":{"subject":"account"}`,
			caller:    `{"targetingKey":"u"}`,
			operators: []string{"fractional"},
		},
		{
			name:      "an evaluation has a budget of steps",
			members:   some + `,"targeting":` + strings.Replace(nested, "BODY", strings.Replace(nested, "BODY", strings.Replace(nested, "BODY", `{"==":[1,1]}`, 1), 1), 1),
			operators: []string{"all"},
		},
		{
			name:      "stable_bucket is an operator",
			members:   some + `,"targeting":{"<":[{"stable_bucket":["u","salt"]},2]}`,
			operators: []string{"stable_bucket"},
		},
		{
			name:     "an empty flagSetId loses no flag",
			metadata: `{"flagSetId":""}`,
			members:  some,
		},
	}
	seen := make(map[string]bool)
	for _, c := range cases {
		seen[c.name] = true
		t.Run(c.name, func(t *testing.T) {
			f := caseFlag{key: "flag", members: []string{c.members}, operators: c.operators}
			d := &caseDocument{evaluators: c.evaluators, metadata: c.metadata, flags: []caseFlag{f}}
			if c.caller == "" {
				c.caller = `{}`
			}
			wantDeviation(t, d, c.caller, c.name)
		})
	}
	for _, known := range deviations {
		if !seen[known.name] {
			t.Errorf("no case shows that %q", known.name)
		}
	}
}

// wantDeviation loads anew until the two differ, since flagd sometimes agrees by
// the order of a map.
func wantDeviation(t *testing.T, d *caseDocument, caller, name string) {
	c := newComparison(t)
	ours, err := newBurgee(d.text(), eval.Options{AnswerContract: true})
	if err != nil {
		t.Fatal(err)
	}
	for range chances {
		if err := c.reference.load(d.text()); err != nil {
			t.Fatal(err)
		}
		if err := c.setContext(ours, caller); err != nil {
			t.Fatal(err)
		}
		if failure := c.flag(ours, d, &d.flags[0], caller, true); failure != "" {
			t.Fatal(failure)
		}
		if c.tally.deviations[name] > 0 {
			return
		}
	}
	t.Errorf("recognised %v", c.tally.deviations)
}
