package eval

import "unsafe"

const (
	firstBlock = 64      // elements of an arena's first block
	keptBlock  = 1 << 14 // elements of the largest block that a Context keeps between uses
)

// arena hands out slices of one block of memory and takes them all back at
// once. A slice stays good when the block it came from is replaced by a larger
// one; only reset ends it, if it is of the last block.
type arena[T any] struct {
	block []T
	used  int
}

// take gives n elements of unknown content.
func (a *arena[T]) take(n int) []T {
	if len(a.block)-a.used < n {
		a.block = make([]T, max(n, 2*len(a.block), firstBlock))
		a.used = 0
	}
	a.used += n
	return a.block[a.used-n : a.used : a.used]
}

// giveBack takes the last n elements of what was handed out last back, which nobody has used.
func (a *arena[T]) giveBack(n int) { a.used -= n }

// reset takes everything back. What was handed out is cleared, so that nothing
// of it keeps a caller's bytes in memory.
func (a *arena[T]) reset() {
	if a.used == 0 {
		return
	}
	clear(a.block[:a.used])
	a.used = 0
	if len(a.block) > keptBlock {
		a.block = nil
	}
}

// memory is what values of one lifetime are made of.
type memory struct {
	values arena[value]
	boxes  arena[box]
	names  arena[string]
	bytes  arena[byte]
}

func (m *memory) reset() {
	m.values.reset()
	m.boxes.reset()
	m.names.reset()
	m.bytes.reset()
}

// list wraps items as a list value.
func (m *memory) list(items []value) value {
	b := &m.boxes.take(1)[0]
	*b = box{items: items}
	return value{kind: list, box: b}
}

func (m *memory) object(names []string, items []value) value {
	b := &m.boxes.take(1)[0]
	*b = box{names: names, items: items}
	return value{kind: object, box: b}
}

// text copies bytes and gives them as a string that lives as long as the memory.
func (m *memory) text(b []byte) string {
	copied := m.bytes.take(len(b))
	copy(copied, b)
	return viewText(copied)
}

// viewText gives bytes as a string without copying. The bytes must stay as they
// are for as long as the string is used.
func viewText(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// viewBytes gives a string's bytes without copying. Nobody may change them.
func viewBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }
