package eval

import (
	"strconv"
	"strings"
)

// segment is one step of a var path: a member's name, and what the name means
// as a position in a list. A name that is no number means the first element, as
// it does for flagd.
type segment struct {
	name  string
	index int
}

func newSegment(name string) segment {
	n, _ := strconv.ParseFloat(name, 64)
	return segment{name: name, index: integer(n)}
}

// splitPath cuts a path at its dots; empty steps do not count.
func splitPath(path string) []segment {
	var segments []segment
	for name := range strings.SplitSeq(path, ".") {
		if name != "" {
			segments = append(segments, newSegment(name))
		}
	}
	return segments
}

// step goes one segment down, to null where there is nothing.
func (v value) step(s segment) value {
	switch v.kind {
	case object:
		return v.member(s.name)
	case list:
		if items := v.items(); s.index >= 0 && s.index < len(items) {
			return items[s.index]
		}
	}
	return value{}
}

func (v value) walk(path []segment) value {
	for _, s := range path {
		v = v.step(s)
	}
	return v
}

// flagdProperty is the member that every context carries; what a caller sends
// under this name is never seen.
const flagdProperty = "$flagd"

// rootFrame stands for the context itself where others are list elements.
const rootFrame = -1

// data gives what var "" reads: an element inside map and its like, else the
// whole context.
func (c *Context) data(frame int) value {
	if frame != rootFrame {
		return c.frames[frame]
	}
	return c.whole()
}

// whole makes an object of the context, with $flagd in it.
func (c *Context) whole() value {
	var sent value
	if c.has && c.spend(len(c.entries)) {
		sent = c.read(c.root, &c.temp)
	}
	count := len(sent.items())
	names, items := c.temp.names.take(count + 1)[:0], c.temp.values.take(count + 1)[:0]
	names, items = append(names, sent.names()...), append(items, sent.items()...)
	names, items = setMember(names, items, flagdProperty, c.flagd())
	return c.temp.object(names, items)
}

// flagd makes the object of what flagd tells rules about the evaluation.
func (c *Context) flagd() value {
	names, items := c.temp.names.take(2), c.temp.values.take(2)
	names[0], items[0] = "flagKey", textValue(c.flag.key)
	names[1], items[1] = "timestamp", numberValue(float64(c.now))
	return c.temp.object(names, items)
}

// variable is var with a path known only now.
func (c *Context) variable(frame int, args value) value {
	if args.kind == null {
		return c.primitive(frame)
	}
	path, fallback := c.pathOf(frame, args)
	if found := c.at(frame, path); found.kind != null {
		return found
	}
	return fallback
}

// primitive is var null: the data itself, unless that is a list or an object.
func (c *Context) primitive(frame int) value {
	if frame == rootFrame || c.frames[frame].box != nil {
		return value{}
	}
	return c.frames[frame]
}

// pathOf reads the arguments of var: a path, or a list of a path and a default.
// The empty path is the data itself.
func (c *Context) pathOf(frame int, args value) (path string, fallback value) {
	switch args.kind {
	case number:
		return c.text(args), value{}
	case text:
		return args.str, value{}
	case list:
		return c.pathAndDefault(args.items())
	}
	if frame == rootFrame || c.frames[frame].kind != null {
		c.fail("var needs a path, not " + args.kind.String())
	}
	return "", value{}
}

func (c *Context) pathAndDefault(items []value) (path string, fallback value) {
	if len(items) == 0 {
		return "", value{}
	}
	if items[0].kind != text {
		c.fail("var needs a string as its path, not " + items[0].kind.String())
		return "", value{}
	}
	if len(items) == 2 {
		fallback = items[1]
	}
	return items[0].str, fallback
}

// at follows a path that is known only now.
func (c *Context) at(frame int, path string) value {
	if !c.spend(1 + len(path)/16) {
		return value{}
	}
	if frame != rootFrame {
		v := c.frames[frame]
		for name := range strings.SplitSeq(path, ".") {
			if name != "" {
				v = v.step(newSegment(name))
			}
		}
		return v
	}
	return c.atRoot(splitPath(path))
}

func (c *Context) atRoot(path []segment) value {
	switch {
	case len(path) == 0:
		return c.whole()
	case path[0].name == flagdProperty:
		return c.flagd().walk(path[1:])
	case !c.has:
		return value{}
	}
	if !c.spend(c.entries[c.root].count() / 8) { // each name is looked at
		return value{}
	}
	at, ok := c.descend(c.root, path)
	if !ok || !c.spend(int(c.entries[at].next)-int(at)) {
		return value{}
	}
	return c.read(at, &c.temp)
}
