package lint

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
)

// answer is what the evaluator makes of a condition.
type answer int

const (
	unknown answer = iota // it fails
	holds
	fails
)

// trial is a condition that is evaluated to see whether it holds: eval alone knows what comparisons come to.
type trial struct {
	flag    *eval.Flag // nil where it cannot be tried
	context eval.Context
}

func newTrial(condition *node) *trial {
	raw := fmt.Sprintf(`{"flags":{"trial":{"state":"ENABLED","variants":{"holds":1,"fails":0},"targeting":{"if":[%s,"holds","fails"]}}}}`, condition.json())
	doc, err := eval.Parse([]byte(raw), eval.LoadLimits())
	if err != nil {
		return &trial{}
	}
	return &trial{flag: eval.Compile(doc, eval.Options{}).Lookup([]byte("trial"))}
}

func (t *trial) in(context string) answer {
	if t.flag == nil || t.context.Parse([]byte(context)) != nil {
		return unknown
	}
	switch a := t.flag.Evaluate(&t.context, 0); {
	case a.Code != eval.NoError:
		return unknown
	case a.Variant == 0:
		return holds
	default:
		return fails
	}
}

func verdict(condition *node, context string) answer { return newTrial(condition).in(context) }

// fact is a comparison of an attribute with something that stands in the rule.
type fact struct {
	attribute string
	constants []*node
}

// maxFacts bounds the constants that one attribute is compared with, where all are weighed against each other.
const maxFacts = 128

// settled tells whether a chain of and (or of or) can be seen never to come to the wanted truth, because comparisons of one attribute leave
// nothing that could meet them. It tries one value of each sort that comparisons can tell apart.
func (c *checker) settled(chain *node, wanted bool) bool {
	op, args, _ := chain.operator()
	byAttribute := map[string][]*node{}
	constants := map[string][]*node{}
	for _, clause := range c.clauses(op, args, nil) {
		if f, ok := factOf(clause); ok {
			byAttribute[f.attribute] = append(byAttribute[f.attribute], clause)
			constants[f.attribute] = append(constants[f.attribute], f.constants...)
		}
	}
	for attribute, clauses := range byAttribute {
		if len(clauses) > 1 && len(constants[attribute]) <= maxFacts && !reachable(op, clauses, attribute, constants[attribute], wanted) {
			return true
		}
	}
	return false
}

// clauses gives the clauses of a chain, with those of the same chain inside it, references followed.
func (c *checker) clauses(op string, args *node, found []*node) []*node {
	for _, item := range args.items {
		if name, ok := item.reference(); ok {
			if e := c.follow(name); e != nil {
				item = e.tree
			}
		}
		if inner, more, ok := item.operator(); ok && inner == op && more.isList() {
			found = c.clauses(op, more, found)
		} else {
			found = append(found, item)
		}
	}
	return found
}

// reachable tries whether any value of the attribute makes the clauses come to the wanted truth.
func reachable(op string, clauses []*node, attribute string, constants []*node, wanted bool) bool {
	values, ok := samples(constants)
	if !ok {
		return true
	}
	var texts []string
	for _, clause := range clauses {
		texts = append(texts, string(clause.json()))
	}
	whole := parse(fmt.Appendf(nil, `{%q:[%s]}`, op, strings.Join(texts, ",")))
	t := newTrial(whole)
	for _, v := range append(values, "") {
		got := t.in(contextWith(attribute, v))
		if got == unknown || (got == holds) == wanted {
			return true
		}
	}
	return false
}

// contextWith is a context with one attribute, or with none where it has no value.
func contextWith(attribute, value string) string {
	if value == "" {
		return "{}"
	}
	steps := strings.Split(attribute, ".")
	for _, step := range slices.Backward(steps) {
		name, err := jsontext.AppendQuote(nil, step)
		if err != nil {
			return "{}"
		}
		value = "{" + string(name) + ":" + value + "}"
	}
	return value
}

