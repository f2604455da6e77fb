package eval

// attributes numbers the attribute paths that the rules of a ruleset read. A
// Context looks each of them up at most once, however many rules read it.
type attributes struct {
	names map[string]int32 // first segment of a path → its number
	slots map[string]int32 // path as written → its slot
	paths []attributePath  // by slot
}

type attributePath struct {
	name int32
	rest []segment
}

func newAttributes() *attributes {
	return &attributes{names: make(map[string]int32), slots: make(map[string]int32)}
}

// slot gives the number of a path, which is new the first time it is asked for.
// Only compiling asks.
func (a *attributes) slot(written string, path []segment) int32 {
	if slot, ok := a.slots[written]; ok {
		return slot
	}
	name, ok := a.names[path[0].name]
	if !ok {
		name = int32(len(a.names))
		a.names[path[0].name] = name
	}
	slot := int32(len(a.paths))
	a.slots[written] = slot
	a.paths = append(a.paths, attributePath{name: name, rest: path[1:]})
	return slot
}

// bindings tie a Context to the attributes of one ruleset. A stamp, not a
// clearing loop, tells what belongs to the present binding.
type bindings struct {
	bound   *attributes
	stamp   uint64
	members []boundMember // by name
	values  []boundValue  // by slot
}

type boundMember struct {
	stamp uint64
	at    int32
}

type boundValue struct {
	stamp uint64
	value value
}

func (b *bindings) loose() { b.bound = nil }

// attribute gives the value at a path of the context, null where there is none.
func (c *Context) attribute(a *attributes, slot int32) value {
	if c.bound != a {
		c.bind(a)
	}
	held := &c.values[slot]
	if held.stamp != c.stamp {
		held.value = c.resolve(&a.paths[slot])
		held.stamp = c.stamp
	}
	return held.value
}

// bind notes where each member that some rule reads stands. Of equal names the
// last wins.
func (c *Context) bind(a *attributes) {
	c.bound = a
	c.stamp++
	if len(c.members) < len(a.names) {
		c.members = make([]boundMember, len(a.names))
	}
	if len(c.values) < len(a.paths) {
		c.values = make([]boundValue, len(a.paths))
	}
	if !c.has {
		return
	}
	at := c.root + 1
	for range c.tape[c.root].count {
		if name, ok := a.names[c.readText(at, &c.held)]; ok {
			c.members[name] = boundMember{stamp: c.stamp, at: at + 1}
		}
		at = int32(c.tape[at+1].next)
	}
}

func (c *Context) resolve(path *attributePath) value {
	member := c.members[path.name]
	if member.stamp != c.stamp {
		return value{}
	}
	at, ok := c.descend(member.at, path.rest)
	if !ok {
		return value{}
	}
	return c.read(at, &c.held)
}

// descend follows a path on the tape.
func (c *Context) descend(at int32, path []segment) (int32, bool) {
	for _, step := range path {
		var ok bool
		switch c.tape[at].kind {
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
