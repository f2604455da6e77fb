package eval

import (
	"iter"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// entry is one value, or one member's name, of a scanned context. Entries stand
// in the order of the text: a container is followed by what it holds, a name by
// its value.
type entry struct {
	meta  uint32 // kind, whether a string has to be unescaped, and how much a container holds
	start uint32 // first byte in the body; of a string, behind the quote
	end   uint32
	next  uint32 // the entry behind this one and all it holds
}

// The parts of an entry's meta.
const (
	kindBits   = 1<<3 - 1
	escapedBit = 1 << 3
	oneMore    = 1 << 4 // element of a list, member of an object
)

func (e *entry) kind() kind { return kind(e.meta & kindBits) }

func (e *entry) escaped() bool { return e.meta&escapedBit != 0 }

func (e *entry) count() int { return int(e.meta / oneMore) }

// tape is JSON that was scanned: where everything stands in it. Nothing of it is decoded before it is read.
type tape struct {
	body    []byte // the caller's; strings refer into it
	entries []entry
}

// find gives the entry of an object's member; the last of equal names counts,
// as it does for flagd.
func (t *tape) find(at int32, name string) (found int32, ok bool) {
	e := &t.entries[at]
	i := at + 1
	for range e.count() {
		if t.named(i, name) {
			found, ok = i+1, true
		}
		i = int32(t.entries[i+1].next)
	}
	return found, ok
}

// members steps through an object: the entry of each name, with that of its value behind it.
func (t *tape) members(at int32) iter.Seq[int32] {
	return func(yield func(int32) bool) {
		i := at + 1
		for range t.entries[at].count() {
			if !yield(i) {
				return
			}
			i = int32(t.entries[i+1].next)
		}
	}
}

// named compares a member's name without making a string of it.
func (t *tape) named(at int32, name string) bool {
	e := &t.entries[at]
	raw := t.body[e.start:e.end]
	if !e.escaped() {
		return string(raw) == name
	}
	return len(raw) >= len(name) && string(unescape(nil, raw)) == name // an escape is longer than what it stands for
}

// element gives the entry of a list's element.
func (t *tape) element(at int32, index int) (found int32, ok bool) {
	if index < 0 || index >= t.entries[at].count() {
		return 0, false
	}
	i := at + 1
	for range index {
		i = int32(t.entries[i].next)
	}
	return i, true
}

// read makes a value of an entry, in the given memory.
func (t *tape) read(at int32, m *memory) value {
	e := &t.entries[at]
	raw := t.body[e.start:e.end]
	switch e.kind() {
	case boolean:
		return boolValue(raw[0] == 't')
	case number:
		return numberValue(readNumber(raw))
	case text:
		return textValue(t.readText(at, m))
	case list:
		return t.readList(at, m)
	case object:
		return t.readObject(at, m)
	default:
		return value{}
	}
}

// exactDigits is the longest whole number that a float64 surely holds.
const exactDigits = 15

// readNumber reads a number that the scanner accepted.
func readNumber(raw []byte) float64 {
	if len(raw) <= exactDigits {
		n := int64(0)
		for i, b := range raw {
			if !isDigit(b) {
				break
			}
			if n = n*10 + int64(b-'0'); i == len(raw)-1 {
				return float64(n)
			}
		}
	}
	n, _ := strconv.ParseFloat(viewText(raw), 64) // the scanner saw that it fits
	return n
}

func (t *tape) readText(at int32, m *memory) string {
	e := &t.entries[at]
	raw := t.body[e.start:e.end]
	if !e.escaped() {
		return viewText(raw)
	}
	text := unescape(m.bytes.take(len(raw))[:0], raw)
	m.bytes.giveBack(len(raw) - len(text)) // an escape takes up to six times what it stands for
	return viewText(text)
}

func (t *tape) readList(at int32, m *memory) value {
	items := m.values.take(t.entries[at].count())
	i := at + 1
	for n := range items {
		items[n] = t.read(i, m)
		i = int32(t.entries[i].next)
	}
	return m.list(items)
}

// readObject keeps one member of each name, since how many members an object
// has matters to rules.
func (t *tape) readObject(at int32, m *memory) value {
	count := t.entries[at].count()
	names, items := m.names.take(count)[:0], m.values.take(count)[:0]
	i := at + 1
	for range count {
		names, items = setMember(names, items, t.readText(i, m), t.read(i+1, m))
		i = int32(t.entries[i+1].next)
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