// factOf reads a comparison of one attribute with constants.
func factOf(n *node) (fact, bool) {
	op, args, ok := n.operator()
	if !ok || !args.isList() || len(args.items) < 2 {
		return fact{}, false
	}
	switch op {
	case "==", "===", "!=", "!==":
		if len(args.items) != 2 {
			return fact{}, false
		}
	case "<", "<=", ">", ">=":
		if len(args.items) > 3 {
			return fact{}, false
		}
	case "in":
		return searchOf(args)
	default:
		return fact{}, false
	}
	var f fact
	for _, item := range args.items {
		if path, isAttribute := item.attribute(); isAttribute && f.attribute == "" && plainPath(path) {
			f.attribute = normal(path)
		} else if item.isScalar() {
			f.constants = append(f.constants, item)
		} else {
			return fact{}, false
		}
	}
	return f, f.attribute != ""
}

// searchOf reads a look-up of an attribute in a list.
func searchOf(args *node) (fact, bool) {
	path, ok := args.items[0].attribute()
	if !ok || !plainPath(path) || len(args.items) != 2 || !args.items[1].isList() {
		return fact{}, false
	}
	for _, item := range args.items[1].items {
		if !item.isScalar() {
			return fact{}, false
		}
	}
	return fact{normal(path), args.items[1].items}, true
}

func (n *node) isScalar() bool { return n.kind != 0 && n.kind != '[' && n.kind != '{' }

// plainPath tells whether a path leads to what a client sends, through objects alone.
func plainPath(path string) bool {
	path = normal(path)
	if path == "" || strings.HasPrefix(path, "$flagd") {
		return false
	}
	for step := range strings.SplitSeq(path, ".") {
		if _, err := strconv.Atoi(step); err == nil {
			return false
		}
	}
	return true
}

// samples gives, in JSON, a value of each sort that comparisons with the constants can tell apart. It is false where strings and other
// constants are mixed: then sorts are too many.
func samples(constants []*node) ([]string, bool) {
	var texts []string
	var numbers []float64
	for _, n := range constants {
		switch n.kind {
		case '"':
			texts = append(texts, n.text)
			if v, err := strconv.ParseFloat(n.text, 64); err == nil && !math.IsNaN(v) {
				numbers = append(numbers, v)
			}
		case '0':
			numbers = append(numbers, n.num)
		}
	}
	if len(texts) > 0 && len(texts) < len(constants) {
		return nil, false
	}
	values := []string{"null", "true", "false", "[]", "[1]", "{}", `{"a":1}`, `""`, `"\u0000"`, `"x"`, `" "`, `"inf"`, `"-inf"`}
	for _, v := range between(append(numbers, 0, 1)) {
		token := strconv.FormatFloat(v, 'g', -1, 64)
		values = append(values, token, strconv.Quote(token))
	}
	for _, text := range texts {
		for _, sample := range []string{text, text + "\x00"} {
			quoted, err := jsontext.AppendQuote(nil, sample)
			if err != nil {
				return nil, false
			}
			values = append(values, string(quoted))
		}
	}
	return values, true
}

// between gives numbers, and one of each gap between them.
func between(numbers []float64) []float64 {
	numbers = slices.DeleteFunc(numbers, func(n float64) bool { return math.IsInf(n, 0) || math.IsNaN(n) })
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	all := []float64{below(numbers[0]), above(numbers[len(numbers)-1])}
	for i, n := range numbers {
		all = append(all, n)
		if i > 0 {
			all = append(all, numbers[i-1]+(n-numbers[i-1])/2)
		}
	}
	return slices.DeleteFunc(all, func(n float64) bool { return math.IsInf(n, 0) || math.IsNaN(n) })
}

func below(n float64) float64 { return min(n-1, n*2, n/2) }

func above(n float64) float64 { return max(n+1, n*2, n/2) }
