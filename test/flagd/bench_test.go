package flagd

import (
	"testing"
	"time"
)

// The flags of eval/bench_test.go, for both evaluators.
const (
	benchContext = `{"targetingKey":"user-4711","email":"jane@burgee.dev","plan":"gold","country":"at","version":"2.14.1","age":34}`
	benchRequest = `{"context":` + benchContext + `}`
	sixRule      = `{"if":[{"and":[{"==":[{"var":"plan"},"gold"]},{"in":[{"var":"country"},["de","at","ch","li","lu"]]},{">=":[{"var":"age"},18]},
		{"ends_with":[{"var":"email"},"@burgee.dev"]},{"sem_ver":[{"var":"version"},">=","2.10.0"]},{"!=":[{"var":"targetingKey"},"nobody"]}]},"on","off"]}`
	rolloutRule = `{"fractional":[["on",25],["off",75]]}`
)

var benchRules = []struct{ name, rule string }{
	{"static", `{}`}, {"six conditions", sixRule}, {"rollout", rolloutRule},
}

func benchDocument(rule string) string {
	return `{"flags":{"flag":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":` + rule + `}}}`
}

// BenchmarkRatio measures both on the same flags by turns, so that whatever else
// the machine does meets both, and reports how many times longer flagd takes:
// from a parsed context to a decision, and from a request's body to an answer's.
func BenchmarkRatio(b *testing.B) {
	for _, bench := range benchRules {
		b.Run("decision/"+bench.name, func(b *testing.B) { ratio(b, bench.rule, decideOurs, decideTheirs) })
		b.Run("request/"+bench.name, func(b *testing.B) { ratio(b, bench.rule, serveOurs, serveTheirs) })
	}
}

// turns are how often each evaluates before it is the other's turn.
const (
	ourTurns   = 400
	theirTurns = 20
)

func ratio(b *testing.B, rule string, ours func(*testing.B, *burgee), theirs func(*testing.B, *reference)) {
	burgee, flagd := bothOn(b, benchDocument(rule), benchContext)
	var us, them time.Duration
	for b.Loop() {
		start := time.Now()
		for range ourTurns {
			ours(b, burgee)
		}
		middle := time.Now()
		for range theirTurns {
			theirs(b, flagd)
		}
		us, them = us+middle.Sub(start), them+time.Since(middle)
	}
	one := float64(us.Nanoseconds()) / float64(b.N*ourTurns)
	other := float64(them.Nanoseconds()) / float64(b.N*theirTurns)
	b.ReportMetric(0, "ns/op") // of a whole turn, which nobody asks for
	b.ReportMetric(one, "burgee-ns")
	b.ReportMetric(other, "flagd-ns")
	b.ReportMetric(other/one, "times")
}

func decideOurs(_ *testing.B, ours *burgee) {
	ours.rules.Lookup([]byte("flag")).Evaluate(&ours.ctx, 1)
}

func decideTheirs(_ *testing.B, theirs *reference) { theirs.answer("flag") }

var benchBody = []byte(benchRequest)

func serveOurs(b *testing.B, ours *burgee) {
	if err := ours.ctx.ParseRequest(benchBody); err != nil {
		b.Fatal(err)
	}
	decideOurs(b, ours)
	ours.ctx.Reset()
}

func serveTheirs(b *testing.B, theirs *reference) {
	if err := theirs.setRequest(benchRequest); err != nil {
		b.Fatal(err)
	}
	if _, err := theirs.raw("flag"); err != nil {
		b.Fatal(err)
	}
}
