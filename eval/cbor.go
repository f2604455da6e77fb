package eval

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"sort"
	"strings"
)

// The core deterministic encoding of RFC 8949, section 4.2.1, for what JSON can
// say: bucketing v3 hashes it. A number that is whole and fits an integer is one
// (so that 1.0 is 1 and -0 is 0), any other the shortest float that keeps it.

// The major types, as they stand in the first byte of a head.
const (
	cborUnsigned = 0 << 5
	cborNegative = 1 << 5
	cborText     = 3 << 5
	cborList     = 4 << 5
	cborObject   = 5 << 5

	cborFalse  = 0xf4
	cborTrue   = 0xf5
	cborNull   = 0xf6
	cborHalf   = 0xf9
	cborSingle = 0xfa
	cborDouble = 0xfb
)

// cborHead is the most bytes that a head takes: the type, and an argument of 64 bits.
const cborHead = 9

// cborBound is at least the size of a value's encoding. What it gives is taken
// from the evaluation's memory beforehand, so that encoding never grows it.
func cborBound(v value) int {
	n := cborHead + len(v.str)
	for _, name := range v.names() {
		n += cborHead + len(name)
	}
	for _, item := range v.items() {
		n += cborBound(item)
	}
	return n
}

// appendCBOR encodes a value. The memory holds the members of objects while they
// are sorted.
func (m *memory) appendCBOR(b []byte, v value) []byte {
	switch v.kind {
	case boolean:
		if v.num != 0 {
			return append(b, cborTrue)
		}
		return append(b, cborFalse)
	case number:
		return appendCBORNumber(b, v.num)
	case text:
		return appendCBORText(b, v.str)
	case list:
		b = appendCBORHead(b, cborList, uint64(len(v.items())))
		for _, item := range v.items() {
			b = m.appendCBOR(b, item)
		}
		return b
	case object:
		return m.appendCBORObject(b, v)
	default:
		return append(b, cborNull)
	}
}

func (m *memory) appendCBORObject(b []byte, v value) []byte {
	b = appendCBORHead(b, cborObject, uint64(len(v.items())))
	v = m.sortedMembers(v)
	for i, name := range v.names() {
		b = m.appendCBOR(appendCBORText(b, name), v.items()[i])
	}
	return b
}

// sortedMembers gives an object with its members in the order of their encoded
// names. An object never has a name twice: contexts keep the last of equal names,
// documents refuse them.
func (m *memory) sortedMembers(v value) value {
	if slices.IsSortedFunc(v.names(), compareEncoded) {
		return v
	}
	names, items := m.names.take(len(v.names())), m.values.take(len(v.items()))
	copy(names, v.names())
	copy(items, v.items())
	v = m.object(names, items)
	sort.Sort((*byEncodedName)(v.box)) // of a pointer, which becomes an interface without allocating
	return v
}

// compareEncoded orders names by the bytes of their encoding: these begin with
// the length.
func compareEncoded(a, b string) int {
	if order := cmp.Compare(len(a), len(b)); order != 0 {
		return order
	}
	return strings.Compare(a, b)
}

// byEncodedName sorts the members of an object in place.
type byEncodedName box

func (b *byEncodedName) Len() int           { return len(b.names) }
func (b *byEncodedName) Less(i, j int) bool { return compareEncoded(b.names[i], b.names[j]) < 0 }
func (b *byEncodedName) Swap(i, j int) {
	b.names[i], b.names[j] = b.names[j], b.names[i]
	b.items[i], b.items[j] = b.items[j], b.items[i]
}

func appendCBORText(b []byte, s string) []byte {
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

// appendCBORHead writes a type with its argument in the fewest bytes.
func appendCBORHead(b []byte, major byte, argument uint64) []byte {
	switch {
	case argument < 24:
		return append(b, major|byte(argument))
	case argument <= math.MaxUint8:
		return append(b, major|24, byte(argument))
	case argument <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(argument))
	case argument <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(argument))
	default:
		return binary.BigEndian.AppendUint64(append(b, major|27), argument)
	}
}

// appendCBORNumber writes an integer where the number is one and fits in 64 bits
// and a sign.
func appendCBORNumber(b []byte, n float64) []byte {
	switch {
	case n != math.Trunc(n) || n < -(1<<63) || n >= 1<<64: // NaN and infinities too
		return appendCBORFloat(b, n)
	case n >= 0:
		return appendCBORHead(b, cborUnsigned, uint64(n))
	default:
		return appendCBORHead(b, cborNegative, ^uint64(int64(n))) // -1 minus the number
	}
}

// appendCBORFloat writes the shortest float that keeps the number. There is one
// NaN only, whatever its bits are on this machine.
func appendCBORFloat(b []byte, n float64) []byte {
	if math.IsNaN(n) {
		return append(b, cborHalf, 0x7e, 0x00)
	}
	short := float32(n)
	if float64(short) != n {
		return binary.BigEndian.AppendUint64(append(b, cborDouble), math.Float64bits(n))
	}
	if half, ok := halfFloat(short); ok {
		return binary.BigEndian.AppendUint16(append(b, cborHalf), half)
	}
	return binary.BigEndian.AppendUint32(append(b, cborSingle), math.Float32bits(short))
}

// halfFloat gives the bits of the 16-bit float that is exactly n, if there is one.
func halfFloat(n float32) (half uint16, ok bool) {
	bits := math.Float32bits(n)
	sign := uint16(bits>>16) & 0x8000
	exponent, fraction := int(bits>>23&0xff)-127, bits&(1<<23-1)
	switch {
	case exponent == 128 && fraction == 0: // infinity
		return sign | 0x7c00, true
	case exponent > 15 || exponent < -24:
		return 0, false
	case exponent >= -14: // ten bits of the fraction stay
		return sign | uint16(exponent+15)<<10 | uint16(fraction>>13), fraction&(1<<13-1) == 0
	default: // subnormal: counted in units of 2^-24
		whole, shift := fraction|1<<23, -1-exponent
		return sign | uint16(whole>>shift), whole&(1<<shift-1) == 0
	}
}
