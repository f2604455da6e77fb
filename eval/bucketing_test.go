package eval

import (
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/murmur3"
)

// eachAnswer gives a case with several answers as so many cases.
func eachAnswer(vectors []vector) []vector {
	var all []vector
	for _, v := range vectors {
		if v.Answers == nil {
			all = append(all, v)
		}
		for i, answer := range v.Answers {
			one := v
			one.Name, one.Answers = fmt.Sprintf("%s/%d", v.Name, i+1), nil
			one.Context, one.Want, one.Bytes, one.Hash = answer.Context, answer.Want, answer.Bytes, answer.Hash
			all = append(all, one)
		}
	}
	return all
}

// prepare gives the flag of a case and the context to evaluate it with.
func (v vector) prepare(t *testing.T) (*Flag, *Context) {
	t.Helper()
	name := v.Flag
	if name == "" {
		name = "flag"
	}
	var c Context
	if v.Context != nil {
		if err := c.Parse(v.Context); err != nil {
			t.Fatal(err)
		}
	}
	return ruleset(t, string(v.document(t))).Lookup([]byte(name)), &c
}

// Vectors that pin a hash, or the bytes that are hashed, are good for ever.
func TestPinnedHashes(t *testing.T) {
	files, _ := filepath.Glob("testdata/conformance/fractional-*.json")
	pinned := 0
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			if v.Hash == nil {
				continue
			}
			pinned++
			t.Run(filepath.Base(file)+"/"+v.Name, v.checkHash)
		}
	}
	if pinned < 500 {
		t.Errorf("only %d vectors pin a hash", pinned)
	}
}

func (v vector) checkHash(t *testing.T) {
	flag, c := v.prepare(t)
	got, ok := hashOf(c, flag)
	if !ok || got != *v.Hash {
		t.Errorf("hash %d, want %d", got, *v.Hash)
	}
	if v.Bytes == "" {
		return
	}
	raw, err := hex.DecodeString(v.Bytes)
	if err != nil || murmur3.Sum32(raw) != *v.Hash {
		t.Errorf("the bytes %s do not hash to %d (%v)", v.Bytes, *v.Hash, err)
	}
}

// hashOf is the hash that a flag goes by whose rule is one fractional.
func hashOf(c *Context, f *Flag) (hash uint32, ok bool) {
	e := f.rule.(*fractionalExpr)
	c.evaluate(f, constant{}, vectorTime)
	switch {
	case e.shares != nil && e.key == nil:
		return e.keys.implicit(c, e.frame)
	case e.shares != nil:
		return e.keys.written(c, e.frame, e.key.eval(c))
	default:
		return e.keys.written(c, e.frame, e.args.eval(c).items()[0])
	}
}

// The memory that an encoding is written to is taken beforehand, and is enough.
func TestCBORBound(t *testing.T) {
	for _, v := range readVectors(t, "testdata/conformance/fractional-v3.json") {
		flag, c := v.prepare(t)
		if e, ok := flag.rule.(*fractionalExpr); ok && e.key != nil {
			key := c.evaluate(flag, e.key, vectorTime)
			if size := len(c.temp.appendCBOR(nil, key)); size > cborBound(key) {
				t.Errorf("%s: %d bytes, bound %d", v.Name, size, cborBound(key))
			}
		}
	}
}

// The whole range of the hash falls on the whole range of the weights, and on
// nothing beyond.
func TestBucketOf(t *testing.T) {
	for _, row := range []struct {
		hash uint32
		sum  uint64
		want uint64
	}{
		{0, 1, 0},
		{1<<32 - 1, 1, 0},
		{0, 2, 0},
		{1<<31 - 1, 2, 0},
		{1 << 31, 2, 1},
		{1<<32 - 1, 2, 1},
		{1<<31 - 1, 100, 49},
		{1 << 31, 100, 50},
		{42949672, 100, 0},
		{42949673, 100, 1},
		{4252017623, 100, 98},
		{4252017624, 100, 99},
		{0, maxWeight, 0},
		{2, maxWeight, 0},
		{3, maxWeight, 1},
		{1<<31 - 1, maxWeight, 1<<30 - 1},
		{1 << 31, maxWeight, 1<<30 - 1},
		{1<<31 + 1, maxWeight, 1<<30 - 1},
		{1<<31 + 2, maxWeight, 1 << 30},
		{1<<32 - 1, maxWeight, maxWeight - 1},
	} {
		if got := bucketOf(row.hash, row.sum); got != row.want {
			t.Errorf("hash %d of %d: bucket %d, want %d", row.hash, row.sum, got, row.want)
		}
	}
}

const bucketingContext = `{"targetingKey":"user-4711","id":4711.5,"weight":25,"user":{"tenant":"acme","id":7,"roles":["admin",{"of":null,"by":"x"}],"a":1.5}}`

