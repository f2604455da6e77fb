package flagd

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval"
)

// tally counts what was compared, so that a run that shows nothing is seen.
type tally struct {
	compared   int
	operators  map[string]int // evaluations of flags whose rule has the operator
	answered   map[string]int // of them, those that end in a variant
	outcomes   map[string]int // by reason or error code
	deviations map[string]int
}

func (t *tally) make() {
	if t.operators == nil {
		t.operators, t.answered = make(map[string]int), make(map[string]int)
		t.outcomes, t.deviations = make(map[string]int), make(map[string]int)
	}
}

func (t *tally) evaluated(f *caseFlag, a answer) {
	t.make()
	t.compared++
	t.outcomes[outcome(a)]++
	for _, name := range f.operators {
		t.operators[name]++
		if a.Reason == "TARGETING_MATCH" {
			t.answered[name]++
		}
	}
}

func outcome(a answer) string {
	switch {
	case a.ErrorCode != "":
		return a.ErrorCode
	case a.Reason == "DEFAULT" && a.Value == nil:
		return "DEFAULT, the code's own"
	default:
		return a.Reason
	}
}

func (t *tally) named(name string, n int) {
	t.make()
	t.deviations[name] += n
}

func (t *tally) add(other *tally) {
	t.make()
	t.compared += other.compared
	for _, pair := range []struct{ to, from map[string]int }{
		{t.operators, other.operators}, {t.answered, other.answered}, {t.outcomes, other.outcomes}, {t.deviations, other.deviations},
	} {
		for name, n := range pair.from {
			pair.to[name] += n
		}
	}
}

func (t *tally) report(tb testing.TB) {
	var b strings.Builder
	fmt.Fprintf(&b, "%d evaluations compared\n", t.compared)
	fmt.Fprintf(&b, "\nnamed deviations\n%s", counts(t.deviations))
	fmt.Fprintf(&b, "\noutcomes\n%s", counts(t.outcomes))
	fmt.Fprintf(&b, "\noperators: evaluations, and those that ended in a variant\n")
	for _, name := range slices.Sorted(maps.Keys(t.operators)) {
		fmt.Fprintf(&b, "%10d %10d  %s\n", t.operators[name], t.answered[name], name)
	}
	tb.Log(b.String())
}

func counts(m map[string]int) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%10d  %s\n", m[name], name)
	}
	return b.String()
}

// expected are the outcomes that a run must have met.
var expected = []string{
	"STATIC", "TARGETING_MATCH", "DEFAULT", "DEFAULT, the code's own", "DISABLED", "PARSE_ERROR", "GENERAL",
}

// check fails where an operator or an outcome was hardly met: what is not tried
// cannot disagree. The thresholds are shares of all evaluations.
func (t *tally) check(tb testing.TB) {
	for _, name := range eval.Operators() {
		if name == "stable_bucket" {
			continue // ours alone
		}
		if t.operators[name] < t.compared/300 || t.answered[name] < t.compared/1000 {
			tb.Errorf("operator %q: %d of %d evaluations, %d ended in a variant; the generator must use it more",
				name, t.operators[name], t.compared, t.answered[name])
		}
	}
	for _, name := range expected {
		if t.outcomes[name] < t.compared/200 {
			tb.Errorf("outcome %s: %d of %d evaluations; the generator must bring it about more", name, t.outcomes[name], t.compared)
		}
	}
}
