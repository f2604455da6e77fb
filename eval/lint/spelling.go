package lint

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// spellings are the attributes that a document reads: by what is left of a name without case and separators, each way to write it.
type spellings map[string]map[string]*spelling

type spelling struct {
	first *place
	count int
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func (s spellings) add(path string, at *place) {
	path = normal(path)
	if path == "" || strings.HasPrefix(path, "$flagd") {
		return
	}
	bare := strings.ToLower(separators.Replace(path))
	if s[bare] == nil {
		s[bare] = map[string]*spelling{}
	}
	if s[bare][path] == nil {
		s[bare][path] = &spelling{first: at}
	}
	s[bare][path].count++
}

// collectSpellings notes the attributes that a rule names. References are not followed, since what they lead to is read once for all, and
// what a loop reads of its elements is no attribute.
func (c *checker) collectSpellings(n *node, at *place) {
	if _, ok := n.reference(); ok {
		return
	}
	op, args, ok := n.operator()
	switch {
	case !ok && n.isList():
		for i, item := range n.items {
			c.collectSpellings(item, at.at(i))
		}
		return
	case !ok:
		return
	}
	at = at.in(op)
	switch op {
	case "var":
		if path, plain := (&node{kind: '{', names: []string{"var"}, items: []*node{args}}).attribute(); plain {
			c.spellings.add(path, at)
		}
	case "missing":
		for i, item := range args.arguments() {
			if item.isString() {
				c.spellings.add(item.text, args.argumentAt(at, i))
			}
		}
	}
	if !args.isList() {
		c.collectSpellings(args, at)
		return
	}
	for i, item := range args.items {
		if i != 1 || !slices.Contains(loops, op) {
			c.collectSpellings(item, at.at(i))
		}
	}
}

// checkSpelling tells of names that differ in nothing but case and separators: a context seldom has both.
func (c *checker) checkSpelling() {
	for _, ways := range c.spellings {
		if len(ways) < 2 {
			continue
		}
		names := slices.SortedFunc(maps.Keys(ways), func(a, b string) int {
			return cmp.Or(cmp.Compare(ways[b].count, ways[a].count), cmp.Compare(a, b))
		})
		for _, name := range names[1:] {
			c.report("spelling", ways[name].first, fmt.Sprintf("%s here, %s at %s: one attribute, spelled two ways", quote(name), quote(names[0]), ways[names[0]].first),
				"a context that has one of them lacks the other: spell it one way")
		}
	}
}
