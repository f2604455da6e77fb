package eval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// What is weighed is what is in memory, about, whatever the rules are made of.
func TestWeightIsWhatItTakes(t *testing.T) {
	numbers := strings.Repeat("0,", 2_000) + "0"
	for name, flag := range map[string]func(i int) string{
		"static": func(int) string { return `"variants":{"on":true,"off":false},"defaultVariant":"on"` },
		"values": func(int) string {
			return `"variants":{"on":"` + strings.Repeat("x", 3_000) + `"},"targeting":{"var":"v"}`
		},
		"list": func(i int) string { return targetingOf(fmt.Sprintf(`{"in":[{"var":"x"},[%d,%s,""]]}`, i, numbers)) },
		"set":  func(i int) string { return targetingOf(fmt.Sprintf(`{"in":[{"var":"x"},[%d,%s]]}`, i, numbers)) },
		"cat":  func(i int) string { return targetingOf(fmt.Sprintf(`{"cat":[{"var":"x"},%d,%s]}`, i, numbers)) },
		"splits": func(i int) string {
			return targetingOf(`{"fractional":[` + strings.Repeat(`["on",1],`, 500) + fmt.Sprintf(`["off",%d]]}`, i+1))
		},
		"operators": func(i int) string {
			return targetingOf(fmt.Sprintf(`{"or":[%s%d]}`, strings.Repeat(`{"a":0},`, 500), i))
		},
		"attributes": func(i int) string { return targetingOf(fmt.Sprintf(`{"var":"a%d%s"}`, i, strings.Repeat(".x", 1_000))) },
		"escapes": func(int) string {
			var names strings.Builder
			for i := range 20 {
				fmt.Fprintf(&names, `"%d%s":0,`, i, strings.Repeat(`\u0001`, 100))
			}
			return `"variants":{` + strings.TrimSuffix(names.String(), ",") + `},"targeting":{"var":"v"}`
		},
		"evaluators": func(i int) string { return targetingOf(fmt.Sprintf(`{"some":[{"var":"l%d"},{"$ref":"e"}]}`, i)) },
	} {
		t.Run(name, func(t *testing.T) {
			var doc strings.Builder
			doc.WriteString(`{"$evaluators":{"e":{"in":[{"var":""},[` + numbers + `,""]]}},"flags":{"last":{}`)
			for i := range 100 {
				fmt.Fprintf(&doc, `,"f%d":{%s}`, i, flag(i))
			}
			limits := LoadLimits()
			limits.Memory = 1 << 30
			parsed, err := Parse([]byte(doc.String()+"}}"), limits)
			if err != nil {
				t.Fatal(err)
			}
			before := liveHeap()
			rules := Compile(parsed, Options{})
			taken := liveHeap() - before
			runtime.KeepAlive(parsed)
			if got := float64(rules.Weight()); got < 0.9*taken-64<<10 || got > 2*taken+256<<10 {
				t.Errorf("weighs %.0f KiB; takes %.0f", got/1024, taken/1024)
			}
			runtime.KeepAlive(rules)
		})
	}
}

func targetingOf(rule string) string {
	return `"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":` + rule
}

// Beyond its memory a document compiles to nothing, whatever came before it; and stops long before it takes what it asks for.
func TestCompileStopsAtItsMemory(t *testing.T) {
	large := `{"$evaluators":{"e":{"or":[` + strings.TrimSuffix(strings.Repeat(`{"in":[{"var":""},[`+strings.Repeat("0,", 4_000)+`""]]},`, 10), ",") + `]}},"flags":{"last":{"variants":{"on":1}}`
	var doc strings.Builder
	doc.WriteString(large)
	for i := range 9_000 { // two megabytes each, compiled
		fmt.Fprintf(&doc, `,"f%d":{%s}`, i, targetingOf(fmt.Sprintf(`{"some":[{"var":"l%d"},{"$ref":"e"}]}`, i)))
	}
	parsed := document(t, doc.String()+"}}")
	for name, earlier := range map[string]*Ruleset{"alone": nil, "after another": Compile(document(t, large+"}}"), Options{})} {
		before := allocated()
		rules := CompileAfter(earlier, parsed, Options{})
		if taken := allocated() - before; taken > 256<<20 {
			t.Errorf("%s: %d MiB to refuse it", name, taken>>20)
		}
		problem := rules.Oversize()
		if problem == nil || rules.Len() != 0 || len(rules.Broken()) != 1 || rules.Lookup([]byte("last")) != nil {
			t.Fatalf("%s: %d flags, problem %v, broken %v", name, rules.Len(), problem, rules.Broken())
		}
		if want := fmt.Sprintf("the limit of %d bytes", LoadLimits().Memory); !strings.Contains(problem.Message, want) {
			t.Errorf("%s: %q does not name %q", name, problem.Message, want)
		}
	}
}

