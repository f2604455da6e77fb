package main

import (
	"bytes"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// spot is where a value stands in a file, with the values in it. Lines and columns count from 1.
type spot struct {
	line, column int
	text         string // of a value without others in it
	members      map[string]named
	items        []*spot
}

// named is a member of an object: where its name stands, and its value.
type named struct {
	line, column int
	value        *spot
}

// spotsOf finds every value of a file that was read well before. Only then is there nothing without end in it.
func spotsOf(text *flagText) *spot {
	if !text.isYAML() {
		return jsonSpots(text.doc)
	}
	var doc yaml.Node
	if yaml.Unmarshal(text.raw, &doc) != nil || len(doc.Content) == 0 {
		return &spot{}
	}
	return yamlSpots{}.of(doc.Content[0])
}

// yamlSpots remembers what aliases lead to, so that each is gone through once.
type yamlSpots map[*yaml.Node]*spot

func (y yamlSpots) of(n *yaml.Node) *spot {
	if known := y[n]; known != nil {
		return known
	}
	s := &spot{line: n.Line, column: n.Column}
	y[n] = s
	switch n.Kind {
	case yaml.AliasNode:
		*s = *y.of(n.Alias)
		s.line, s.column = n.Line, n.Column
	case yaml.SequenceNode:
		for _, item := range n.Content {
			s.items = append(s.items, y.of(item))
		}
	case yaml.MappingNode:
		s.members = map[string]named{}
		y.fill(s, n)
	default:
		s.text = n.Value
	}
	return s
}

// fill adds the members of a mapping, and those that it merges unless it has them itself.
func (y yamlSpots) fill(s *spot, n *yaml.Node) {
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.ShortTag() == "!!merge" {
			merged = append(merged, value)
			continue
		}
		name := key.Value
		if key.Kind == yaml.AliasNode {
			name = key.Alias.Value
		}
		s.members[name] = named{key.Line, key.Column, y.of(value)}
	}
	for _, from := range merged {
		y.merge(s, y.of(from))
	}
}

func (y yamlSpots) merge(s, from *spot) {
	for name, member := range from.members {
		if _, own := s.members[name]; !own {
			s.members[name] = member
		}
	}
	for _, item := range from.items {
		y.merge(s, item)
	}
}

// jsonReader reads tokens and knows where each begins.
type jsonReader struct {
	doc   []byte
	dec   *jsontext.Decoder
	lines []int // offsets at which lines begin
}

// jsonSpots finds the values of a JSON text. Where it cannot be read further, the rest is missing.
func jsonSpots(doc []byte) *spot {
	r := &jsonReader{doc: doc, dec: jsontext.NewDecoder(bytes.NewReader(doc)), lines: []int{0}}
	for i, b := range doc {
		if b == '\n' {
			r.lines = append(r.lines, i+1)
		}
	}
	s, _ := r.value()
	return s
}

// next reads a token and tells where it begins.
func (r *jsonReader) next() (token jsontext.Token, line, column int, err error) {
	start := int(r.dec.InputOffset())
	start += len(r.doc[start:]) - len(bytes.TrimLeft(r.doc[start:], " \t\r\n,:"))
	token, err = r.dec.ReadToken()
	at, found := slices.BinarySearch(r.lines, start)
	if !found {
		at--
	}
	return token, at + 1, start - r.lines[at] + 1, err
}

func (r *jsonReader) value() (*spot, error) {
	token, line, column, err := r.next()
	s := &spot{line: line, column: column}
	if err != nil {
		return s, err
	}
	switch token.Kind() {
	case '[':
		for err == nil && r.dec.PeekKind() != ']' {
			var item *spot
			item, err = r.value()
			s.items = append(s.items, item)
		}
	case '{':
		s.members = map[string]named{}
		for err == nil && r.dec.PeekKind() != '}' {
			err = r.member(s)
		}
	default:
		s.text = strings.Clone(token.String())
		return s, nil
	}
	if err == nil {
		_, err = r.dec.ReadToken()
	}
	return s, err
}

func (r *jsonReader) member(s *spot) error {
	token, line, column, err := r.next()
	if err != nil {
		return err
	}
	name := strings.Clone(token.String())
	value, err := r.value()
	s.members[name] = named{line, column, value}
	return err
}
