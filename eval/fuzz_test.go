package eval

import (
	"encoding/json"
	"testing"
)

func FuzzParse(f *testing.F) {
	f.Add([]byte(overridden))
	f.Add([]byte(`{"metadata":{"a":null},"flags":[{"key":"a","variants":{"on":[1.0]},"targeting":{"$ref":"x"}}]}`))
	f.Fuzz(func(t *testing.T, doc []byte) {
		d, err := Parse(doc, LoadLimits())
		if (d == nil) == (err == nil) {
			t.Fatalf("got %v and %v: want one of them", d, err)
		}
		if err != nil {
			return
		}
		if !json.Valid(doc) {
			t.Fatal("accepted what is no JSON")
		}
		if len(Diff(d, d)) > 0 {
			t.Fatal("a document differs from itself")
		}
		checkAnswers(t, Compile(d, Options{}), new(Context))
	})
}

func FuzzContext(f *testing.F) {
	f.Add([]byte(`{"context":{"a":["x",1.5e3,{"b":"\ud83d\ude00\n"}],"a":null}}`))
	f.Add([]byte(` {"context" : "x"} `))
	rules := ruleset(f, `{"flags":{"a":{"variants":{"x":1},"targeting":{"var":""}},"b":{"variants":{"x":1},"targeting":{"cat":[{"var":"a.0"},{"var":"a.2.b"}]}}}}`)
	f.Fuzz(func(t *testing.T, body []byte) {
		var c Context
		err := c.ParseRequest(body)
		if err == nil && !isBlank(body) && !json.Valid(body) {
			t.Fatal("accepted what is no JSON")
		}
		checkAnswers(t, rules, &c)
	})
}

func FuzzEvaluate(f *testing.F) {
	f.Add(`{"if":[{"in":[{"var":"a"},["x"]]},{"fractional":[["x",1]]}]}`, `{"a":"x"}`)
	f.Add(`{"some":[{"var":"l"},{"reduce":[{"var":"l"},{"+":[{"var":"current"},{"var":["q",1]}]},0]}]}`, `{"l":[1,"2",[3]]}`)
	f.Add(`{"fractional":[{"set":[{"var":""},"z",{"var":"l"}]},["x",{"var":"a"}],["2",1]]}`, `{"a":2,"l":[1.5,{"b":-0,"aa":null}]}`)
	for name := range operators {
		f.Add(`{"`+name+`":[{"var":"a"},{"var":"l"},{"`+name+`":[[1,"a"],{"var":""},"b"]}]}`, `{"a":"b","l":[1,[2],{"c":null}],"targetingKey":"u"}`)
	}
	f.Fuzz(func(t *testing.T, rule, body string) {
		for generation := range generations {
			checkRule(t, generation, rule, body)
		}
	})
}

func checkRule(t *testing.T, generation, rule, body string) {
	d, err := Parse([]byte(`{"metadata":{"bucketing":"`+generation+`"},"$evaluators":{"s":`+rule+`},"flags":{"f":{"variants":{"x":1,"2":2},"defaultVariant":"x","targeting":`+rule+`}}}`), LoadLimits())
	if err != nil {
		return
	}
	var c Context
	if c.Parse([]byte(body)) != nil {
		return
	}
	r := Compile(d, Options{})
	checkAnswers(t, r, &c)
	forced, _ := r.Under([]Override{{Flag: "f", Variant: "2", Segment: "s"}}, nil)
	checkAnswers(t, forced, &c)
}

// checkAnswers wants of every flag valid JSON with exactly one of a reason and
// an error code.
func checkAnswers(t *testing.T, r *Ruleset, c *Context) {
	for _, f := range r.Flags() {
		a := f.Evaluate(c, 1)
		var got struct {
			Key, Reason, ErrorCode, ErrorDetails *string
			Metadata                             map[string]any
		}
		if err := json.Unmarshal(a.JSON, &got); err != nil {
			t.Fatalf("%v: %s", err, a.JSON)
		}
		if got.Key == nil || got.Metadata == nil || (got.Reason == nil) == (got.ErrorCode == nil) || (got.ErrorCode == nil) != (got.ErrorDetails == nil) {
			t.Fatalf("malformed: %s", a.JSON)
		}
	}
}
