package eval

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// reader reads a document token by token. The decoder refuses duplicate names,
// invalid UTF-8 and malformed JSON; the reader adds the limits and the place.
type reader struct {
	doc    []byte
	dec    *jsontext.Decoder
	limits Limits
	last   int  // where the token that was read last begins
	inRule bool // what is read is a rule, whose nodes count
	nodes  int  // objects and lists of that rule so far
}

func newReader(doc []byte, limits Limits) *reader {
	return &reader{doc: doc, dec: jsontext.NewDecoder(bytes.NewBuffer(doc)), limits: limits}
}

// next reads one token and counts what it adds.
func (r *reader) next() (jsontext.Token, error) {
	r.last = r.start()
	tok, err := r.dec.ReadToken()
	if err != nil {
		return tok, r.syntax(err)
	}
	switch tok.Kind() {
	case '{', '[':
		if r.dec.StackDepth() > r.limits.Depth {
			return tok, r.limit("nesting", r.limits.Depth)
		}
	case '"':
		if n := len(tok.String()); n > r.limits.String {
			return tok, r.limit(fmt.Sprintf("a string of %d bytes", n), r.limits.String)
		}
	case '0':
		if _, err := strconv.ParseFloat(tok.String(), 64); err != nil {
			return tok, r.refuse("the number "+shorten(tok.String())+" is beyond a 64-bit float", "")
		}
	}
	return tok, nil
}

// object reads an object and calls member for each name; member must read the
// name's value. The limit names what is counted.
func (r *reader) object(limit int, what string, member func(name string) error) error {
	if err := r.open('{'); err != nil {
		return err
	}
	for n := 1; r.dec.PeekKind() != '}'; n++ {
		name, err := r.next()
		if err != nil {
			return err
		}
		if n > limit {
			return r.limit(what, limit)
		}
		if err := member(name.String()); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

// list reads a list and calls element for each of its elements.
func (r *reader) list(limit int, what string, element func(i int) error) error {
	if err := r.open('['); err != nil {
		return err
	}
	for i := 0; r.dec.PeekKind() != ']'; i++ {
		if r.dec.PeekKind() == jsontext.KindInvalid {
			_, err := r.next()
			return err
		}
		if i == limit {
			return r.limit(what, limit)
		}
		if err := element(i); err != nil {
			return err
		}
	}
	_, err := r.next()
	return err
}

// open reads the token that begins an object or a list, and refuses any other.
func (r *reader) open(want jsontext.Kind) error {
	tok, err := r.next()
	if err != nil {
		return err
	}
	if tok.Kind() != want {
		return r.wrongType(kindOf(want), tok)
	}
	return nil
}

// text reads a string, and refuses null and any other type.
func (r *reader) text() (string, error) {
	tok, err := r.next()
	if err != nil {
		return "", err
	}
	if tok.Kind() != '"' {
		return "", r.wrongType(text, tok)
	}
	return tok.String(), nil
}

// raw reads any value within the limits and gives its bytes as written.
func (r *reader) raw() ([]byte, error) {
	start := r.start()
	_, err := r.value()
	if err != nil {
		return nil, err
	}
	return r.doc[start:r.dec.InputOffset()], nil
}

// start is the offset at which the next value begins.
func (r *reader) start() int {
	r.dec.PeekKind()
	at := int(r.dec.InputOffset())
	for at < len(r.doc) && strings.IndexByte(" \t\r\n,:", r.doc[at]) >= 0 {
		at++
	}
	return at
}

// value reads any value within the limits.
func (r *reader) value() (value, error) {
	switch r.dec.PeekKind() {
	case '{':
		return r.objectValue()
	case '[':
		return r.listValue()
	}
	tok, err := r.next()
	if err != nil {
		return value{}, err
	}
	return scalar(tok), nil
}

// rule reads a value that is a rule, or part of one.
func (r *reader) rule() (value, error) {
	r.inRule, r.nodes = true, 0
	v, err := r.value()
	r.inRule = false
	return v, err
}

// countNode counts an object or a list towards the rule's limit.
func (r *reader) countNode() error {
	if r.nodes++; r.inRule && r.nodes > r.limits.RuleNodes {
		return r.limit("rule nodes", r.limits.RuleNodes)
	}
	return nil
}

func (r *reader) objectValue() (value, error) {
	if err := r.countNode(); err != nil {
		return value{}, err
	}
	b := &box{names: []string{}}
	err := r.object(r.limits.List, "members of one object", func(name string) error {
		v, err := r.value()
		b.names = append(b.names, name)
		b.items = append(b.items, v)
		return err
	})
	return value{kind: object, box: b}, err
}

func (r *reader) listValue() (value, error) {
	if err := r.countNode(); err != nil {
		return value{}, err
	}
	b := &box{}
	err := r.list(r.limits.List, "elements of one list", func(int) error {
		v, err := r.value()
		b.items = append(b.items, v)
		return err
	})
	return value{kind: list, box: b}, err
}

func scalar(tok jsontext.Token) value {
	switch tok.Kind() {
	case 't', 'f':
		return boolValue(tok.Bool())
	case '"':
		return textValue(tok.String())
	case '0':
		n, _ := strconv.ParseFloat(tok.String(), 64)
		return numberValue(n)
	default:
		return value{}
	}
}

// end refuses anything after the document.
func (r *reader) end() error {
	at := r.start()
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return r.at(at, "", "more follows after the end of the document",
			"a document is one JSON object and nothing after it")
	}
	return nil
}

func kindOf(k jsontext.Kind) kind {
	switch k {
	case 't', 'f':
		return boolean
	case '0':
		return number
	case '"':
		return text
	case '[':
		return list
	case '{':
		return object
	default:
		return null
	}
}
