package eval

import (
	"fmt"
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

func largeDocument() []byte {
	var doc strings.Builder
	doc.WriteString(`{"flags":{`)
	for i := range LoadLimits().Flags {
		if i > 0 {
			doc.WriteByte(',')
		}
		rule := benchRules[i%len(benchRules)].rule
		fmt.Fprintf(&doc, `"flag-%d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","targeting":%s,"metadata":{"owner":"team"}}`, i, rule)
	}
	doc.WriteString(`}}`)
	return []byte(doc.String())
}

func BenchmarkParse10000(b *testing.B) {
	doc := largeDocument()
	b.ReportAllocs()
	b.SetBytes(int64(len(doc)))
	for b.Loop() {
		if _, err := Parse(doc, LoadLimits()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile10000(b *testing.B) {
	doc, err := Parse(largeDocument(), LoadLimits())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Compile(doc, Options{})
	}
}
