package eval

import (
	"crypto/sha256"
	"fmt"
)

// resolver follows {"$ref": NAME} through the evaluators. It works on the tree,
// so that a reference inside an evaluator is followed too, and a cycle is found
// rather than followed for ever. What an evaluator became is shared by all who
// refer to it.
type resolver struct {
	sources map[string][]byte
	done    map[string]resolved
	trees   trees // of the evaluators; never reset, since programs are found by them
}

type resolved struct {
	tree   value
	nodes  int    // objects and lists, references followed
	values int    // names and values, likewise
	used   digest // of all evaluators that were followed; zero for none
	err    error
	busy   bool // its own references are being followed right now
}

// digest stands for texts that are too many to keep.
type digest [sha256.Size]byte

// and gives the digest of both.
func (d digest) and(other digest) digest {
	var none digest
	switch none {
	case other:
		return d
	case d:
		return other
	}
	return sha256.Sum256(append(d[:], other[:]...))
}

func newResolver(evaluators []section) *resolver {
	r := &resolver{sources: make(map[string][]byte), done: make(map[string]resolved)}
	for _, s := range evaluators {
		r.sources[s.name] = s.raw // programs keep views of it
	}
	return r
}

// evaluator gives the named evaluator with all its references followed.
func (r *resolver) evaluator(name string) resolved {
	if known, ok := r.done[name]; ok {
		if known.busy {
			return resolved{err: fmt.Errorf("$ref %q is circular", shorten(name))}
		}
		return known
	}
	source, ok := r.sources[name]
	if !ok {
		return resolved{err: fmt.Errorf("$ref %q: there is no such entry in $evaluators", shorten(name))}
	}
	r.done[name] = resolved{busy: true}
	found := r.follow(r.trees.of(source))
	found.used = digest(sha256.Sum256(source)).and(found.used)
	r.done[name] = found
	return found
}

// follow gives the tree with every reference in it replaced. Parts without
// references are not copied.
func (r *resolver) follow(v value) resolved {
	if name, ok := reference(v); ok {
		return r.evaluator(name)
	}
	if v.box == nil {
		return resolved{tree: v, values: 1}
	}
	out := resolved{tree: v, nodes: 1, values: 1 + len(v.box.names)}
	for i, item := range v.box.items {
		inner := r.follow(item)
		if inner.err != nil {
			return inner
		}
		out.nodes, out.values = min(out.nodes+inner.nodes, maxNodes), min(out.values+inner.values, maxNodes)
		out.used = out.used.and(inner.used)
		if inner.tree.box != item.box {
			out.tree = withItem(v, out.tree, i, inner.tree)
		}
	}
	return out
}

// maxNodes keeps the counts from overflowing; every limit is far below.
const maxNodes = 1 << 30

// withItem replaces one item, in a copy of the original made on first use.
func withItem(original, current value, i int, item value) value {
	if current.box == original.box {
		items := append([]value(nil), original.box.items...)
		current.box = &box{names: original.box.names, items: items}
	}
	current.box.items[i] = item
	return current
}

// reference tells whether the value is {"$ref": NAME} and nothing else.
func reference(v value) (name string, ok bool) {
	if !v.isRule() || v.box.names[0] != "$ref" || v.box.items[0].kind != text {
		return "", false
	}
	return v.box.items[0].str, true
}

// checkRules holds every rule to its limits, references followed: a few
// evaluators that each use another twice would else grow without bound.
// References that cannot be followed are Compile's to report.
func (d *Document) checkRules(limits Limits) error {
	refs := newResolver(d.evaluators)
	for _, s := range d.evaluators {
		if err := refs.evaluator(s.name).check(JoinPath("$evaluators", s.name), limits); err != nil {
			return err
		}
	}
	var t trees
	for i := range d.referring { // the others were counted while they were read
		def := &d.referring[i]
		found := refs.follow(readParts(def.raw, &t).targeting)
		t.reset()
		if err := found.check(JoinPath("flags", def.key)+".targeting", limits); err != nil {
			return err
		}
	}
	return nil
}

func (r resolved) check(path string, limits Limits) error {
	what, limit := "rule nodes", limits.RuleNodes
	if r.nodes <= limit {
		what, limit = "names and values", limits.Values
		if r.values <= limit {
			return nil
		}
	}
	return &ParseError{
		Path:    path,
		Message: fmt.Sprintf("%s, references followed: more than the limit of %d", what, limit),
		Hint:    "split the rule, or turn a chain of comparisons into one in over a list",
		Limit:   true,
	}
}
