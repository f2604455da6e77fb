package eval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"weak"
)

// A past of 1 % of the flags takes little beside its base, and weighs what it
// takes. Not in parallel: it measures the heap.
func TestMemoryOfPasts(t *testing.T) {
	base := Compile(document(t, string(largeDocument(1))), Options{})
	whole := CompileAfter(base, document(t, string(largeDocument(2))), Options{})
	var pasts [4]*Past
	before := liveHeap()
	for i := range pasts {
		later := CompileAfter(whole, document(t, string(largeDocument(3+i))), Options{})
		pasts[i] = later.Past(base)
	}
	each := (liveHeap() - before) / float64(len(pasts))
	weight := float64(pasts[0].Weight())
	t.Logf("%d own flags of %d take %.0f bytes, weigh %.0f", len(pasts[0].Own()), pasts[0].Len(), each, weight)
	if weight < 0.9*each || weight > 1.5*each {
		t.Errorf("weighs %.0f bytes; takes %.0f", weight, each)
	}
	if each > 256<<10 {
		t.Errorf("%.0f KiB for 100 flags", each/1024)
	}
	runtime.KeepAlive(pasts)
	runtime.KeepAlive(base)
	runtime.KeepAlive(whole)
}

// What differs in everything is weighed as well: other metadata makes every flag another.
func TestWeightOfPasts(t *testing.T) {
	doc := string(largeDocument(1))
	base := Compile(document(t, doc), Options{})
	evaluator := `{"$evaluators":{"e":{"in":[{"var":"x"},["` + strings.Repeat("y", 60_000) + `",2]]}},`
	for name, changed := range map[string]string{
		"metadata":   strings.Replace(doc, `"shop"`, `"shopping"`, 1),
		"attributes": strings.ReplaceAll(doc, `"var":"plan"`, `"var":"a.plan"`),
		"few flags":  `{"metadata":{"flagSetId":"shop"},"flags":{"a":{"variants":{"on":1}}}}`,
		"evaluator":  evaluator + doc[1:],
	} {
		t.Run(name, func(t *testing.T) {
			before := liveHeap()
			past := CompileAfter(base, document(t, changed), Options{}).Past(base)
			under := past.Under(base, []Override{{Flag: "team-1.flag-1", Variant: "off", Segment: "e"}}, nil)
			taken := liveHeap() - before
			if got := float64(under.Weight()); got < 0.9*taken-16<<10 || got > 1.5*taken+64<<10 {
				t.Errorf("weighs %.0f KiB; takes %.0f", got/1024, taken/1024)
			}
			runtime.KeepAlive(past)
			runtime.KeepAlive(under)
		})
	}
	runtime.KeepAlive(base)
}

// A past keeps nothing alive of the ruleset that it was, but what it has of its own.
func TestPastsLetGoOfRulesets(t *testing.T) {
	doc := func(i int) string {
		return fmt.Sprintf(`{"$evaluators":{"e":{"==":[{"var":"x%d"},1]}},"flags":{"a":{"variants":{"on":%d},"targeting":{"$ref":"e"}},"b":{"variants":{"on":1,"off":2},"targeting":{"if":[{"var":"y"},"on"]}},"c%d":{"variants":{"on":1}}}}`, i, i, i)
	}
	made := func() (past *Past, base *Ruleset, gone map[string]func() bool) {
		first := Compile(document(t, doc(0)), Options{})
		second := CompileAfter(first, document(t, doc(1)), Options{})
		third := CompileAfter(second, document(t, doc(2)), Options{})
		first, _ = first.Under([]Override{{Flag: "a", Variant: "on"}}, nil)
		gone = make(map[string]func() bool)
		for i, r := range []*Ruleset{first, first.asPublished(), second} {
			name := fmt.Sprintf("ruleset %d: ", i)
			gone[name+"itself"] = watched(r)
			gone[name+"flags"] = watched(r.flags[1])
			gone[name+"list of flags"] = watched(&r.flags[0])
			gone[name+"keys"] = watched(&r.keys[0])
			gone[name+"index"] = watched(&r.index.cells[0])
		}
		gone["a table that the base's goes on from"] = watched(first.table)
		gone["a program that the past does not have"] = watched(second.Lookup([]byte("c1")).program)
		base, _ = third.Under([]Override{{Flag: "b", Variant: "on"}}, nil)
		past = first.Past(second).Rebase(second, base)
		return past.Under(base, []Override{{Flag: "b", Variant: "off", Segment: "e"}}, nil), base, gone
	}
	past, base, gone := made()
	if len(past.Own()) != 3 || len(past.keys) != 4 {
		t.Fatalf("%q", past.keys)
	}
	runtime.GC()
	runtime.GC()
	for name, is := range gone {
		if !is() {
			t.Errorf("%s is still in memory", name)
		}
	}
	runtime.KeepAlive(past)
	runtime.KeepAlive(base)
}

// watched tells whether something is gone.
func watched[T any](of *T) func() bool {
	at := weak.Make(of)
	return func() bool { return at.Value() == nil }
}

