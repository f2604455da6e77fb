package eval

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const overridden = `{"$evaluators":{"staff":{"in":["@x",{"var":"email"}]},"loop":{"$ref":"loop"},"bad":{"in":[null,"x"]}},"flags":{
	"a":{"state":"ENABLED","variants":{"on":1.0,"off":2,"safe":3},"defaultVariant":"on","metadata":{"safeVariant":"safe"}},
	"b":{"state":"DISABLED","variants":{"on":true},"defaultVariant":"on"},
	"c":{"variants":{"":true},"defaultVariant":""},
	"d":{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"safeVariant":"off"}},
	"e":{"variants":{"on":true,"off":false},"defaultVariant":"gone","metadata":{"safeVariant":"off"}}}}`

func TestOverrides(t *testing.T) {
	const forced = `"reason":"DEFAULT","variant":"%s","metadata":{"burgee.override":true}}`
	cases := []struct {
		name      string
		overrides []Override
		flag      string
		want      string // the end of the answer
		problem   string
		inForce   bool // the last of them
	}{
		{"for everyone", []Override{{Flag: "a", Variant: "off"}}, "a", fmt.Sprintf(forced, "off"), "", true},
		{"beats disabled", []Override{{Flag: "b", Variant: "on"}}, "b", fmt.Sprintf(forced, "on"), "", true},
		{"for a segment", []Override{{Flag: "a", Variant: "off", Segment: "staff"}}, "a", fmt.Sprintf(forced, "off"), "", true},
		{"a segment that fails holds nobody", []Override{{Flag: "a", Variant: "off", Segment: "bad"}}, "a", `"reason":"STATIC","variant":"on","metadata":{}}`, "", true},
		{"everyone before a segment", []Override{{Flag: "a", Variant: "off", Segment: "staff"}, {Flag: "a", Variant: "safe"}}, "a", fmt.Sprintf(forced, "safe"), `another override of the flag, for everyone, decides before it`, true},
		{"the first for everyone", []Override{{Flag: "a", Variant: "off"}, {Flag: "a", Variant: "safe"}}, "a", fmt.Sprintf(forced, "off"), `another override of the flag, for everyone, decides before it`, false},
		{"the safe variant for one that is none", []Override{{Flag: "a", Variant: "x"}}, "a", fmt.Sprintf(forced, "safe"), `"x" is not one of the variants ["on" "off" "safe"]; the safe variant is served`, true},
		{"no effect without a safe variant", []Override{{Flag: "b", Variant: "x"}}, "b", `"reason":"DISABLED","metadata":{}}`, `"x" is not one of the variants ["on"], and there is no safe variant`, false},
		{"the safe variant", []Override{{Flag: "a"}}, "a", fmt.Sprintf(forced, "safe"), "", true},
		{"the safe variant of a disabled flag", []Override{{Flag: "d"}}, "d", fmt.Sprintf(forced, "off"), "", true},
		{"the safe variant of a broken flag", []Override{{Flag: "e"}}, "e", fmt.Sprintf(forced, "off"), "", true},
		{"a safe variant that has no name is none", []Override{{Flag: "c"}}, "c", `"reason":"DEFAULT","metadata":{}}`, `the flag has no safe variant`, false},
		{"no safe variant", []Override{{Flag: "b"}}, "b", `"reason":"DISABLED","metadata":{}}`, `the flag has no safe variant`, false},
		{"one without effect hides no other", []Override{{Flag: "b"}, {Flag: "b", Variant: "on", Segment: "staff"}}, "b", fmt.Sprintf(forced, "on"), `the flag has no safe variant`, true},
		{"two for segments", []Override{{Flag: "a", Variant: "off", Segment: "staff"}, {Flag: "a", Segment: "bad"}}, "a", fmt.Sprintf(forced, "off"), "", true},
		{"an unknown flag", []Override{{Flag: "z", Variant: "x"}}, "a", `"metadata":{}}`, `there is no such flag`, false},
		{"an unknown segment", []Override{{Flag: "a", Variant: "off", Segment: "z"}}, "a", `"metadata":{}}`, `the segment "z" is no entry of $evaluators`, false},
		{"a circular segment", []Override{{Flag: "a", Variant: "off", Segment: "loop"}}, "a", `"metadata":{}}`, `$ref "loop" is circular`, false},
	}
	r := ruleset(t, overridden)
	var c Context
	if err := c.Parse([]byte(`{"email":"a@x"}`)); err != nil {
		t.Fatal(err)
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			out, effects := r.Under(tc.overrides, nil)
			f := out.Lookup([]byte(tc.flag))
			a := f.Evaluate(&c, 0)
			if !strings.HasSuffix(string(a.JSON), tc.want) {
				t.Errorf("got %s, want …%s", a.JSON, tc.want)
			}
			if a.Overridden != strings.Contains(tc.want, "burgee.override") {
				t.Errorf("Overridden is %v for %s", a.Overridden, a.JSON)
			}
			got := ""
			for _, e := range effects {
				got += e.Problem
			}
			if last := effects[len(effects)-1]; last.InForce != tc.inForce {
				t.Errorf("the last override: in force %v; want %v", last.InForce, tc.inForce)
			}
			if got != tc.problem {
				t.Errorf("problems: got %q, want %q", got, tc.problem)
			}
			if r.Lookup([]byte(tc.flag)).Overridden() {
				t.Error("the ruleset it came from changed")
			}
		})
	}
}

