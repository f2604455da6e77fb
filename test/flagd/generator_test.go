package flagd

import (
	"math/rand/v2"
	"strconv"
	"strings"
)

// generator makes documents and contexts. It is typed: most operators get
// arguments of a kind that they are made for, since rules of pure noise end in
// PARSE_ERROR at once and show nothing. A share of chaos puts anything anywhere.
type generator struct {
	*rand.Rand
	inLoop     bool     // vars also read elements
	lenient    bool     // a context may name a member twice and halve a surrogate; documents must not
	evaluators []string // names that $ref may use
	used       map[string]bool
}

// newGenerator makes the generator of one case; cases do not depend on each other.
func newGenerator(seed, number uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(seed, number)), used: make(map[string]bool)}
}

// chance is true in percent of all cases.
func (g *generator) chance(percent int) bool { return g.IntN(100) < percent }

// chaos is how seldom something of the wrong kind stands where it does not belong.
func (g *generator) chaos() bool { return g.IntN(100) < 4 }

func (g *generator) oneOf(options ...string) string { return options[g.IntN(len(options))] }

// weighted chooses one of the makers.
func (g *generator) weighted(makers ...func() string) string { return makers[g.IntN(len(makers))]() }

// several makes from least to most of something, with commas between.
func (g *generator) several(least, most int, one func() string) string {
	items := make([]string, least+g.IntN(most-least+1))
	for i := range items {
		items[i] = one()
	}
	return strings.Join(items, g.oneOf(",", ",", ", "))
}

func (g *generator) listOf(least, most int, one func() string) string {
	return "[" + g.several(least, most, one) + "]"
}

// operator writes a rule, and notes that the operator is used.
func (g *generator) operator(name string, args ...string) string {
	return g.operatorOn(name, "["+strings.Join(args, ",")+"]")
}

// operatorOn writes a rule whose arguments need not be a list.
func (g *generator) operatorOn(name, args string) string {
	g.used[name] = true
	return `{"` + name + `":` + args + `}`
}

func (g *generator) index() string { return strconv.Itoa(g.IntN(4)) }
