package eval

import (
	"bytes"
	"fmt"
)

// escape is how many bytes one of a string may be written with, as in \u0041.
const escape = 6

// refuseOverlong finds a string that no way of writing it brings within the limit, before the decoder sees it, which would copy a name as
// long as a document. The rest are measured where they are read.
func refuseOverlong(doc []byte, limit int) error {
	for at := 0; ; {
		quote := bytes.IndexByte(doc[at:], '"')
		if quote < 0 {
			return nil
		}
		begin := at + quote + 1
		end := closing(doc, begin)
		if n := end - begin; n > escape*limit {
			line, column := position(doc, begin-1)
			return &ParseError{
				Line: line, Column: column, Limit: true,
				Message: fmt.Sprintf("a string of %d bytes, as it is written: more than the limit of %d", n, limit),
			}
		}
		at = min(end+1, len(doc))
	}
}

// closing gives where the string that begins there is closed, or the end of the document.
func closing(doc []byte, begin int) int {
	for at := begin; ; {
		quote := bytes.IndexByte(doc[at:], '"')
		if quote < 0 {
			return len(doc)
		}
		at += quote
		slashes := 0
		for doc[at-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return at
		}
		at++
	}
}
