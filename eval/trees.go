package eval

import "math"

// trees makes values of JSON that was read strictly before. Their strings are
// views of that JSON, or of the trees' own memory where they hold escapes; lists
// and objects stand in memory that the next reset takes back.
type trees struct {
	tape
	memory
}

// unbounded is for what the strict reader let pass.
var unbounded = bounds{math.MaxInt, math.MaxInt, math.MaxInt, math.MaxInt}

// scan steps onto the JSON, whose value is then entry 0.
func (t *trees) scan(raw []byte) {
	s := scanner{src: raw, tape: t.entries[:0], bounds: unbounded}
	if !s.document() {
		panic("eval: a document was kept that is no JSON: " + s.err.Message)
	}
	t.body, t.entries = raw, s.tape
}

// value makes the value of an entry.
func (t *trees) value(at int32) value { return t.read(at, &t.memory) }

// of makes the value of a whole JSON text.
func (t *trees) of(raw []byte) value {
	t.scan(raw)
	return t.value(0)
}

// string gives the content of an entry that is a string.
func (t *trees) string(at int32) string { return t.readText(at, &t.memory) }

// json gives an entry as it is written.
func (t *trees) json(at int32) []byte {
	e := &t.entries[at]
	if e.kind() == text {
		return t.body[e.start-1 : e.end+1]
	}
	return t.body[e.start:e.end]
}

// reset takes the memory back. Strings that hold escapes keep theirs, since
// programs keep strings.
func (t *trees) reset() {
	t.values.reset()
	t.boxes.reset()
	t.names.reset()
	t.bytes = arena[byte]{}
}
