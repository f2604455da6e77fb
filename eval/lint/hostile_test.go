package lint_test

import (
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
	"github.com/burgeehq/burgee/test/hostile"
)

// A tenth of the largest document of each family that a sidecar takes is checked in a second or so, whatever it is made of.
func TestTheLargestDocuments(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIP: -short; it takes seconds")
	}
	for _, family := range hostile.Legals() {
		t.Run(family.Name, func(t *testing.T) {
			doc, err := eval.Parse([]byte(family.Share(1, 10)), eval.LoadLimits())
			if err != nil {
				t.Fatal(err)
			}
			begun := processorTime(t)
			found := lint.Check(doc, lint.Options{Day: today})
			took := processorTime(t) - begun
			if t.Logf("%d findings in %s", len(found), took); took > time.Minute {
				t.Error("far too slow, on any machine")
			}
		})
	}
}
