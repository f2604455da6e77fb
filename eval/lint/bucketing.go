package lint

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// split is one place of a rule that puts subjects into buckets.
type split struct {
	at     *place
	op     string
	by     []string // attributes that decide, sorted
	byAt   *place
	plain  bool // the key is left out
	shares []share
}

type share struct {
	at     *place // of the weight, or of the share where none is given
	known  bool   // the weight is written in the rule
	given  bool   // rather than left out, where it counts as 1
	weight float64
	shown  string
}

const targetingKey = "targetingKey"

// unknownAttribute stands for one whose path is computed.
const unknownAttribute = "a computed attribute"

// checkSubject holds what the rule buckets by to the subject that is declared.
func (f *flag) checkSubject() {
	subject, at := f.entry("subject")
	hint := `add "subject": the attribute that the rule buckets by`
	if subject.kind != 0 && !f.checkText("subject", hint) {
		return
	}
	for _, s := range f.splits {
		declared := normal(f.contract.Subject)
		switch {
		case subject.kind == 0:
			f.report("subject", at, fmt.Sprintf("subject is missing, and the rule buckets by %s", s.byText()), hint)
			return
		case len(s.by) != 1 || s.by[0] != declared:
			f.report("bucketing", s.byAt, fmt.Sprintf("%s buckets by %s; the flag's subject is %s", s.op, s.byText(), quote(f.contract.Subject)),
				"bucket by the subject alone, so that two services that ask put one subject into one bucket")
		case s.plain && s.op == "fractional" && f.doc.Bucketing() == "v2":
			f.report("implicit-key", s.at, "fractional has no key of its own, so that the flag's key and the targetingKey run into one",
				`give it one, such as {"cat": [{"var": "$flagd.flagKey"}, ":", {"var": "targetingKey"}]}, if nobody is in a bucket yet: a new key moves subjects to others`)
		}
	}
}

func (s split) byText() string {
	if len(s.by) == 0 {
		return "nothing that differs between subjects"
	}
	var quoted []string
	for _, name := range s.by {
		if name != unknownAttribute {
			name = quote(name)
		}
		quoted = append(quoted, name)
	}
	return strings.Join(quoted, " and ")
}

// checkWeights finds weights that somebody miscounted.
func (f *flag) checkWeights() {
splits:
	for _, s := range f.splits {
		sum, given := 0.0, false
		for _, share := range s.shares {
			if !share.known {
				continue splits // what they add up to is not known
			}
			if share.weight < 0 {
				f.report("negative-weight", share.at, fmt.Sprintf("the weight is %s, and counts as 0", share.shown), "leave the share out, or give it the weight that it should have")
			}
			sum += share.weight
			given = given || share.given && share.weight != 1
		}
		if given && sum > 0 && !isRound(sum) {
			f.report("weights", s.at, fmt.Sprintf("the weights add up to %v", sum), "make it 100, 1000 or the like, so that each weight is a share that people can read")
		}
	}
}

// isRound tells whether a sum is 10, 100, 1000 and so on.
func isRound(sum float64) bool {
	power := math.Round(math.Log10(sum))
	return power >= 1 && sum == math.Pow(10, power)
}

// splitsIn finds all places that bucket, references followed.
func (c *checker) splitsIn(n *node, at *place) []split {
	var found []split
	c.walk(n, at, func(op string, args *node, at *place, _ bool) {
		switch op {
		case "fractional":
			found = append(found, c.fractional(args, at))
		case "stable_bucket":
			found = append(found, split{at: at, op: op, by: tidy(c.attributesOf(args, nil)), byAt: at})
		}
	})
	return found
}

func (c *checker) fractional(args *node, at *place) split {
	s := split{at: at, op: "fractional", by: []string{targetingKey}, byAt: at, plain: true}
	shares, first := args.items, 0
	if !args.isList() || len(shares) == 0 {
		return s
	}
	if key := shares[0]; !key.isList() {
		shares, first = shares[1:], 1
		if key.kind != 'n' {
			s.plain, s.by, s.byAt = false, tidy(c.attributesOf(key, nil)), at.at(0)
		}
	}
	for i, item := range shares {
		s.shares = append(s.shares, shareOf(item, at.at(i+first)))
	}
	return s
}

func shareOf(item *node, at *place) share {
	switch {
	case !item.isList() || len(item.items) == 0:
		return share{at: at} // computed
	case len(item.items) == 1 || item.items[1].kind == 'n':
		return share{at: at, known: true, weight: 1, shown: "1"}
	case item.items[1].kind == '0':
		return share{at: at.at(1), known: true, given: true, weight: item.items[1].num, shown: item.items[1].shown()}
	default:
		return share{at: at}
	}
}

// attributesOf collects what a tree reads of the context. Its own key makes no difference between subjects.
func (c *checker) attributesOf(n *node, names []string) []string {
	switch op, args, ok := n.operator(); {
	case ok && op == "var":
		path := args
		if args.isList() && len(args.items) > 0 {
			path = args.items[0]
			for _, fallback := range args.items[1:] {
				names = c.attributesOf(fallback, names)
			}
		}
		switch {
		case !path.isString():
			return append(c.attributesOf(path, names), unknownAttribute)
		case normal(path.text) == "$flagd.flagKey":
			return names
		default:
			return append(names, normal(path.text))
		}
	case ok && op == "$ref":
		if name, whole := n.reference(); whole && c.follow(name) != nil {
			return c.attributesOf(c.follow(name).tree, names)
		}
		return append(names, unknownAttribute)
	}
	for _, item := range n.items {
		names = c.attributesOf(item, names)
	}
	return names
}

func tidy(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// normal is a path without the empty steps that nobody follows.
func normal(path string) string {
	return strings.Join(slices.DeleteFunc(strings.Split(path, "."), func(step string) bool { return step == "" }), ".")
}
