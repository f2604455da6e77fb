package eval

import "hash/maphash"

// textIndex finds strings in a list that does not change. It is a map in a
// third of the memory, since the strings stand in the list alone.
type textIndex struct {
	seed  maphash.Seed
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
	x := textIndex{seed: maphash.MakeSeed(), cells: make([]textCell, size)}
	for i, s := range list {
		hash := uint32(maphash.String(x.seed, s))
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
	hash := uint32(maphash.String(x.seed, s))
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
