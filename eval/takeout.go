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
	at := c.root + 1
	for range c.entries[c.root].count() {
		if c.isNamed(at, name) {
			last, found = c.entries[at+1], true
			c.cut(at)
			continue // the next member stands here now
		}
		at = int32(c.entries[at+1].next)
	}
	if !found {
		return "", false, false
	}
	c.loose() // places have moved
	return c.takenText(last), last.kind() == text, true
}

// longestEscape is by how many times a string may be longer for its escapes.
const longestEscape = 6

// isNamed is named without an allocation. Lengths decide first, since most names are others.
func (c *Context) isNamed(at int32, name string) bool {
	e := &c.entries[at]
	size := int(e.end - e.start)
	if !e.escaped() {
		return size == len(name) && string(c.body[e.start:e.end]) == name
	}
	if size < len(name) || size > longestEscape*len(name) {
		return false
	}
	plain := unescape(c.taken.take(size)[:0], c.body[e.start:e.end])
	c.taken.giveBack(size)
	return string(plain) == name
}

// takenText is the content of a string that is on the tape no more. It has memory of its own, which lasts as long as the context does.
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
	for i := range c.entries[at:] {
		c.entries[int(at)+i].next -= gone
	}
	c.entries[c.root].next -= gone
	c.entries[c.root].meta -= oneMore
	if c.root != 0 {
		c.entries[0].next -= gone // of the request; nothing else reaches behind the context
	}
}
