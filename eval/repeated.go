package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"
)

// repeatedRules are the rules that several flags of a document have, word for
// word: for staff, for a country, for a tenth of all. Each is compiled once for
// all flags that have the same variants too, which saves memory, and in a bulk
// call keeps the processor's caches warm.
type repeatedRules map[string]*repeatedRule

type repeatedRule struct {
	text  string               // of its own, since it outlives the flags it was read from
	known map[digest]*compiled // by a digest of the names of the variants, which programs know by position
}

type compiled struct {
	code   expr
	notes  *notes
	weight int // of both
}

// shortRule is below what is worth sharing, in bytes.
const shortRule = 16

func findRepeated(flags []definition) repeatedRules {
	count := make(map[string]int)
	for i := range flags {
		if rule := flags[i].rule(); len(rule) >= shortRule {
			count[viewText(rule)]++
		}
	}
	repeated := make(repeatedRules)
	for rule, n := range count {
		if n > 1 {
			text := strings.Clone(rule)
			repeated[text] = &repeatedRule{text: text, known: make(map[digest]*compiled)}
		}
	}
	return repeated
}

// compileRule compiles a flag's rule, or gives the program of one that is the
// same. A rule with warnings is compiled for each flag, since they name it.
func (c *flagCompiler) compileRule(p *program, written []byte, tree value) (expr, *notes) {
	at := JoinPath("flags", p.key) + ".targeting"
	same := c.repeated[viewText(written)]
	if same == nil {
		code, found := c.rules.rule(tree, at, &p.variants)
		p.weight += int32(c.weigher.rule(code, found, p.raw))
		return code, found
	}
	variants := digestOf(p.variants.items)
	if known, ok := same.known[variants]; ok {
		p.repeated = known
		return known.code, known.notes
	}
	own := c.refs.follow(new(trees).of(viewBytes(same.text)))
	code, found := c.rules.rule(own.tree, at, &p.variants)
	weight := c.weigher.rule(code, found, same.text)
	if len(found.warnings) > 0 {
		p.weight += int32(weight + len(same.text))
		return code, found
	}
	p.repeated = &compiled{code, found, weight + len(same.text)}
	same.known[variants] = p.repeated
	return code, found
}

// digestOf stands for a list of names, which may be long.
func digestOf(names []string) (d digest) {
	h := sha256.New()
	for _, name := range names {
		_, _ = h.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(name)))) // a hash takes all
		_, _ = h.Write(viewBytes(name))
	}
	h.Sum(d[:0])
	return d
}
