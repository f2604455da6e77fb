package eval

import "slices"

// TakeOut removes a member of the context's top level, of whatever value, so
// that rules do not see it: not by name, not as part of the whole context. It
// gives the value where that is text. Of equal names all go and the last counts.
// The text is good until the Context is parsed or reset.
func (c *Context) TakeOut(name string) (content string, isText, found bool) {
	if !c.has {
		return "", false, false
	}
	var last entry
	for at := c.nextNamed(c.root+1, name); at > 0; at = c.nextNamed(at, name) {
		last, found = c.entries[at+1], true
		c.cut(at)
	}
	if !found {
		return "", false, false
	}
	c.loose() // places have moved
	return c.takenText(last), last.kind() == text, true
}

// nextNamed finds the next member of the context's top level with a name, from that
// at a place on, or gives 0. Lengths decide first, since most names are others.
func (c *Context) nextNamed(at int32, name string) int32 {
	entries := c.entries
	for end := int32(entries[c.root].next); at < end; at = int32(entries[at+1].next) {
		e := entries[at]
		if size := int(e.end - e.start); size == len(name) && string(c.body[e.start:e.end]) == name || e.escaped() && c.unescapesTo(e, name) {
			return at
		}
	}
	return 0
}

// longestEscape is by how many times escapes may make a string longer.
const longestEscape = 6

// unescapesTo compares a name that has escapes without an allocation.
func (c *Context) unescapesTo(e entry, name string) bool {
	size := int(e.end - e.start)
	if size > longestEscape*len(name) {
		return false
	}
	plain := unescape(c.taken.take(size)[:0], c.body[e.start:e.end])
	c.taken.giveBack(size)
	return string(plain) == name
}

// takenText is the content of a string that is on the tape no more. Where it has
// to be written anew, its memory is not that of values that rules read, which is
// used again when they read by another ruleset's table.
func (c *Context) takenText(e entry) string {
	if e.kind() != text {
		return ""
	}
	raw := c.body[e.start:e.end]
	if !e.escaped() {
		return viewText(raw)
	}
	return viewText(unescape(c.taken.take(len(raw))[:0], raw))
}

// cut takes a member of the context's top level from the tape, as if it had
// never been sent: rules are charged for how long the tape is.
func (c *Context) cut(at int32) {
	end := c.entries[at+1].next
	gone := end - uint32(at)
	c.entries = slices.Delete(c.entries, int(at), int(end))
	for i := int(at); i < len(c.entries); i++ {
		c.entries[i].next -= gone
	}
	c.entries[c.root].next -= gone
	c.entries[c.root].meta -= oneMore
	if c.root != 0 {
		c.entries[0].next -= gone // of the request; nothing else reaches behind the context
	}
}