// Everyone is everyone, also where an entry of $evaluators has the empty name.
func TestOverridesForEveryoneHaveNoSegment(t *testing.T) {
	r := ruleset(t, `{"$evaluators":{"":{"==":[{"var":"x"},1]}},"flags":{"a":{"variants":{"on":1,"off":2},"defaultVariant":"on"}}}`)
	out, _ := r.Under([]Override{{Flag: "a", Variant: "off"}}, nil)
	if a := out.Flags()[0].Evaluate(new(Context), 0); !a.Overridden {
		t.Errorf("got %s", a.JSON)
	}
}

func TestOverridesReplaceOverrides(t *testing.T) {
	r := ruleset(t, overridden)
	first, _ := r.Under([]Override{{Flag: "a", Variant: "off"}}, nil)
	second, _ := first.Under(nil, nil)
	if !first.Lookup([]byte("a")).Overridden() || second.Lookup([]byte("a")).Overridden() {
		t.Error("overrides are replaced as a whole")
	}
	if first.Lookup([]byte("b")) != r.Lookup([]byte("b")) {
		t.Error("other flags are shared")
	}
}

func TestAnswerWith(t *testing.T) {
	r := ruleset(t, `{"flags":{"a":{"variants":{"on":1},"defaultVariant":"on"},"b":{"variants":{"on":1},"defaultVariant":"on","metadata":{"x":1}}}}`)
	for i, want := range []string{`"metadata":{"burgee.pin":"missed"}}`, `"metadata":{"x":1,"burgee.pin":"missed"}}`} {
		got := r.Flags()[i].Evaluate(new(Context), 0).With(nil, `"burgee.pin":"missed"`)
		if !strings.HasSuffix(string(got), want) {
			t.Errorf("got %s, want …%s", got, want)
		}
	}
}

func TestNotFound(t *testing.T) {
	want := `{"key":"a\"b","errorCode":"FLAG_NOT_FOUND","errorDetails":"there is no flag with the key \"a\\\"b\"","metadata":{}}`
	if a := NotFound(`a"b`); string(a.JSON) != want || a.Code != FlagNotFound || a.Variant != -1 {
		t.Errorf("got %s", a.JSON)
	}
}

func TestAnswerContract(t *testing.T) {
	doc := document(t, `{"metadata":{"owner":"set"},"flags":{"a":{"variants":{"on":1},"defaultVariant":"on","metadata":{"kind":"ops","burgee.override":true}}}}`)
	a := Compile(doc, Options{AnswerContract: true}).Flags()[0].Evaluate(new(Context), 0)
	if !strings.HasSuffix(string(a.JSON), `"metadata":{"owner":"set","kind":"ops"}}`) {
		t.Errorf("got %s", a.JSON)
	}
}

