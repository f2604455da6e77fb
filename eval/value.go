package eval

import (
	"slices"
	"strings"
)

// kind is the JSON kind of a value. The zero kind is null, so that the zero
// value is JSON's null.
type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	list
	object
)

var kindNames = [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}

func (k kind) String() string { return kindNames[k] }

// value is one JSON value: of a rule, of a context, or on the way between
// operators. Numbers are float64 inside rules; only answers keep raw tokens.
type value struct {
	kind kind
	hint uint16  // of a string that stands in a flag's rule: the variant that it names, from 1; 0 says nothing
	num  float64 // the number, or 1 for true
	str  string
	box  *box // of a list or an object
}

// box holds what a list or an object contains. Names stand beside the items and
// are nil for a list.
type box struct {
	names []string
	items []value
}

func boolValue(b bool) value {
	if b {
		return value{kind: boolean, num: 1}
	}
	return value{kind: boolean}
}

func numberValue(n float64) value { return value{kind: number, num: n} }

func textValue(s string) value { return value{kind: text, str: s} }

func listValue(items []value) value { return value{kind: list, box: &box{items: items}} }

// items are the elements of a list or the member values of an object.
func (v value) items() []value {
	if v.box == nil {
		return nil
	}
	return v.box.items
}

func (v value) names() []string {
	if v.box == nil {
		return nil
	}
	return v.box.names
}

// member looks a name up from the end: where a name is given twice, the last counts.
func (v value) member(name string) value {
	names := v.names()
	for i := len(names) - 1; i >= 0; i-- {
		if names[i] == name {
			return v.box.items[i]
		}
	}
	return value{}
}

// truthy follows flagd's library: the string "0" is true, an empty list and an
// empty object are false, and so are null, zero and the empty string. NaN is true.
func (v value) truthy() bool {
	switch v.kind {
	case boolean, number:
		return v.num != 0
	case text:
		return v.str != ""
	case list, object:
		return len(v.items()) > 0
	default:
		return false
	}
}

// isRule tells whether the library would take this data for a rule: an object
// with exactly one member.
func (v value) isRule() bool { return v.kind == object && len(v.items()) == 1 }

// holdsRule tells whether reading the value as part of a rule meets a rule.
// Objects of several members are data, and nothing inside them is looked at.
func (v value) holdsRule() bool {
	if v.kind != list {
		return v.isRule()
	}
	for _, item := range v.items() {
		if item.holdsRule() {
			return true
		}
	}
	return false
}

// clone copies a value out of the memory of an evaluation.
func (v value) clone() value { return v.copied(strings.Clone) }

// kept copies a value out of memory that holds lists and objects, but not strings.
func (v value) kept() value { return v.copied(func(s string) string { return s }) }

func (v value) copied(text func(string) string) value {
	v.str = text(v.str)
	if v.box == nil {
		return v
	}
	items := make([]value, len(v.box.items))
	for i, item := range v.box.items {
		items[i] = item.copied(text)
	}
	names := slices.Clone(v.box.names)
	for i := range names {
		names[i] = text(names[i])
	}
	v.box = &box{names: names, items: items}
	return v
}