// Flags of two tables that take turns are answered as alone, and read the context once.
func TestContextServesTablesInTurn(t *testing.T) {
	long := strings.Repeat(`\u0078`, 1000)
	c := subject(t, `{"a":"`+long+`","b":"`+long+`","\u0063":"z"}`)
	one := onlyFlag(t, `{"if":[{"==":[{"var":"a"},{"var":"b"}]},{"var":"c"}]}`, "z", "y")
	two := onlyFlag(t, `{"if":[{"==":[{"var":"b"},{"var":"a"}]},{"var":"c"}]}`, "y", "z")
	three := onlyFlag(t, `{"if":[{"var":"b"},{"var":"c"},{"var":"a"}]}`, "y", "x", "z")
	for range 1000 {
		if a, b := one.Evaluate(c, 0), two.Evaluate(c, 0); a.Variant != 0 || b.Variant != 1 {
			t.Fatalf("%s, %s", a.JSON, b.JSON)
		}
	}
	if reads := c.stamp + c.aside.stamp; reads != 2 {
		t.Errorf("the names of the context were read %d times for two tables", reads)
	}
	for range 1000 {
		if a, b, third := one.Evaluate(c, 0), two.Evaluate(c, 0), three.Evaluate(c, 0); a.Variant != 0 || b.Variant != 1 || third.Variant != 2 {
			t.Fatalf("%s, %s, %s", a.JSON, b.JSON, third.JSON)
		}
	}
	for _, b := range []*bindings{&c.bindings, &c.aside} {
		if len(b.held.bytes.block) > 1<<17 {
			t.Errorf("%d bytes are held", len(b.held.bytes.block))
		}
	}
	if n := testing.AllocsPerRun(100, func() { one.Evaluate(c, 0); two.Evaluate(c, 0) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
	c.Reset()
	if c.aside.bound != nil || c.bound != nil || len(c.aside.resolved) > 0 {
		t.Error("a context that was reset is bound")
	}
}

func TestPastLookupAllocatesNothing(t *testing.T) {
	past, base := pastOfLarge(t)
	_ = base
	for _, key := range []string{"team-0.flag-0", "team-1.flag-1", "none"} {
		raw := []byte(key)
		if n := testing.AllocsPerRun(100, func() { past.Lookup(raw) }); n > 0 {
			t.Errorf("%v allocations for %s", n, key)
		}
	}
}

// pastOfLarge is a past that differs in one flag of a hundred.
func pastOfLarge(t testing.TB) (*Past, *Ruleset) {
	first := Compile(document(t, string(largeDocument(1))), Options{})
	base := CompileAfter(first, document(t, string(largeDocument(2))), Options{})
	return first.Past(base), base
}

func BenchmarkPast(b *testing.B) {
	past, base := pastOfLarge(b)
	next := CompileAfter(base, document(b, string(largeDocument(3))), Options{})
	for _, look := range []struct{ name, key string }{{"own", "team-0.flag-0"}, {"shared", "team-1.flag-1"}, {"absent", "team-1.flag-none"}} {
		b.Run("Lookup/"+look.name, func(b *testing.B) {
			key := []byte(look.key)
			b.ReportAllocs()
			for b.Loop() {
				past.Lookup(key)
			}
		})
	}
	b.Run("Lookup/whole", func(b *testing.B) {
		key := []byte("team-1.flag-1")
		for b.Loop() {
			base.Lookup(key)
		}
	})
	b.Run("Rebase", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			past.Rebase(base, next)
		}
	})
	overrides := []Override{{Flag: "team-1.flag-1", Variant: "off"}, {Flag: "team-0.flag-0", Variant: "off"}}
	under, _ := base.Under(overrides, nil)
	for name, asked := range map[string][]Override{"none": nil, "two": overrides} {
		b.Run("Under/"+name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				past.Under(under, asked, nil)
			}
		})
	}
	b.Run("UnderWhole", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			base.Under(overrides, nil)
		}
	})
	b.Run("All", func(b *testing.B) {
		for b.Loop() {
			for f := range past.All() {
				_ = f
			}
		}
	})
}

// Of two rulesets that were compiled apart, a past has those flags of its own
// that may answer otherwise, and no others: also once it was held against a third.
func TestPastHasWhatDiffers(t *testing.T) {
	const (
		static  = `"a":{"variants":{"x":1},"defaultVariant":"x"}`
		split   = `"b":{"variants":{"x":1,"y":2},"targeting":{"fractional":[["x",1],["y",1]]}}`
		refers  = `"c":{"variants":{"x":1,"y":2},"targeting":{"if":[{"$ref":"e"},"x","y"]}}`
		all     = `"flags":{` + static + `,` + split + `,` + refers + `}}`
		segment = `{"$evaluators":{"e":{"==":[{"var":"q"},1]}},`
		missing = `{`
		circle  = `{"$evaluators":{"e":{"$ref":"e"}},`
	)
	for _, tc := range []struct{ name, then, now, own string }{
		{"the same", segment + all, segment + all, ""},
		{"another definition", segment + all, segment + strings.Replace(all, `"x":1}`, `"x":2}`, 1), "a"},
		{"another evaluator", segment + all, strings.Replace(segment, "1", "2", 1) + all, "c"},
		{"another generation of fractional", segment + all, `{"metadata":{"bucketing":"v3"},` + segment[1:] + all, "a b c"},
		{"other metadata", segment + all, `{"metadata":{"m":1},` + segment[1:] + all, "a b c"},
		{"metadata that no answer shows", segment + all, `{"metadata":{"owner":"m"},` + segment[1:] + all, ""},
		{"broken for another reason", missing + all, circle + all, "c"},
		{"fewer flags", segment + `"flags":{` + refers + `}}`, segment + all, ""},
		{"more flags", segment + all, segment + `"flags":{` + refers + `}}`, "a b"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			now, empty := Compile(document(t, tc.now), Options{}), Compile(document(t, `{"flags":{}}`), Options{})
			direct := Compile(document(t, tc.then), Options{}).Past(now)
			for _, past := range []*Past{direct, direct.Rebase(now, empty).Rebase(empty, now)} {
				var own []string
				for _, f := range past.Own() {
					own = append(own, f.Key())
				}
				if got := strings.Join(own, " "); got != tc.own {
					t.Errorf("own flags %q; want %q", got, tc.own)
				}
			}
		})
	}
}
