package eval

import (
	"encoding/binary"
	"math/bits"
)

// textIndex finds strings in a list that does not change. It is a map in a
// third of the memory, since the strings stand in the list alone.
type textIndex struct {
	cells []textCell // a power of two of them, at most half of them used
}

type textCell struct {
	hash     uint32
	position int32 // in the list, from 1; 0 is free
}

func newTextIndex(list []string) textIndex {
	size := 2
	for size < 2*len(list) {
		size *= 2
	}
	x := textIndex{cells: make([]textCell, size)}
	for i, s := range list {
		hash := hashText(s)
		at := int(hash) & (size - 1)
		for x.cells[at].position != 0 {
			at = (at + 1) & (size - 1)
		}
		x.cells[at] = textCell{hash: hash, position: int32(i) + 1}
	}
	return x
}

// find gives the position of a string in the list that the index was made of, or -1.
func (x *textIndex) find(s string, list []string) int {
	if len(x.cells) == 0 {
		return -1
	}
	hash := hashText(s)
	for at := int(hash) & (len(x.cells) - 1); ; at = (at + 1) & (len(x.cells) - 1) {
		cell := x.cells[at]
		if cell.position == 0 {
			return -1
		}
		if cell.hash == hash && list[cell.position-1] == s {
			return int(cell.position) - 1
		}
	}
}

// hashText spreads strings over an index. What is asked for may be chosen by a
// client, what is in the index is not: nobody can make it long to search but who
// publishes.
func hashText(s string) uint32 {
	b, h := viewBytes(s), uint64(len(s))
	for len(b) >= 8 {
		h, b = mixed(h^binary.LittleEndian.Uint64(b)), b[8:]
	}
	switch n := len(b); {
	case n >= 4:
		h ^= uint64(binary.LittleEndian.Uint32(b)) | uint64(binary.LittleEndian.Uint32(b[n-4:]))<<32
	case n > 0:
		h ^= uint64(b[0]) | uint64(b[n/2])<<8 | uint64(b[n-1])<<16
	}
	h = mixed(h)
	return uint32(h ^ h>>32)
}

// mixed lets every bit have a say in all.
func mixed(x uint64) uint64 {
	const odd = 0x9e3779b97f4a7c15 // 2⁶⁴ over the golden ratio
	high, low := bits.Mul64(x^odd, odd)
	return high ^ low
}
