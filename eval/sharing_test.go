package eval

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// after compiles documents one after the other, each with what it can share of
// the one before.
func after(t testing.TB, docs ...string) []*Ruleset {
	t.Helper()
	var rulesets []*Ruleset
	var last *Ruleset
	for _, doc := range docs {
		last = CompileAfter(last, document(t, doc), Options{})
		rulesets = append(rulesets, last)
	}
	return rulesets
}

// A flag goes on into the next ruleset if, and only if, nothing that it was made of changes.
func TestSharing(t *testing.T) {
	const flag = `"a":{"variants":{"x":1,"y":2},"targeting":{"if":[{"$ref":"r"},"x","y"]}}`
	whole := func(rest, flags string) string {
		return `{"$evaluators":{"r":{"$ref":"s"},"s":{"==":[{"var":"q"},1]},"t":[2]},` + rest + `"flags":{` + flags + `}}`
	}
	base := whole("", flag)
	cases := []struct {
		name, next string
		shared     bool
	}{
		{"the same document", base, true},
		{"another flag", whole("", flag+`,"b":{"variants":{"x":1}}`), true},
		{"another evaluator", strings.Replace(base, `"t":[2]`, `"t":[3]`, 1), true},
		{"the flag", strings.Replace(base, `"y":2`, `"y":3`, 1), false},
		{"its evaluator", strings.Replace(base, `"r":{"$ref":"s"}`, `"r":{"!":{"$ref":"s"}}`, 1), false},
		{"an evaluator behind it", strings.Replace(base, `"q"},1`, `"q"},2`, 1), false},
		{"the set's metadata", whole(`"metadata":{"m":1},`, flag), false},
		{"metadata that no answer shows", whole(`"metadata":{"owner":"x","bucketing":"v2"},`, flag), true},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := after(t, base, c.next)
			before, now := r[0].Lookup([]byte("a")), r[1].Lookup([]byte("a"))
			if (before.program == now.program) != c.shared {
				t.Errorf("shared: %v, want %v", before.program == now.program, c.shared)
			}
		})
	}
}

// Nor does one go on where it would answer otherwise for what it was compiled for.
func TestSharingEndsWithOptionsAndBucketing(t *testing.T) {
	const flags = `"flags":{"a":{"variants":{"x":1,"y":2},"targeting":{"fractional":[["x",1],["y",1]]},"metadata":{"owner":"team"}}}}`
	first := Compile(document(t, `{`+flags), Options{})
	a := first.Lookup([]byte("a"))
	if next := CompileAfter(first, document(t, `{"metadata":{"bucketing":"v3"},`+flags), Options{}); next.Lookup([]byte("a")).program == a.program {
		t.Error("a program of v2 went on into v3")
	}
	next := CompileAfter(first, document(t, `{`+flags), Options{AnswerContract: true})
	answer := next.Lookup([]byte("a")).Evaluate(new(Context), 1)
	if !strings.Contains(string(answer.JSON), `"owner":"team"`) {
		t.Errorf("%s lacks the contract that is asked for now", answer.JSON)
	}
}

// A flag that was broken by a reference is compiled again once that leads somewhere.
func TestSharingOfBrokenFlags(t *testing.T) {
	const flags = `"flags":{"a":{"variants":{"x":1},"targeting":{"$ref":"r"}}}}`
	r := after(t, `{`+flags, `{"$evaluators":{"r":"x"},`+flags, `{`+flags)
	for i, broken := range []int{1, 0, 1} {
		if got := len(r[i].Broken()); got != broken {
			t.Errorf("document %d: %d broken flags, want %d", i, got, broken)
		}
	}
}

// Whatever came before, a document answers as if nothing had.
func TestSharingChangesNoAnswer(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 0))
		var last *Ruleset
		for revision := range 15 {
			doc := document(t, randomDocument(random))
			last = CompileAfter(last, doc, Options{})
			fresh := Compile(doc, Options{})
			for range 5 {
				compareRulesets(t, fmt.Sprintf("seed %d, revision %d", seed, revision), last, fresh, randomSubject(random))
			}
		}
	}
}

