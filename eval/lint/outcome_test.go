package lint

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval"
)

// makes rules of what outcomes are told of, most of them with little sense, and some with conditions that always or never hold.
type maker struct{ *rand.Rand }

func (m maker) oneOf(options ...string) string { return options[m.IntN(len(options))] }

func (m maker) attribute() string {
	return m.oneOf(`{"var":"a"}`, `{"var":"a"}`, `{"var":["b"]}`, `{"var":"c.d"}`, `{"var":["a",1]}`)
}

func (m maker) constant() string {
	return m.oneOf("0", "1", "2", "3", "1.5", "-1", `"1"`, `"x"`, `"y"`, `""`, `"2.0"`, "true", "false", "null")
}

func (m maker) comparison() string {
	a, b := m.attribute(), m.constant()
	switch m.IntN(10) {
	case 0:
		return fmt.Sprintf(`{"in":[%s,[%s,%s]]}`, a, b, m.constant())
	case 1:
		return fmt.Sprintf(`{%q:[%s,%s,%s]}`, m.oneOf("<", "<=", ">", ">="), m.constant(), a, b)
	case 2:
		a, b = b, a
	case 3:
		a = m.constant()
	}
	return fmt.Sprintf(`{%q:[%s,%s]}`, m.oneOf("==", "===", "!=", "!==", "<", "<=", ">", ">="), a, b)
}

func (m maker) condition(depth int) string {
	if depth == 0 {
		return m.comparison()
	}
	switch m.IntN(8) {
	case 0:
		return fmt.Sprintf(`{%q:[%s]}`, m.oneOf("!", "!!"), m.rule(depth-1))
	case 1:
		return `{"$ref":"` + m.oneOf("e", "f") + `"}`
	case 2, 3, 4:
		return m.chain(depth)
	default:
		return m.comparison()
	}
}

func (m maker) chain(depth int) string {
	clauses := make([]string, m.IntN(4))
	for i := range clauses {
		clauses[i] = m.condition(depth - 1)
	}
	return fmt.Sprintf(`{%q:[%s]}`, m.oneOf("and", "or"), strings.Join(clauses, ","))
}

func (m maker) rule(depth int) string {
	if depth == 0 {
		return m.oneOf(m.constant(), m.constant(), m.attribute(), "[]", "[1]", "{}", m.comparison())
	}
	switch m.IntN(8) {
	case 0:
		return m.condition(depth)
	case 1:
		return fmt.Sprintf(`{"fractional":[%s["x",%d],["y",%d],[%s,1]]}`, m.oneOf("", `{"var":"targetingKey"},`, `{"cat":[{"var":"a"},"s"]},`), m.IntN(2), m.IntN(3), m.rule(0))
	case 2:
		return fmt.Sprintf(`{%q:[%s,%s]}`, m.oneOf("starts_with", "ends_with", "merge", "map", "filter", "cat", "max", "missing", "contains_any"), m.rule(0), m.rule(0))
	case 3:
		return fmt.Sprintf(`{"sem_ver":[%s,%q,%s]}`, m.rule(0), m.oneOf("=", "<", "^"), m.oneOf(`"1.0.0"`, `"no"`))
	default:
		args := make([]string, m.IntN(6))
		for i := range args {
			if i%2 == 0 && i+1 < len(args) {
				args[i] = m.condition(depth - 1)
			} else {
				args[i] = m.rule(depth - 1)
			}
		}
		return fmt.Sprintf(`{"if":[%s]}`, strings.Join(args, ","))
	}
}

func (m maker) context() string {
	return fmt.Sprintf(`{"a":%s,"b":%s,"c":{"d":%s},"targetingKey":"k%d"}`, m.value(), m.value(), m.value(), m.IntN(9))
}

func (m maker) value() string {
	return m.oneOf(m.constant(), m.constant(), fmt.Sprint(m.IntN(5)), "0.5", "2.5", "[]", "[1]", `{"x":1,"y":2}`, `"z"`, `"1.0"`, `"w"`)
}

// TestNothingComesOfARuleThatIsNotForeseen holds outcomes against the evaluator: whatever a rule comes to with any context was foreseen. So
// no condition that is told never to hold holds, and no variant that is told to be out of reach is served.
func TestNothingComesOfARuleThatIsNotForeseen(t *testing.T) {
	rules := 4_000
	if testing.Short() {
		rules = 500
	}
	var names []string
	for _, name := range []string{"0", "1", "2", "3", "1.5", "-1", "x", "y", "2.0", "true", "false", "0.5", "2.5", "z", "1.0", "w", "4"} {
		names = append(names, fmt.Sprintf(`%q:1`, name))
	}
	narrow := 0
	for seed := range rules {
		m := maker{rand.New(rand.NewPCG(1, uint64(seed)))}
		document := fmt.Sprintf(`{"flags":{"flag":{"state":"ENABLED","variants":{%s},"targeting":%s}},"$evaluators":{"e":%s,"f":%s}}`,
			strings.Join(names, ","), m.rule(3), m.comparison(), m.chain(1))
		doc, err := eval.Parse([]byte(document), eval.LoadLimits())
		if err != nil {
			continue // such as an evaluator that is empty
		}
		raw, _ := doc.Definition("flag")
		rule := parse(raw).member("targeting")
		if rule.isObject() && len(rule.items) == 0 {
			continue // none
		}
		to := newChecker(doc, Options{}).outcomeOf(rule, root.in("rule"))
		flag := eval.Compile(doc, eval.Options{}).Lookup([]byte("flag"))
		if !to.mayHold() || !to.mayFail() {
			narrow++
		}
		for range 20 {
			context := m.context()
			if came := resultOf(t, flag, context); !to.foresees(came) {
				t.Fatalf("seed %d: %s\nwith %s comes to %s, which was not foreseen: %+v", seed, rule.raw, context, came, to)
			}
		}
	}
	if narrow < rules/100 {
		t.Errorf("of %d rules, only %d were told to hold always or never: the test shows little", rules, narrow)
	}
}

func resultOf(t *testing.T, flag *eval.Flag, context string) string {
	var c eval.Context
	if err := c.Parse([]byte(context)); err != nil {
		t.Fatal(err)
	}
	switch a := flag.Evaluate(&c, 0); {
	case a.Code == eval.ParseFailed:
		return "a fault"
	case a.Code != eval.NoError:
		return "no variant"
	case a.Variant < 0:
		return "nothing"
	default:
		return flag.Variants()[a.Variant]
	}
}

func (o *outcome) foresees(result string) bool {
	_, yes := o.values[value{name: result, truth: true}]
	_, no := o.values[value{name: result}]
	switch {
	case result == "a fault" || o.openTrue || o.openFalse && (result == "0" || result == "false"):
		return true
	case result == "nothing":
		return o.nothing
	case result == "no variant":
		for v := range o.values {
			if v.odd || v.name == "" {
				return true
			}
		}
		return o.openFalse
	default:
		return yes || no
	}
}