func TestBucketsBy(t *testing.T) {
	for _, row := range []struct{ rule, want string }{
		{`{"fractional":[["a",1]]}`, "targetingKey"},
		{`{"fractional":[{"var":"id"},["a",1]]}`, "id"},
		{`{"fractional":[{"cat":[{"var":"$flagd.flagKey"},{"var":"user.id"}]},["a",1]]}`, "user.id"},
		{`{"if":[{"<":[{"stable_bucket":[{"var":"account"},"s"]},0.5]},"a"]}`, "account"},
		{`{"var":"a"}`, ""},
	} {
		if got := strings.Join(onlyFlag(t, row.rule, "a").BucketsBy(), " "); got != row.want {
			t.Errorf("%s: got %q, want %q", row.rule, got, row.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	r := ruleset(t, `{"$evaluators":{"e":{"inn":[1]}},"flags":{"f":{"variants":{"on":1},"targeting":{"if":[{"$ref":"e"},{"fractional":[["on",1.5]]}]}}}}`)
	var got []string
	for _, w := range r.Warnings() {
		got = append(got, w.Flag+" "+w.Path+" "+w.Message[:20])
	}
	want := []string{` $evaluators.e.inn unknown operator "in`, "f flags.f.targeting.if[1].fractional fractional never mat"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestContract(t *testing.T) {
	doc := document(t, `{"flags":{"a":{"variants":{"on":1,"off":2.5},"metadata":{"owner":"team","expires":"2026-03-31","maxStaleness":60,"subject":null}},"b":{"variants":{"x":{},"y":"s"}}}}`)
	got := doc.Contract("a")
	if got != (Contract{Owner: "team", Expires: "2026-03-31", MaxStaleness: "60"}) {
		t.Errorf("got %+v", got)
	}
	lastSecond := time.Date(2026, 3, 31, 23, 59, 59, 0, time.UTC)
	if got.ExpiredAt(lastSecond) || !got.ExpiredAt(lastSecond.Add(time.Second)) {
		t.Error("a flag is good to the end of its last day")
	}
	if doc.Type("a") != "number" || doc.Type("b") != "mixed" {
		t.Errorf("types: %s, %s", doc.Type("a"), doc.Type("b"))
	}
}

func TestDiff(t *testing.T) {
	before := document(t, `{"metadata":{"v":1},"$evaluators":{"s":true},"flags":{"a":{"state":"x"},"b":{},"c":{"variants":{"on":1.0}}}}`)
	after := document(t, `{"metadata":{"v":2},"flags":{"a":{ "state" : "x" },"c":{"variants":{"on":1}},"d":{}}}`)
	var got []string
	for _, c := range Diff(before, after) {
		got = append(got, fmt.Sprintf("%s %s %s %s", c.Path(), c.Kind, c.Before, c.After))
	}
	want := []string{
		"$evaluators.s removed true ",
		"flags.b removed {} ",
		`flags.c changed {"variants":{"on":1.0}} {"variants":{"on":1}}`,
		"flags.d added  {}",
		"metadata.v changed 1 2",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if all := Diff(nil, after); len(all) != 4 || all[0].Kind != "added" {
		t.Errorf("from nothing: %v", all)
	}
}

// One ruleset serves many goroutines, each with a context of its own.
func TestConcurrentEvaluation(t *testing.T) {
	flag := onlyFlag(t, `{"cat":[{"var":"a"},{"reduce":[{"var":"l"},{"cat":[{"var":"accumulator"},{"var":"current"}]},""]}]}`, "x12")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			var c Context
			for range 200 {
				if err := c.Parse([]byte(`{"a":"x","l":[1,2]}`)); err != nil {
					t.Error(err)
				}
				if a := flag.Evaluate(&c, 0); a.Variant != 0 {
					t.Errorf("%s", a.JSON)
				}
			}
		})
	}
	wg.Wait()
}

// A loop in a loop meets the budget instead of the caller's patience.
func TestStepBudget(t *testing.T) {
	rule := `{"map":[{"var":"l"},{"reduce":[{"filter":[{"var":"l"},true]},{"+":[{"var":"current"},1]},0]}]}`
	nested := `{"some":[{"var":"l"},{"some":[{"var":"l"},{"==":[{"var":""},-1]}]}]}`
	grow := `{"reduce":[{"var":"l"},{"cat":[{"var":"accumulator"},{"var":"accumulator"}]},"xxxxxxxxxxxxxxxx"]}`
	var c Context
	body := `{"l":[` + strings.TrimSuffix(strings.Repeat("1,", 5_000), ",") + `]}`
	if err := c.Parse([]byte(body)); err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{nested, grow} {
		a := onlyFlag(t, r, "x").Evaluate(&c, 0)
		if a.Code != General || !strings.Contains(string(a.JSON), fmt.Sprint(MaxSteps)) {
			t.Errorf("%s: %s", r, a.JSON)
		}
	}
	if a := onlyFlag(t, rule, "x").Evaluate(&c, 0); strings.Contains(string(a.JSON), "steps") {
		t.Errorf("%s: %s", rule, a.JSON)
	}
}

// A mistake of ours ends one answer, not the process.
func TestMistakesAreContained(t *testing.T) {
	flag := *onlyFlag(t, `{"var":"a"}`, "x")
	flag.rule = listExpr{nil}
	var c Context
	for range 2 {
		if a := flag.Evaluate(&c, 0); a.Code != General {
			t.Errorf("got %s", a.JSON)
		}
	}
}
