package eval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

const (
	benchContext = `{"targetingKey":"user-4711","email":"jane@burgee.dev","plan":"gold","country":"at","version":"2.14.1","age":34}`
	benchRequest = `{"context":` + benchContext + `}`
	staticRule   = `{}`
	sixRule      = `{"if":[{"and":[{"==":[{"var":"plan"},"gold"]},{"in":[{"var":"country"},["de","at","ch","li","lu"]]},{">=":[{"var":"age"},18]},
		{"ends_with":[{"var":"email"},"@burgee.dev"]},{"sem_ver":[{"var":"version"},">=","2.10.0"]},{"!=":[{"var":"targetingKey"},"nobody"]}]},"on","off"]}`
	rolloutRule = `{"fractional":[["on",25],["off",75]]}`
)

var benchRules = []struct{ name, rule string }{
	{"Static", staticRule}, {"SixConditions", sixRule}, {"Rollout", rolloutRule},
}

// Evaluation with a parsed context allocates nothing.
func TestEvaluateAllocatesNothing(t *testing.T) {
	for _, b := range benchRules {
		flag := onlyFlag(t, b.rule, "on", "off")
		var c Context
		if err := c.Parse([]byte(benchContext)); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { flag.Evaluate(&c, 1) }); n != 0 {
			t.Errorf("%s: %v allocations", b.name, n)
		}
	}
}

// Nor does a whole request, once the context has grown to its size.
func TestRequestAllocatesNothing(t *testing.T) {
	r := ruleset(t, `{"flags":{"f":{"variants":{"on":1,"off":2},"targeting":`+sixRule+`}}}`)
	body, key := []byte(benchRequest), []byte("f")
	var c Context
	n := testing.AllocsPerRun(100, func() {
		if c.ParseRequest(body) == nil {
			r.Lookup(key).Evaluate(&c, 1)
		}
		c.Reset()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, bench := range benchRules {
		b.Run(bench.name, func(b *testing.B) {
			flag := onlyFlag(b, bench.rule, "on", "off")
			var c Context
			if err := c.Parse([]byte(benchContext)); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				flag.Evaluate(&c, 1)
			}
		})
	}
}

// A request is what a caller pays: body to answer.
func BenchmarkRequest(b *testing.B) {
	for _, bench := range benchRules {
		b.Run(bench.name, func(b *testing.B) {
			flag := onlyFlag(b, bench.rule, "on", "off")
			body := []byte(benchRequest)
			var c Context
			b.ReportAllocs()
			for b.Loop() {
				if err := c.ParseRequest(body); err != nil {
					b.Fatal(err)
				}
				flag.Evaluate(&c, 1)
				c.Reset()
			}
		})
	}
}

func BenchmarkContext(b *testing.B) {
	body := []byte(benchRequest)
	var c Context
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := c.ParseRequest(body); err != nil {
			b.Fatal(err)
		}
	}
}

// largeDocument has as many flags as a document may have, of three kinds, each
// with constants and a contract of its own.
func largeDocument(revision int) []byte {
	var doc strings.Builder
	doc.WriteString(`{"metadata":{"flagSetId":"shop"},"flags":{`)
	for i := range LoadLimits().Flags {
		if i > 0 {
			doc.WriteByte(',')
		}
		changed := 0
		if i%100 == 0 {
			changed = revision
		}
		fmt.Fprintf(&doc, `"team-%d.flag-%d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":%s,`+
			`"metadata":{"owner":"team-%d","kind":"release","description":"change %d of the flag in the middle of the bench","expires":"2027-01-31"}}`,
			i%50, i, largeRule(i), i%50, changed)
	}
	doc.WriteString(`}}`)
	return []byte(doc.String())
}

func largeRule(i int) string {
	switch i % 3 {
	case 0:
		return staticRule
	case 1:
		return fmt.Sprintf(`{"if":[{"and":[{"==":[{"var":"plan"},"plan-%d"]},{"in":[{"var":"country"},["de","at","c%d","li","lu"]]},{">=":[{"var":"age"},%d]},`+
			`{"ends_with":[{"var":"email"},"@burgee%d.dev"]},{"sem_ver":[{"var":"version"},">=","2.%d.0"]},{"!=":[{"var":"targetingKey"},"nobody-%d"]}]},"on","off"]}`,
			i, i, i%90, i, i, i)
	default:
		return fmt.Sprintf(`{"fractional":[["on",%d],["off",%d]]}`, i%100, 100-i%100)
	}
}

// Loading is what a new revision costs before it can be served: read strictly, then compiled.
func BenchmarkLoad10000(b *testing.B) {
	doc := largeDocument(1)
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		Compile(document(b, string(doc)), Options{})
	}
}

// The next revision, in which one flag in a hundred changed.
func BenchmarkLoadNext10000(b *testing.B) {
	first := Compile(document(b, string(largeDocument(1))), Options{})
	doc := largeDocument(2)
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		CompileAfter(first, document(b, string(doc)), Options{})
	}
}

const (
	maxLive   = 4.0  // live memory of a ruleset, as a multiple of its document
	maxSecond = 0.10 // what a second ruleset with 1 % changed adds, as a share of the first
)

// A ruleset holds little more than its document, and the next one little more
// than what changed. Not in parallel: it measures the heap.
func TestMemoryOfRulesets(t *testing.T) {
	size := float64(len(largeDocument(1)))
	empty := liveHeap()
	first := Compile(document(t, string(largeDocument(1))), Options{})
	one := liveHeap() - empty
	second := CompileAfter(first, document(t, string(largeDocument(2))), Options{})
	two := liveHeap() - empty - one
	t.Logf("document %.0f bytes; ruleset %.0f (%.2f ×); the next %.0f more (%.1f %%)", size, one, one/size, two, 100*two/one)
	if one > maxLive*size || two > maxSecond*one {
		t.Errorf("want at most %v × the document, and %v of that for the next", maxLive, maxSecond)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(second)
}

func liveHeap() float64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what has a finalizer or stands in a pool goes with the second
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc)
}