// Flags that have one rule in common answer as if each had its own.
func TestRepeatedRulesChangeNoAnswer(t *testing.T) {
	const rule = `{"if":[{"$ref":"e"},{"fractional":[["x",1],["y",1]]},{"==":[{"var":"$flagd.flagKey"},"b"]},"y","x"]}`
	const evaluators = `{"$evaluators":{"e":{"==":[{"var":"a0"},1]}},"flags":{`
	flags := []string{
		`"a":{"variants":{"x":1,"y":2},"targeting":` + rule + `}`,
		`"b":{"variants":{"y":1,"x":2},"defaultVariant":"x","targeting":` + rule + `}`,
		`"c":{"variants":{"z":1,"x":2},"metadata":{"subject":"a1"},"targeting":` + rule + `}`,
		`"d":{"state":"DISABLED","variants":{"x":1},"targeting":` + rule + `}`,
		`"d2":{"variants":{"x":3,"y":4},"targeting":` + rule + `}`,
		`"e":{"variants":{"x":1,"y":1},"targeting":{"if":[{"no such operator":1},"x","y"]}}`,
		`"f":{"variants":{"x":1,"y":1},"targeting":{"if":[{"no such operator":1},"x","y"]}}`,
	}
	together := Compile(document(t, evaluators+strings.Join(flags, ",")+`}}`), Options{})
	rules := together.Flags()
	if rules[0].rule != rules[4].rule {
		t.Error("one rule over the same variants was compiled twice")
	}
	if rules[0].rule == rules[1].rule {
		t.Error("a rule is shared by flags whose variants stand in another order")
	}
	var places []string
	for _, w := range together.Warnings() {
		places = append(places, w.Flag+" "+w.Path)
	}
	if want := `e flags.e.targeting.if[0]["no such operator"],f flags.f.targeting.if[0]["no such operator"]`; strings.Join(places, ",") != want {
		t.Errorf("warnings at %v; want %s", places, want)
	}
	random := rand.New(rand.NewPCG(3, 3))
	for range 200 {
		subject := randomSubject(random)
		for i, flag := range flags {
			var one, two Context
			if one.Parse([]byte(subject)) != nil || two.Parse([]byte(subject)) != nil {
				t.Fatal(subject)
			}
			alone := Compile(document(t, evaluators+flag+`}}`), Options{}).Flags()[0]
			got, want := together.Flags()[i].Evaluate(&one, 1), alone.Evaluate(&two, 1)
			if !bytes.Equal(got.JSON, want.JSON) || got.Variant != want.Variant {
				t.Fatalf("%s for %s; want %s", got.JSON, subject, want.JSON)
			}
		}
	}
}

func compareRulesets(t *testing.T, what string, a, b *Ruleset, subject string) {
	t.Helper()
	var one, two Context
	if one.Parse([]byte(subject)) != nil || two.Parse([]byte(subject)) != nil {
		t.Fatal(subject)
	}
	for i, f := range a.Flags() {
		got, want := f.Evaluate(&one, 1), b.Flags()[i].Evaluate(&two, 1)
		if !bytes.Equal(got.JSON, want.JSON) || got.Variant != want.Variant {
			t.Fatalf("%s: %s for %s; want %s", what, got.JSON, subject, want.JSON)
		}
	}
}

// randomDocument has flags that read few out of many attributes, so that
// documents share some and numbers grow.
func randomDocument(random *rand.Rand) string {
	var doc strings.Builder
	fmt.Fprintf(&doc, `{"$evaluators":{"e":{"==":[{"var":"a%d.b"},%d]}},"flags":{`, random.IntN(3), random.IntN(2))
	separator := ""
	for i := range 12 {
		if random.IntN(4) == 0 {
			continue
		}
		rule := fmt.Sprintf(`{"if":[{"$ref":"e"},"x",{"==":[{"var":"a%d"},%d]},"y"]}`, random.IntN(30), random.IntN(3))
		if random.IntN(2) == 0 {
			rule = fmt.Sprintf(`{"fractional":[{"var":"a%d"},["x",1],["y",%d]]}`, random.IntN(30), 1+random.IntN(2))
		}
		fmt.Fprintf(&doc, `%s"f%d":{"variants":{"x":%d,"y":0},"defaultVariant":"y","targeting":%s}`, separator, i, random.IntN(2), rule)
		separator = ","
	}
	return doc.String() + `}}`
}

