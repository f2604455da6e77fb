package eval

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// The limits of a request with its context. One beyond them is refused
// with a ContextError whose Limit is set.
const (
	MaxContextSize     = 1 << 20 // bytes of the request body
	MaxContextDepth    = 32      // objects and lists inside each other
	MaxContextMembers  = 1_000   // members of all objects together
	MaxContextElements = 10_000  // elements of all lists together
)

// ContextError says why a context is refused. It never repeats what the
// context holds, since that may be personal.
type ContextError struct {
	Message string
	Limit   bool // a size, a depth or a count was exceeded
}

func (e *ContextError) Error() string { return e.Message }

// scanner reads JSON in one pass onto a tape. It is as strict as the format:
// no invalid UTF-8, no control characters in strings, no numbers a float64
// cannot hold. It leaves text and numbers where they are.
type scanner struct {
	src      []byte
	pos      int
	tape     []entry
	bounds   bounds
	depth    int
	members  int
	elements int
	err      *ContextError
}

// bounds are what a scanner takes.
type bounds struct{ size, depth, members, elements int }

var contextBounds = bounds{MaxContextSize, MaxContextDepth, MaxContextMembers, MaxContextElements}

// document scans one value that must be all there is.
func (s *scanner) document() bool {
	if len(s.src) > s.bounds.size {
		return s.limit("bytes in a request", s.bounds.size)
	}
	s.space()
	if !s.value() {
		return false
	}
	s.space()
	return s.pos == len(s.src) || s.fail("more follows after the end of the JSON value")
}

func (s *scanner) value() bool {
	switch b := s.peek(); b {
	case '{':
		return s.object()
	case '[':
		return s.list()
	case '"':
		return s.text()
	case 't':
		return s.word("true", boolean)
	case 'f':
		return s.word("false", boolean)
	case 'n':
		return s.word("null", null)
	default:
		if b == '-' || isDigit(b) {
			return s.number()
		}
		return s.fail("a JSON value is expected")
	}
}

func (s *scanner) object() bool {
	at, ok := s.enter(object)
	if !ok || s.closes('}', at) {
		return ok
	}
	for {
		if s.members++; s.members > s.bounds.members {
			return s.limit("members in the request", s.bounds.members)
		}
		if s.space(); s.peek() != '"' {
			return s.fail("a member's name is expected")
		}
		if !s.text() {
			return false
		}
		if s.space(); s.peek() != ':' {
			return s.fail("a colon is expected after a member's name")
		}
		s.pos++
		if s.space(); !s.value() {
			return false
		}
		s.tape[at].meta += oneMore
		if more, ok := s.separator('}', at); !more {
			return ok
		}
	}
}

func (s *scanner) list() bool {
	at, ok := s.enter(list)
	if !ok || s.closes(']', at) {
		return ok
	}
	for {
		if s.elements++; s.elements > s.bounds.elements {
			return s.limit("list elements in the request", s.bounds.elements)
		}
		if s.space(); !s.value() {
			return false
		}
		s.tape[at].meta += oneMore
		if more, ok := s.separator(']', at); !more {
			return ok
		}
	}
}

// enter puts a container on the tape and steps inside.
func (s *scanner) enter(k kind) (at int, ok bool) {
	if s.depth++; s.depth > s.bounds.depth {
		return 0, s.limit("levels of nesting in the request", s.bounds.depth)
	}
	at = s.put(uint32(k), s.pos)
	s.pos++
	return at, true
}

// closes tells whether the container ends before its first item.
func (s *scanner) closes(end byte, at int) bool {
	if s.space(); s.peek() != end {
		return false
	}
	s.leave(at)
	return true
}

// separator reads the comma before another item, or the end of the container.
func (s *scanner) separator(end byte, at int) (more, ok bool) {
	s.space()
	switch s.peek() {
	case ',':
		s.pos++
		return true, true
	case end:
		s.leave(at)
		return false, true
	default:
		return false, s.fail("a comma or the end of the container is expected")
	}
}

func (s *scanner) leave(at int) {
	s.pos++
	s.depth--
	s.tape[at].end = uint32(s.pos)
	s.tape[at].next = uint32(len(s.tape))
}

// leaf puts a value without children on the tape.
func (s *scanner) leaf(k kind, start int, escaped bool) bool {
	meta := uint32(k)
	if escaped {
		meta |= escapedBit
	}
	s.put(meta, start)
	return true
}

// put adds an entry that ends here. It writes the fields one by one: an entry
// that is made first and then copied costs twice as much.
func (s *scanner) put(meta uint32, start int) (at int) {
	at = len(s.tape)
	if at == cap(s.tape) {
		s.tape = slices.Grow(s.tape, at+firstBlock)
	}
	s.tape = s.tape[:at+1]
	e := &s.tape[at]
	e.meta, e.start, e.end, e.next = meta, uint32(start), uint32(s.pos), uint32(at+1)
	return at
}

