package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// A subject's variant depends on the flag's key, its rule, the subject and the
// generation, and on nothing else of a document.
func TestBucketsSurviveRevisions(t *testing.T) {
	const rule = `{"if":[{"==":[{"var":"plan"},"gold"]},{"fractional":[["a",30],["b",70],["c",20]]},{"fractional":[{"var":"id"},["a",1],["b",2],["c",{"var":"w"}]]}]}`
	const own = `{"state":"ENABLED","variants":{"a":1,"b":2,"c":3},"targeting":` + rule + `}`
	r := rand.New(rand.NewPCG(3, 1))
	for generation := range generations {
		before := ruleset(t, revision(r, generation, own, 0))
		want := variantsOf(t, before, repeats(2000))
		for change := range 20 {
			doc := revision(r, generation, own, change)
			later := ruleset(t, doc)
			before = CompileAfter(before, document(t, doc), Options{})
			if got := variantsOf(t, before, len(want)); !slices.Equal(got, want) {
				t.Fatalf("%s: subjects move where programs are shared with the revision before: %s", generation, doc)
			}
			if got := variantsOf(t, later, len(want)); !slices.Equal(got, want) {
				t.Fatalf("%s: subjects move where all that changes is the rest of the document: %s", generation, doc)
			}
			forced, _ := later.Under([]Override{{Flag: "other-1", Variant: "x"}}, nil)
			if got := variantsOf(t, forced, len(want)); !slices.Equal(got, want) {
				t.Fatalf("%s: an override of another flag moves subjects", generation)
			}
		}
	}
}

// Naming the default generation moves nobody, and v3 is another one.
func TestGenerations(t *testing.T) {
	const rule = `{"fractional":[["a",1],["b",1],["c",1]]}`
	of := func(generation string) []int {
		return variantsOf(t, ruleset(t, bucketingDocument(generation, rule, "a", "b", "c")), 1000)
	}
	if !slices.Equal(of(""), of("v2")) {
		t.Error("v2 differs from what a document without metadata.bucketing gets")
	}
	if slices.Equal(of("v2"), of("v3")) {
		t.Error("v3 is v2")
	}
	v2 := ruleset(t, bucketingDocument("v2", rule, "a", "b", "c"))
	v3 := CompileAfter(v2, document(t, bucketingDocument("v3", rule, "a", "b", "c")), Options{})
	if !slices.Equal(variantsOf(t, v3, 1000), of("v3")) {
		t.Error("a flag keeps its program where the generation changes")
	}
}

// variantsOf evaluates the flag named flag for so many subjects, all with one
// context, as a server does.
func variantsOf(t *testing.T, r *Ruleset, subjects int) []int {
	t.Helper()
	flag, other := r.Lookup([]byte("flag")), r.Flags()[0]
	var c Context
	variants := make([]int, subjects)
	for i := range variants {
		plan := []string{"gold", "free"}[i%2]
		if err := c.Parse(fmt.Appendf(nil, `{"plan":"%s","targetingKey":"user-%d","id":"%d","w":%d}`, plan, i, i, i%5)); err != nil {
			t.Fatal(err)
		}
		other.Evaluate(&c, 0) // what was asked before does not matter
		a := flag.Evaluate(&c, int64(i))
		if a.Variant < 0 {
			t.Fatalf("%s", a.JSON)
		}
		variants[i] = a.Variant
	}
	return variants
}

// revision is a document with the flag in it, and with whatever else.
func revision(r *rand.Rand, generation, own string, change int) string {
	flags := []string{`"flag":` + own}
	for i := range r.IntN(8) {
		flags = append(flags, fmt.Sprintf(`"other-%d":{"variants":{"x":%d,"y":"z"},"targeting":{"fractional":[{"var":"attribute-%d"},["x",%d],["y",1]]}}`, i, i, r.IntN(9), r.IntN(9)))
	}
	r.Shuffle(len(flags), func(i, j int) { flags[i], flags[j] = flags[j], flags[i] })
	members := []string{
		fmt.Sprintf(`"metadata":{"change":%d,"bucketing":%q,"flagSetId":"set-%d"}`, change, generation, r.IntN(9)),
		fmt.Sprintf(`"$evaluators":{"some-%d":{"in":["@x",{"var":"email-%d"}]}}`, r.IntN(9), r.IntN(9)),
		`"flags":{` + strings.Join(flags, ", \n") + `}`,
	}
	r.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",\t") + "}"
}