var bucketingRules = []struct{ name, generation, rule string }{
	{"RolloutV2", "v2", `{"fractional":[["on",25],["off",75]]}`},
	{"RolloutV3", "v3", `{"fractional":[["on",25],["off",75]]}`},
	{"AttributeV2", "v2", `{"fractional":[{"var":"targetingKey"},["on",25],["off",75]]}`},
	{"AttributeV3", "v3", `{"fractional":[{"var":"targetingKey"},["on",25],["off",75]]}`},
	{"NumberV3", "v3", `{"fractional":[{"var":"id"},["on",25],["off",75]]}`},
	{"ObjectV3", "v3", `{"fractional":[{"var":"user"},["on",25],["off",75]]}`},
	{"ComputedV2", "v2", `{"fractional":[["on",{"var":"weight"}],["off",75]]}`},
	{"ComputedV3", "v3", `{"fractional":[["on",{"var":"weight"}],["off",75]]}`},
	{"FiftySharesV2", "v2", `{"fractional":[` + strings.Repeat(`["off",2],`, 49) + `["on",2]]}`},
	{"StableBucket", "v2", `{"if":[{"<":[{"stable_bucket":[{"var":"targetingKey"},"checkout"]},0.25]},"on","off"]}`},
}

// bucketingCase gives a flag with one of the rules above and a parsed context.
func bucketingCase(t testing.TB, generation, rule string) (*Flag, *Context) {
	var c Context
	if err := c.Parse([]byte(bucketingContext)); err != nil {
		t.Fatal(err)
	}
	return ruleset(t, bucketingDocument(generation, rule, "on", "off")).Flags()[0], &c
}

// However a key is hashed, nothing is allocated for it.
func TestBucketingAllocatesNothing(t *testing.T) {
	for _, b := range bucketingRules {
		flag, c := bucketingCase(t, b.generation, b.rule)
		if n := testing.AllocsPerRun(100, func() { flag.Evaluate(c, 1) }); n != 0 {
			t.Errorf("%s: %v allocations", b.name, n)
		}
		if a := flag.Evaluate(c, 1); a.Variant < 0 {
			t.Errorf("%s: %s", b.name, a.JSON)
		}
	}
}

func BenchmarkBucketing(b *testing.B) {
	for _, bench := range bucketingRules {
		b.Run(bench.name, func(b *testing.B) {
			flag, c := bucketingCase(b, bench.generation, bench.rule)
			b.ReportAllocs()
			for b.Loop() {
				flag.Evaluate(c, 1)
			}
		})
	}
}

// A rule that can never match says so, by the rules of its generation.
func TestFractionalWarnings(t *testing.T) {
	const shares = `,["on",1],["off",1]`
	for _, row := range []struct{ args, v2, v3 string }{
		{`[["on",1],["off",1]]`, "", ""},
		{`["k"` + shares + `]`, "", ""},
		{`[{"var":"id"}` + shares + `]`, "", ""},
		{`[null` + shares + `]`, "", "its key is null"},
		{`[7` + shares + `]`, "its key is a number, and v2 takes strings only", ""},
		{`[true` + shares + `]`, "its key is a boolean, and v2 takes strings only", ""},
		{`[{"a":1,"b":2}` + shares + `]`, "its key is an object, and v2 takes strings only", ""},
		{`["k",["on",1.5]]`, "a weight must be a whole number", "a weight must be a whole number"},
		{`["k",["on",0]]`, "the weights add up to 0", "the weights add up to 0"},
		{`["k",["on",2147483647],["off",1]]`, "the weights add up to more than 2147483647", "the weights add up to more than 2147483647"},
		{`[7,["on",0]]`, "the weights add up to 0", "the weights add up to 0"},
		{`["k","on"]`, "each share must be a list of a variant and a weight", "each share must be a list of a variant and a weight"},
		{`[]`, "it needs a list of shares", "it needs a list of shares"},
		{`"k"`, "it needs a list of shares", "it needs a list of shares"},
		{`{"var":"shares"}`, "", ""},
	} {
		for generation, want := range map[string]string{"v2": row.v2, "v3": row.v3} {
			got := ""
			for _, w := range ruleset(t, bucketingDocument(generation, `{"fractional":`+row.args+`}`, "on", "off")).Warnings() {
				got += strings.TrimPrefix(w.Message, "fractional never matches: ")
			}
			if got != want {
				t.Errorf("%s %s: got %q, want %q", generation, row.args, got, want)
			}
		}
	}
}

// Hashing has its price in steps, so that a rule cannot hash without end.
func TestHashingCountsSteps(t *testing.T) {
	const times = 40
	body := `{"id":"` + strings.Repeat("x", 1<<19) + `","l":[` + strings.TrimSuffix(strings.Repeat("{},", times), ",") + `]}`
	for generation := range generations {
		flag := ruleset(t, bucketingDocument(generation, `{"reduce":[{"var":"l"},{"fractional":["`+strings.Repeat("x", 1<<15)+`",["a",1]]},""]}`, "a")).Flags()[0]
		var c Context
		if err := c.Parse([]byte(body)); err != nil {
			t.Fatal(err)
		}
		flag.Evaluate(&c, 0)
		if c.steps < times*(1<<15)/64 {
			t.Errorf("%s: %d steps", generation, c.steps)
		}
	}
}