func (s *scanner) word(word string, k kind) bool {
	start := s.pos
	if len(s.src)-s.pos < len(word) || string(s.src[s.pos:s.pos+len(word)]) != word {
		return s.fail("a JSON value is expected")
	}
	s.pos += len(word)
	return s.leaf(k, start, false)
}

// text scans a string and steps over both its quotes; what lies between them
// goes on the tape.
func (s *scanner) text() bool {
	s.pos++
	start, escaped := s.pos, false
	for {
		s.plain()
		if s.pos >= len(s.src) {
			return s.fail("a string does not end")
		}
		switch b := s.src[s.pos]; {
		case b == '"':
			s.leaf(text, start, escaped)
			s.pos++
			return true
		case b == '\\':
			escaped = true
			if !s.escape() {
				return s.fail("a string holds an escape that JSON does not know")
			}
		case b < ' ':
			return s.fail("a string holds a control character that is not escaped")
		default:
			r, size := utf8.DecodeRune(s.src[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return s.fail("a string is not valid UTF-8")
			}
			s.pos += size
		}
	}
}

const (
	everyByte = 0x0101010101010101
	highBits  = 0x8080808080808080
)

// plain steps over characters that stand for themselves in a string: ASCII, but
// for quotes, backslashes and controls. It looks at eight bytes at a time.
func (s *scanner) plain() {
	for s.pos+8 <= len(s.src) {
		if found := special(binary.LittleEndian.Uint64(s.src[s.pos:])); found != 0 {
			s.pos += bits.TrailingZeros64(found) / 8
			return
		}
		s.pos += 8
	}
	for s.pos < len(s.src) {
		if b := s.src[s.pos]; b == '"' || b == '\\' || b < ' ' || b >= utf8.RuneSelf {
			return
		}
		s.pos++
	}
}

// special sets the high bit of the first byte that is not plain, and perhaps of
// some behind it: subtracting 1 from each byte of x borrows from the next one
// only where a byte is 0, and a byte is 0 where x has the byte that is sought.
func special(x uint64) uint64 {
	quote, backslash := x^everyByte*'"', x^everyByte*'\\'
	return ((quote-everyByte)&^quote | (backslash-everyByte)&^backslash | (x - everyByte*' ') | x) & highBits
}

func (s *scanner) escape() bool {
	if s.pos+1 >= len(s.src) {
		return false
	}
	switch s.src[s.pos+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		s.pos += 2
		return true
	case 'u':
		if s.pos+6 > len(s.src) || hexRune(s.src[s.pos+2:s.pos+6]) < 0 {
			return false
		}
		s.pos += 6
		return true
	default:
		return false
	}
}

// longNumber is the length from which even a number without an exponent might
// be more than a float64 holds.
const longNumber = 300

func (s *scanner) number() bool {
	start := s.pos
	if s.peek() == '-' {
		s.pos++
	}
	ok := s.peek() == '0' && s.skip() || s.digits()
	if ok && s.peek() == '.' {
		s.pos++
		ok = s.digits()
	}
	exponent := ok && (s.peek() == 'e' || s.peek() == 'E')
	if exponent {
		s.pos++
		if s.peek() == '+' || s.peek() == '-' {
			s.pos++
		}
		ok = s.digits()
	}
	if !ok {
		return s.fail("a number is malformed")
	}
	if exponent || s.pos-start > longNumber {
		if _, err := strconv.ParseFloat(viewText(s.src[start:s.pos]), 64); err != nil {
			return s.fail("a number is beyond a 64-bit float")
		}
	}
	return s.leaf(number, start, false)
}

func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) skip() bool { s.pos++; return true }

func (s *scanner) peek() byte {
	if s.pos < len(s.src) {
		return s.src[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	if s.pos < len(s.src) && s.src[s.pos] <= ' ' {
		s.spaces()
	}
}

func (s *scanner) spaces() {
	for s.pos < len(s.src) {
		switch s.src[s.pos] {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return
		}
	}
}

func (s *scanner) fail(message string) bool {
	if s.err == nil {
		s.err = &ContextError{Message: fmt.Sprintf("%s (at byte %d)", message, s.pos)}
	}
	return false
}

func (s *scanner) limit(what string, limit int) bool {
	if s.err == nil {
		s.err = &ContextError{Message: fmt.Sprintf("%s: more than the limit of %d", what, limit), Limit: true}
	}
	return false
}

func isDigit(b byte) bool { return b >= '0' && b <= '9' }
