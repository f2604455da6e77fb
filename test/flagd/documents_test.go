package flagd

import (
	"testing"

	"github.com/burgeehq/burgee/eval"
)

// Documents that one of the two refuses and the other does not. Burgee reads
// strictly, so that all readers of a document mean the same by it; flagd refuses
// a whole document for what Burgee isolates or ignores.
func TestDocumentsThatOneRefuses(t *testing.T) {
	cases := []struct {
		name   string
		doc    string
		burgee bool // takes it
		flagd  bool
	}{
		{"a plain one", `{"flags":{"flag":{"state":"ENABLED","variants":{"on":1}}}}`, true, true},
		{"a flag named twice", `{"flags":{"flag":{},"flag":{}}}`, false, true},
		{"a variant named twice", `{"flags":{"flag":{"variants":{"on":1,"on":2}}}}`, false, true},
		{"flags are null", `{"flags":null}`, false, true},
		{"a flag is null", `{"flags":{"flag":null}}`, false, true},
		{"a state is null", `{"flags":{"flag":{"state":null}}}`, false, true},
		{"a flag without a key", `{"flags":[{"variants":{"on":1}}]}`, false, true},
		{"a flag with an empty key", `{"flags":{"":{}}}`, false, true},
		{"a key with two dots", `{"flags":{"a..b":{}}}`, false, true},
		{"half a surrogate", `{"flags":{"flag":{"variants":{"\ud800":1}}}}`, false, true},
		{"an unknown bucketing", `{"flags":{},"metadata":{"bucketing":"v9"}}`, false, true},
		{"a default variant that is none", `{"flags":{"flag":{"variants":{"on":1},"defaultVariant":"off"}}}`, true, false},
		{"an evaluator of two bytes", `{"flags":{},"$evaluators":{"e":12}}`, true, false},
		{"an ignored member of the wrong type", `{"flags":{"flag":{"source":1}}}`, true, false},
		{"a key that is no string, in a map", `{"flags":{"flag":{"key":1}}}`, true, false},
		{"a wrong type in a name of another case", `{"flags":{"flag":{"STATE":1}}}`, true, false},
		{"an empty evaluator", `{"flags":{},"$evaluators":{"e":{}}}`, false, false},
		{"a number beyond a float", `{"flags":{"flag":{"variants":{"on":1e999}}}}`, false, false},
		{"a state that is a number", `{"flags":{"flag":{"state":1}}}`, false, false},
		{"a truncated one", `{"flags":{`, false, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, ours := newBurgee(c.doc, eval.Options{})
			flagd, err := newReference()
			if err != nil {
				t.Fatal(err)
			}
			theirs := flagd.load(c.doc)
			if (ours == nil) != c.burgee || (theirs == nil) != c.flagd {
				t.Errorf("burgee: %v, should take it %t\nflagd: %v, should take it %t", ours, c.burgee, theirs, c.flagd)
			}
		})
	}
}

// Names are compared as they are written; the decoder of flagd takes other cases.
func TestNamesAsTheyAreWritten(t *testing.T) {
	doc := `{"flags":{"flag":{"STATE":"DISABLED","variants":{"on":1},"defaultVariant":"on"}}}`
	ours, theirs := bothOn(t, doc, `{}`)
	if got := theirs.answer("flag").Reason; got != "DISABLED" {
		t.Errorf("flagd answers %s; it differs no more", got)
	}
	if got, err := ours.answer("flag", 1); err != nil || got.Reason != "STATIC" {
		t.Errorf("burgee answers %s, %v", got, err)
	}
}

// A flag's entry in a bulk answer is the answer of its single call. flagd takes
// the type of the default's value and answers GENERAL for any other.
func TestBulkOfMixedTypes(t *testing.T) {
	doc := `{"flags":{"flag":{"state":"ENABLED","variants":{"on":"text","off":1},"defaultVariant":"off","targeting":"on"},
		"same":{"state":"ENABLED","variants":{"on":2,"off":1},"defaultVariant":"off","targeting":"on"}}}`
	ours, theirs := bothOn(t, doc, `{}`)
	bulk, err := theirs.bulk()
	if err != nil {
		t.Fatal(err)
	}
	if got := bulk["flag"]; got.ErrorCode != "GENERAL" {
		t.Errorf("flagd answers %s; it differs no more", got)
	}
	for key, want := range map[string]answer{"flag": theirs.answer("flag"), "same": bulk["same"]} {
		if got, err := ours.answer(key, 1); err != nil || !got.sameDecision(want) {
			t.Errorf("%s: burgee answers %s, %v; want %s", key, got, err, want)
		}
	}
}

func bothOn(t testing.TB, doc, caller string) (*burgee, *reference) {
	ours, err := newBurgee(doc, eval.Options{})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := newReference()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{theirs.load(doc), theirs.setContext(caller), ours.setContext(caller)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return ours, theirs
}
