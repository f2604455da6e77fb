package eval

import (
	"slices"
	"strings"
	"unsafe"
)

// attributes numbers the attribute paths that the rules of a ruleset read. A
// Context looks each of them up at most once, however many rules read it. It
// never changes once a ruleset has it: the next ruleset's begins as a copy, so
// that a slot means the same path in both, and flags can be shared.
type attributes struct {
	names []string // first steps of the paths
	index textIndex
	paths []attributePath // by slot
}

type attributePath struct {
	written string
	name    int32 // position in names
	rest    []segment
}

// slots numbers paths while a ruleset is being compiled.
type slots struct {
	attributes
	byName map[string]int32
	byPath map[string]int32
	shared *attributes // what it began as, or nil
	weight int         // of the table, with what contexts have for it
}

// newSlots goes on from what an earlier ruleset has, or begins anew.
func newSlots(from *attributes) *slots {
	s := &slots{byName: make(map[string]int32), byPath: make(map[string]int32), shared: from}
	if from == nil {
		s.slot(targetingKey) // targetingKeySlot
		return s
	}
	s.names, s.paths = slices.Clone(from.names), slices.Clone(from.paths)
	for i, name := range s.names {
		s.byName[name] = int32(i)
		s.weight += nameWeight + len(name)
	}
	for i := range s.paths {
		s.byPath[s.paths[i].written] = int32(i)
		s.weight += s.paths[i].weight()
	}
	return s
}

// slot gives the number of a path, which is not empty, and new the first time it is asked for.
func (s *slots) slot(written string) int32 {
	if slot, ok := s.byPath[written]; ok {
		return slot
	}
	written = strings.Clone(written) // it outlives the flag that it was read from
	path := splitPath(written)
	name, ok := s.byName[path[0].name]
	if !ok {
		name = int32(len(s.names))
		s.byName[path[0].name] = name
		s.names = append(s.names, path[0].name)
		s.weight += nameWeight
	}
	slot := int32(len(s.paths))
	s.byPath[written] = slot
	s.paths = append(s.paths, attributePath{written: written, name: name, rest: path[1:]})
	s.weight += s.paths[slot].weight()
	return slot
}

func (p *attributePath) weight() int {
	return pathWeight + len(p.written) + cap(p.rest)*int(unsafe.Sizeof(segment{}))
}

// done gives the finished table.
func (s *slots) done() *attributes {
	if s.shared != nil && len(s.shared.paths) == len(s.paths) {
		return s.shared
	}
	return &attributes{names: s.names, index: newTextIndex(s.names), paths: s.paths} // of its own: whoever keeps it keeps nothing else
}

// bindings tie a Context to the attributes of one ruleset. A stamp, not a
// clearing loop, tells which places belong to the present binding; values are
// cleared, since they refer into the caller's bytes.
type bindings struct {
	held     memory // of the values, for as long as they are bound
	bound    *attributes
	stamp    uint64
	places   []boundPlace // by name
	values   []boundValue // by slot
	resolved []int32      // the slots whose values are known
}

type boundPlace struct {
	stamp uint64
	at    int32
}

type boundValue struct {
	value value
	known bool
}

func (b *bindings) loose() {
	for _, slot := range b.resolved {
		b.values[slot] = boundValue{}
	}
	b.bound, b.resolved = nil, b.resolved[:0]
	b.held.reset()
}

// loose forgets what was read of the context.
func (c *Context) loose() {
	c.bindings.loose()
	c.aside.loose()
}

// attribute gives the value at a path of the context, null where there is none.
// It stays as it is until the Context is parsed or reset.
func (c *Context) attribute(slot int32) *value {
	if c.bound != c.flag.table {
		c.turnTo(c.flag.table)
	}
	held := &c.values[slot]
	if !held.known {
		held.known = true
		c.resolved = append(c.resolved, slot)
		c.resolve(&held.value, &c.bound.paths[slot])
	}
	return &held.value
}

// turnTo binds the context to another ruleset's attributes. The present binding
// is kept aside: the flags of a Past and those of its base may alternate through
// a bulk call, and all that they read is read once.
func (c *Context) turnTo(a *attributes) {
	c.bindings, c.aside = c.aside, c.bindings
	if c.bound != a {
		c.bind(a)
	}
}

// bind notes where each member that some rule reads stands. Of equal names the
// last wins.
func (c *Context) bind(a *attributes) {
	c.bindings.loose()
	c.bound = a
	c.stamp++
	if len(c.places) < len(a.names) {
		c.places = make([]boundPlace, len(a.names))
	}
	if len(c.values) < len(a.paths) {
		c.values = make([]boundValue, len(a.paths))
	}
	if !c.has {
		return
	}
	at := c.root + 1
	for range c.entries[c.root].count() {
		if name := a.index.find(c.readText(at, &c.held), a.names); name >= 0 {
			c.places[name] = boundPlace{stamp: c.stamp, at: at + 1}
		}
		at = int32(c.entries[at+1].next)
	}
}

// resolve reads what stands at a path into a value that is null.
func (c *Context) resolve(into *value, path *attributePath) {
	place := c.places[path.name]
	if place.stamp != c.stamp {
		return
	}
	at, ok := c.descend(place.at, path.rest)
	if !ok {
		return
	}
	e := &c.entries[at]
	switch raw := c.body[e.start:e.end]; e.kind() { // most are one of these: read in place, which saves copies
	case number:
		into.kind, into.num = number, readNumber(raw)
	case text:
		into.kind, into.str = text, c.readText(at, &c.held)
	default:
		*into = c.read(at, &c.held)
	}
}

// descend follows a path on the tape.
func (c *Context) descend(at int32, path []segment) (int32, bool) {
	for _, step := range path {
		var ok bool
		switch c.entries[at].kind() {
		case object:
			at, ok = c.find(at, step.name)
		case list:
			at, ok = c.element(at, step.index)
		}
		if !ok {
			return 0, false
		}
	}
	return at, true
}
