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
	values int  // names and values of the flag, or of the evaluators, so far
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
	if tok.Kind() == '}' || tok.Kind() == ']' {
		return tok, nil
	}
	if r.values++; r.values > r.limits.Values {
		return tok, r.limit("names and values of one flag, or of all evaluators", r.limits.Values)
	}
	switch tok.Kind() {
	case '{', '[':
		if r.dec.StackDepth() > r.limits.Depth {
			return tok, r.limit("nesting", r.limits.Depth)
		}
	case '"':
		return tok, r.checkText(tok)
	case '0':
		return tok, r.checkNumber()
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
		if err := member(r.content(name)); err != nil {
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
	return r.content(tok), nil
}

// textOrNull reads past a string or null.
func (r *reader) textOrNull() error {
	if r.dec.PeekKind() == 'n' {
		_, err := r.next()
		return err
	}
	_, err := r.text()
	return err
}

// written is the token that was read last, as it stands in the document.
func (r *reader) written() []byte { return r.doc[r.last:r.dec.InputOffset()] }

// content gives what a string token says: a view of the document unless it holds escapes.
func (r *reader) content(tok jsontext.Token) string {
	if raw := r.written(); bytes.IndexByte(raw, '\\') < 0 {
		return viewText(raw[1 : len(raw)-1])
	}
	return tok.String()
}

func (r *reader) checkText(tok jsontext.Token) error {
	if len(r.written())-2 <= r.limits.String { // escapes only shorten
		return nil
	}
	if n := len(r.content(tok)); n > r.limits.String { // without a copy: the text may be as long as the document
		return r.limit(fmt.Sprintf("a string of %d bytes", n), r.limits.String)
	}
	return nil
}

func (r *reader) checkNumber() error {
	if _, err := strconv.ParseFloat(viewText(r.written()), 64); err != nil {
		return r.refuse("the number "+shorten(string(r.written()))+" is beyond a 64-bit float", "")
	}
	return nil
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

// skip reads past any value, within the limits.
func (r *reader) skip() error {
	switch r.dec.PeekKind() {
	case '{':
		return r.skipObject()
	case '[':
		return r.skipList()
	default:
		_, err := r.next()
		return err
	}
}

// rule reads past a value that is a rule, and tells whether it may refer to an evaluator.
func (r *reader) rule() (refers bool, err error) {
	start := r.start()
	r.inRule, r.nodes = true, 0
	err = r.skip()
	r.inRule = false
	if err != nil {
		return false, err
	}
	raw := r.doc[start:r.dec.InputOffset()]
	return bytes.Contains(raw, []byte(`$ref`)) || bytes.Contains(raw, []byte(`\u`)), nil
}

// countNode counts an object or a list towards the rule's limit.
func (r *reader) countNode() error {
	if r.nodes++; r.inRule && r.nodes > r.limits.RuleNodes {
		return r.limit("rule nodes", r.limits.RuleNodes)
	}
	return nil
}

func (r *reader) skipObject() error {
	if err := r.countNode(); err != nil {
		return err
	}
	return r.object(r.limits.List, "members of one object", func(string) error { return r.skip() })
}

func (r *reader) skipList() error {
	if err := r.countNode(); err != nil {
		return err
	}
	return r.list(r.limits.List, "elements of one list", func(int) error { return r.skip() })
}

// section reads a named entry of the document by the given way of reading, and keeps its text.
func (r *reader) section(name string, read func() error) (section, error) {
	start, k := r.start(), kindOf(r.dec.PeekKind())
	if err := read(); err != nil {
		return section{}, err
	}
	return section{name: name, raw: r.doc[start:r.dec.InputOffset()], kind: k}, nil
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