// Flags that go on and flags that are new refer to one evaluator, however many revisions there were.
func TestEvaluatorsAreNotMultiplied(t *testing.T) {
	next := func(last *Ruleset, revision int) *Ruleset {
		var doc strings.Builder
		doc.WriteString(`{"$evaluators":{"e":{"in":[{"var":"x"},[` + strings.Repeat("0,", 4_000) + `""]]}},"flags":{"last":{"variants":{"on":1}}`)
		for i := range 50 {
			salt := revision - (revision+49-i)%50 // one flag changes with each revision
			fmt.Fprintf(&doc, `,"f%d":{%s}`, i, targetingOf(fmt.Sprintf(`{"if":[{"$ref":"e"},"on",{"==":[{"var":"y"},%d]},"off"]}`, salt)))
		}
		return CompileAfter(last, document(t, doc.String()+"}}"), Options{})
	}
	last := next(nil, 0)
	before := liveHeap()
	for revision := range 50 {
		last = next(last, revision+1)
	}
	if grown := liveHeap() - before; grown > 512<<10 { // an evaluator is 160 KB
		t.Errorf("50 revisions left %.0f KiB behind", grown/1024)
	}
	runtime.KeepAlive(last)
}

// A mistake that a rule repeats is told a few times, and names that are many or long are cut.
func TestMessagesStaySmall(t *testing.T) {
	before := allocated()
	rules := ruleset(t, `{"flags":{"f":{`+targetingOf(`{"or":[`+strings.Repeat(`{"a":0},`, 1_000)+`0]}`)+`}}}`)
	if taken := allocated() - before; taken > 2<<20 { // to tell each of them took 2 KiB
		t.Errorf("%d KiB to compile them", taken>>10)
	}
	if n := len(rules.Warnings()); n != maxWarnings {
		t.Errorf("%d warnings; want %d", n, maxWarnings)
	}
	var variants []string
	for i := range 1_000 {
		variants = append(variants, fmt.Sprintf(`"%d%s":1`, i, strings.Repeat("v", 1_000)))
	}
	members := `"variants":{` + strings.Join(variants, ",") + `},"targeting":{"var":"v"}`
	broken := ruleset(t, `{"flags":{"f":{`+members+`,"defaultVariant":"none"}}}`).Broken()[0].Message
	unmatched := string(ruleset(t, `{"flags":{"f":{`+members+`}}}`).Flags()[0].Evaluate(subject(t, `{"v":"none"}`), 1).JSON)
	for _, message := range []string{broken, unmatched} {
		if len(message) > 2_000 || !strings.Contains(message, "and 990 more") {
			t.Errorf("%d bytes: %.300s", len(message), message)
		}
	}
	_, err := Parse([]byte(`{"flags":{"f":{"`+strings.Repeat("x", 1<<20)+`":1}}}`), LoadLimits())
	if err == nil || len(err.Error()) > 1_000 {
		t.Errorf("%d bytes of an error", len(err.Error()))
	}
}

func subject(t *testing.T, context string) *Context {
	t.Helper()
	var c Context
	if err := c.Parse([]byte(context)); err != nil {
		t.Fatal(err)
	}
	return &c
}
