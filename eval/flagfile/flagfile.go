// Package flagfile reads flag files the way people write them, JSON or YAML,
// and gives JSON. Number tokens survive: 1.0 stays 1.0.
//
// It does no I/O and knows nothing of flags: what the JSON means is eval's to say.
package flagfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The limits of a YAML file, counted with every alias followed, so that a few
// lines cannot grow into a file that fills the memory.
const (
	MaxDepth  = 64       // mappings and sequences inside each other
	MaxValues = 500_000  // keys and values
	MaxSize   = 16 << 20 // bytes of the JSON
)

// Error says where a YAML file cannot be read.
type Error struct {
	Line    int // from 1; of a fault of syntax it may be the one before
	Column  int
	Message string
}

// Error names the place in front of the message.
func (e *Error) Error() string {
	return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
}

func errorAt(n *yaml.Node, format string, args ...any) *Error {
	return &Error{Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

// byteOrderMark is what some editors put before UTF-8.
const byteOrderMark = "\uFEFF"

// JSON gives a flag file as JSON. A file whose name ends in .yaml or .yml is
// converted; any other is taken for JSON and returned as it is, unread, but for
// a byte order mark.
func JSON(name string, raw []byte) ([]byte, error) {
	raw = bytes.TrimPrefix(raw, []byte(byteOrderMark))
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml":
		return fromYAML(raw)
	default:
		return raw, nil
	}
}

func fromYAML(raw []byte) ([]byte, error) {
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	var doc yaml.Node
	switch err := dec.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, &Error{Line: 1, Column: 1, Message: "the file is empty"}
	case err != nil:
		return nil, syntaxError(raw, err)
	}
	if err := onlyDocument(raw, dec); err != nil {
		return nil, err
	}
	var c converter
	if err := c.value(&doc); err != nil {
		return nil, err
	}
	return c.out, nil
}

func onlyDocument(raw []byte, dec *yaml.Decoder) error {
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return syntaxError(raw, err)
	default:
		return errorAt(&second, "a second document begins; a flag file holds one")
	}
}

// named is how the parser names a line in front of its words.
var named = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxError keeps the parser's words. It knows but the line, which may be the one before where it stopped reading; a tab that indents is
// what it stops at most often, and names least.
func syntaxError(raw []byte, err error) *Error {
	found := named.FindStringSubmatch(err.Error())
	bad := &Error{Line: 1, Column: 1, Message: strings.TrimPrefix(err.Error(), found[0])}
	if line, err := strconv.Atoi(found[1]); err == nil {
		bad.Line = line
	}
	at := 0
	for text := range bytes.Lines(raw) {
		at++
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if tab := bytes.IndexByte(indent, '\t'); tab >= 0 && at >= bad.Line-1 && at <= bad.Line+1 {
			return &Error{Line: at, Column: tab + 1, Message: "a tab indents this line; YAML takes spaces alone"}
		}
	}
	return bad
}
