package lint

import (
	"bytes"
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
)

// node is one JSON value of a document, with the values in it.
type node struct {
	kind  jsontext.Kind // n, t, f, ", 0, [ or {; 0 for none at all
	raw   []byte        // as it is written
	text  string        // of a string
	num   float64       // of a number
	names []string      // of an object's members
	items []*node       // of a list or an object
}

// parse reads a value that eval has read before, so that it is whole and not too deep.
func parse(raw []byte) *node {
	n, err := read(jsontext.NewDecoder(bytes.NewReader(raw)), raw)
	if err != nil {
		return &node{}
	}
	return n
}

func read(dec *jsontext.Decoder, raw []byte) (*node, error) {
	token, err := dec.ReadToken()
	if err != nil {
		return nil, err
	}
	n := &node{kind: token.Kind()}
	end := int(dec.InputOffset())
	start := end
	switch n.kind {
	case '"':
		n.text = token.String()
	case '0':
		n.num = number(token.String())
	case '[':
		start--
		err = n.readItems(dec, raw)
	case '{':
		start--
		err = n.readMembers(dec, raw)
	}
	if err != nil {
		return nil, err
	}
	if n.kind == '[' || n.kind == '{' {
		n.raw = raw[start:dec.InputOffset()]
	}
	return n, nil
}

// number is what rules make of a number's token.
func number(token string) float64 {
	n, err := strconv.ParseFloat(token, 64)
	if err != nil && !math.IsInf(n, 0) {
		return math.NaN()
	}
	return n
}

func (n *node) readItems(dec *jsontext.Decoder, raw []byte) error {
	for dec.PeekKind() != ']' {
		item, err := read(dec, raw)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.ReadToken()
	return err
}

func (n *node) readMembers(dec *jsontext.Decoder, raw []byte) error {
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		n.names = append(n.names, name.String())
		item, err := read(dec, raw)
		if err != nil {
			return err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.ReadToken()
	return err
}

func entryNodes(entries []eval.Entry) *node {
	n := &node{kind: '{'}
	for _, e := range entries {
		n.names, n.items = append(n.names, e.Name), append(n.items, parse(e.Raw))
	}
	return n
}

// member finds a member of an object; where there is none it gives an empty node.
func (n *node) member(name string) *node {
	for i, other := range n.names {
		if other == name {
			return n.items[i]
		}
	}
	return &node{}
}

func (n *node) isList() bool { return n.kind == '[' }

func (n *node) isObject() bool { return n.kind == '{' }

func (n *node) isString() bool { return n.kind == '"' }

// operator reads {"name": args}, which is a rule; anything else is data.
func (n *node) operator() (name string, args *node, ok bool) {
	if !n.isObject() || len(n.items) != 1 {
		return "", nil, false
	}
	return n.names[0], n.items[0], true
}

// reference reads {"$ref": "NAME"}.
func (n *node) reference() (name string, ok bool) {
	op, args, ok := n.operator()
	if !ok || op != "$ref" || !args.isString() {
		return "", false
	}
	return args.text, true
}

// attribute reads {"var": "path"} without a default.
func (n *node) attribute() (path string, ok bool) {
	op, args, ok := n.operator()
	if !ok || op != "var" {
		return "", false
	}
	if args.isList() && len(args.items) == 1 {
		args = args.items[0]
	}
	return args.text, args.isString()
}

// arguments are what stands in an operator's list, or the one thing that stands there without.
func (n *node) arguments() []*node {
	if n.isList() {
		return n.items
	}
	return []*node{n}
}

// argumentAt is the place of one of them.
func (n *node) argumentAt(at *place, i int) *place {
	if n.isList() {
		return at.at(i)
	}
	return at
}

// canonical is the same for two values that a rule cannot tell apart.
func (n *node) canonical() string {
	value := jsontext.Value(n.json()).Clone()
	if value.Canonicalize() != nil {
		return string(n.json())
	}
	return string(value)
}

// json writes the value.
func (n *node) json() []byte {
	switch n.kind {
	case '"':
		quoted, err := jsontext.AppendQuote(nil, n.text)
		if err != nil {
			return []byte(`""`)
		}
		return quoted
	case '0':
		if math.IsNaN(n.num) || math.IsInf(n.num, 0) {
			return []byte("0") // nothing that a document could hold
		}
		return strconv.AppendFloat(nil, n.num, 'g', -1, 64)
	case '[', '{':
		return n.raw
	case 't':
		return []byte("true")
	case 'f':
		return []byte("false")
	default:
		return []byte("null")
	}
}

// place is where a value stands.
type place struct {
	above *place
	step  string
}

var root *place

func (p *place) in(step string) *place { return &place{above: p, step: step} }

func (p *place) at(i int) *place { return p.in(strconv.Itoa(i)) }

// top is the first step.
func (p *place) top() string {
	for p.above != nil {
		p = p.above
	}
	return p.step
}

// String writes the place as eval's messages do.
func (p *place) String() string {
	if p == nil {
		return ""
	}
	return eval.JoinPath(p.above.String(), p.step)
}
