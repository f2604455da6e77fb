package eval

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// ParseError says where a document is wrong, what is wrong, and what to do.
type ParseError struct {
	Path    string // such as flags.checkout.variants; empty for the document itself
	Line    int    // from 1; 0 where no single place is to blame
	Column  int    // from 1, in bytes
	Message string
	Hint    string // the way out, where there is one to name
	Limit   bool   // a named limit was met; the message prints it
}

// Error gives path, message and position; the hint stands apart.
func (e *ParseError) Error() string {
	var b strings.Builder
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Message)
	if e.Line > 0 {
		fmt.Fprintf(&b, " (line %d, column %d)", e.Line, e.Column)
	}
	return b.String()
}

// position turns a byte offset into a line and a column, both from 1.
func position(doc []byte, offset int) (line, column int) {
	offset = min(max(offset, 0), len(doc))
	before := doc[:offset]
	line = bytes.Count(before, []byte("\n")) + 1
	return line, offset - (bytes.LastIndexByte(before, '\n') + 1) + 1
}

// dotted writes a JSON pointer the way our messages name places.
func dotted(pointer jsontext.Pointer) string {
	var path string
	for token := range pointer.Tokens() {
		path = JoinPath(path, shorten(token)) // a name may be as long as a document
	}
	return path
}

// JoinPath adds one step to a dotted path. A key that would read as more than
// one step is quoted.
func JoinPath(path, step string) string {
	switch {
	case isIndex(step) && path != "":
		return path + "[" + step + "]"
	case step == "" || strings.ContainsAny(step, ".[]\" \t\n"):
		return path + "[" + strconv.Quote(step) + "]"
	case path == "":
		return step
	}
	return path + "." + step
}

func isIndex(step string) bool {
	for _, r := range step {
		if r < '0' || r > '9' {
			return false
		}
	}
	return step != ""
}