func randomSubject(random *rand.Rand) string {
	members := []string{`"targetingKey":"u"`}
	for i := range 30 {
		switch random.IntN(4) {
		case 0:
			members = append(members, fmt.Sprintf(`"a%d":%d`, i, random.IntN(3)))
		case 1:
			members = append(members, fmt.Sprintf(`"a%d":"s%d"`, i, random.IntN(3)))
		case 2:
			members = append(members, fmt.Sprintf(`"a%d":{"b":%d}`, i, random.IntN(2)))
		}
	}
	return "{" + strings.Join(members, ",") + "}"
}

// Paths that only earlier flags read do not pile up.
func TestAttributesAreBegunAnew(t *testing.T) {
	var last *Ruleset
	for revision := range 50 {
		doc := fmt.Sprintf(`{"flags":{"a":{"variants":{"x":1},"targeting":{"if":[{"var":"a%d"},"x"]}},"b":{"variants":{"x":1},"targeting":{"if":[{"var":"b"},"x"]}}}}`, revision)
		last = CompileAfter(last, document(t, doc), Options{})
	}
	if n := len(last.table.paths); n > 8 {
		t.Errorf("%d paths after 50 revisions of a document that reads 3", n)
	}
}

// Overrides of an earlier ruleset do not go on into the next.
func TestSharingLeavesOverrides(t *testing.T) {
	const doc = `{"flags":{"a":{"variants":{"x":1},"defaultVariant":"x"}}}`
	first, _ := after(t, doc)[0].Under([]Override{{Flag: "a", Variant: "x"}}, nil)
	if CompileAfter(first, document(t, doc), Options{}).Lookup([]byte("a")).Overridden() {
		t.Error("an override went on")
	}
}

// What was read from a request does not keep its bytes in memory: a context that
// is reset refers to none of them.
func TestResetLetsGo(t *testing.T) {
	flag := onlyFlag(t, `{"if":[{"==":[{"map":[{"var":"l"},{"var":""}]},{"var":"a"}]},"on",{"var":"a"}]}`, "on")
	var c Context
	if err := c.Parse([]byte(`{"a":"a string of the body","l":["another"]}`)); err != nil {
		t.Fatal(err)
	}
	flag.Evaluate(&c, 1)
	c.Reset()
	for _, v := range c.values {
		if v.value.str != "" {
			t.Errorf("a slot holds %q", v.value.str)
		}
	}
	for name, m := range map[string]*memory{"held": &c.held, "temp": &c.temp} {
		for _, v := range m.values.block {
			if v.str != "" || v.box != nil {
				t.Errorf("%s memory holds %v", name, v)
			}
		}
	}
}

// A panic ends one evaluation, not the process, and is there to be reported.
func TestPanicIsAnError(t *testing.T) {
	broken := map[string]compileFunc{"bug": func(*compiler, value, scope) expr { return bug{} }, "var": compileVar}
	rules := newCompiler(broken, "v2", nil)
	c := &flagCompiler{rules: rules, refs: newResolver(nil), weigher: newWeigher()}
	doc := document(t, `{"flags":{"a":{"variants":{"x":1},"targeting":{"bug":[]}},"b":{"variants":{"x":1},"targeting":{"var":"v"}}}}`)
	var r Ruleset
	r.seal([]*program{c.compile(&doc.flags[0], nil), c.compile(&doc.flags[1], nil)}, rules.slots, nil)

	var subject Context
	if err := subject.Parse([]byte(`{"v":"x"}`)); err != nil {
		t.Fatal(err)
	}
	a := r.Flags()[0].Evaluate(&subject, 1)
	met := subject.TakePanic()
	if a.Code != General || met == nil || !strings.Contains(string(met.Stack), "bug") {
		t.Errorf("got %s and %v", a.JSON, met)
	}
	if a := r.Flags()[1].Evaluate(&subject, 1); a.Code != NoError || subject.TakePanic() != nil {
		t.Errorf("the next evaluation: %s", a.JSON)
	}
}

type bug struct{}

func (bug) eval(*Context) value { panic("a mistake") }
