package eval

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// entry is one value, or one member's name, of a scanned context. Entries stand
// in the order of the text: a container is followed by what it holds, a name by
// its value.
type entry struct {
	kind    kind
	escaped bool   // a string that has to be unescaped
	start   uint32 // first byte in the body; of a string, behind the quote
	end     uint32
	next    uint32 // the entry behind this one and all it holds
	count   uint32 // elements of a list, members of an object
}

// find gives the entry of an object's member; the last of equal names counts,
// as it does for flagd.
func (c *Context) find(at int32, name string) (found int32, ok bool) {
	e := c.tape[at]
	i := at + 1
	for range e.count {
		if c.named(i, name) {
			found, ok = i+1, true
		}
		i = int32(c.tape[i+1].next)
	}
	return found, ok
}

// named compares a member's name without making a string of it.
func (c *Context) named(at int32, name string) bool {
	e := c.tape[at]
	raw := c.body[e.start:e.end]
	if !e.escaped {
		return string(raw) == name
	}
	return string(unescape(nil, raw)) == name
}

// element gives the entry of a list's element.
func (c *Context) element(at int32, index int) (found int32, ok bool) {
	if index < 0 || index >= int(c.tape[at].count) {
		return 0, false
	}
	i := at + 1
	for range index {
		i = int32(c.tape[i].next)
	}
	return i, true
}

// read makes a value of an entry, in the given memory.
func (c *Context) read(at int32, m *memory) value {
	e := c.tape[at]
	raw := c.body[e.start:e.end]
	switch e.kind {
	case boolean:
		return boolValue(raw[0] == 't')
	case number:
		n, _ := strconv.ParseFloat(viewText(raw), 64) // the scanner saw that it fits
		return numberValue(n)
	case text:
		return textValue(c.readText(at, m))
	case list:
		return c.readList(at, m)
	case object:
		return c.readObject(at, m)
	default:
		return value{}
	}
}

func (c *Context) readText(at int32, m *memory) string {
	e := c.tape[at]
	raw := c.body[e.start:e.end]
	if !e.escaped {
		return viewText(raw)
	}
	return viewText(unescape(m.bytes.take(len(raw))[:0], raw))
}

func (c *Context) readList(at int32, m *memory) value {
	items := m.values.take(int(c.tape[at].count))
	i := at + 1
	for n := range items {
		items[n] = c.read(i, m)
		i = int32(c.tape[i].next)
	}
	return m.list(items)
}

// readObject keeps one member of each name, since how many members an object
// has matters to rules.
func (c *Context) readObject(at int32, m *memory) value {
	count := int(c.tape[at].count)
	names, items := m.names.take(count)[:0], m.values.take(count)[:0]
	i := at + 1
	for range count {
		names, items = setMember(names, items, c.readText(i, m), c.read(i+1, m))
		i = int32(c.tape[i+1].next)
	}
	return m.object(names, items)
}

func setMember(names []string, items []value, name string, v value) ([]string, []value) {
	for i := range names {
		if names[i] == name {
			items[i] = v
			return names, items
		}
	}
	return append(names, name), append(items, v)
}

// unescape appends the content of a JSON string that the scanner accepted. What
// it appends is never longer than what it reads.
func unescape(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if src[i] != '\\' {
			dst = append(dst, src[i])
			i++
			continue
		}
		if src[i+1] != 'u' {
			dst = append(dst, shortEscape(src[i+1]))
			i += 2
			continue
		}
		r := hexRune(src[i+2 : i+6])
		i += 6
		if utf16.IsSurrogate(r) {
			r, i = pair(r, src, i)
		}
		dst = utf8.AppendRune(dst, r)
	}
	return dst
}

// pair joins a surrogate with the one that follows. One that stands alone
// becomes the replacement character, as it does for flagd.
func pair(high rune, src []byte, i int) (rune, int) {
	if i+6 <= len(src) && src[i] == '\\' && src[i+1] == 'u' {
		if r := utf16.DecodeRune(high, hexRune(src[i+2:i+6])); r != utf8.RuneError {
			return r, i + 6
		}
	}
	return utf8.RuneError, i
}

func shortEscape(b byte) byte {
	switch b {
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	default:
		return b
	}
}

// hexRune reads four hexadecimal digits; anything else is negative.
func hexRune(digits []byte) rune {
	var r rune
	for _, b := range digits {
		switch {
		case isDigit(b):
			r = r<<4 | rune(b-'0')
		case b >= 'a' && b <= 'f':
			r = r<<4 | rune(b-'a'+10)
		case b >= 'A' && b <= 'F':
			r = r<<4 | rune(b-'A'+10)
		default:
			return -1
		}
	}
	return r
}
