package eval

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// quotedLimit is how much of a foreign text a message repeats.
const quotedLimit = 60

// refuse makes the error for the value that was read last.
func (r *reader) refuse(message, hint string) *ParseError {
	return r.at(r.last, dotted(r.dec.StackPointer()), message, hint)
}

func (r *reader) at(offset int, path, message, hint string) *ParseError {
	line, column := position(r.doc, offset)
	return &ParseError{Path: path, Line: line, Column: column, Message: message, Hint: hint}
}

func (r *reader) wrongType(want kind, got jsontext.Token) *ParseError {
	return r.refuse(fmt.Sprintf("must be %s, not %s", want, kindOf(got.Kind())), "")
}

func (r *reader) limit(what string, limit int) *ParseError {
	e := r.refuse(fmt.Sprintf("%s: more than the limit of %d", what, limit), "")
	e.Limit = true
	return e
}

// syntax puts the decoder's complaints into our words.
func (r *reader) syntax(err error) *ParseError {
	var syntactic *jsontext.SyntacticError
	if !errors.As(err, &syntactic) {
		if errors.Is(err, io.EOF) {
			return r.at(len(r.doc), "", "the document is empty", "a document is a JSON object with the member flags")
		}
		return r.refuse(err.Error(), "")
	}
	path, message, hint := syntactic.JSONPointer, syntactic.Err.Error(), ""
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		message = fmt.Sprintf("duplicate key %q", shorten(path.LastToken()))
		hint = "readers disagree on which of the two counts: keep one"
		path = path.Parent()
	case errors.Is(err, io.ErrUnexpectedEOF):
		message = "the document ends too early"
	}
	return r.at(int(syntactic.ByteOffset), dotted(path), message, hint)
}

// namedLimit is how many names a message lists.
const namedLimit = 10

// listed quotes names for a message, as many as it can bear: a document may have megabytes of them.
func listed(names []string) string {
	some := make([]string, min(len(names), namedLimit))
	for i := range some {
		some[i] = shorten(names[i])
	}
	if more := len(names) - len(some); more > 0 {
		return fmt.Sprintf("%q and %d more", some, more)
	}
	return fmt.Sprintf("%q", some)
}

func shorten(s string) string {
	if len(s) <= quotedLimit {
		return s
	}
	return s[:quotedLimit] + "…"
}
