package eval

import (
	"errors"
	"strings"
	"testing"
)

// A string that is far too long is refused by its place, and nothing else is, however quotes and escapes stand.
func TestRefuseOverlong(t *testing.T) {
	for doc, column := range map[string]int{
		``:                              0,
		`{"a":"123456789012345678"}`:    0,
		`{"a":"1234567890123456789"}`:   6,
		`{"1234567890123456789":1}`:     2,
		`{"a":"\\\\\\\\\\\\\\\\\\"}`:    0, // 18 bytes, and the quote that closes
		`{"a":"\"\"\"\"\"\"\"\"\""}`:    0,
		`{"a":"\"\"\"\"\"\"\"\"\"1"}`:   6,
		`{"a":"1","bb":"2","cc":"333"}`: 0,
		`"` + strings.Repeat("x", 19):   1, // not closed
		`"\`:                            0,
	} {
		err := refuseOverlong([]byte(doc), 3)
		bad := (*ParseError)(nil)
		if errors.As(err, &bad) != (column > 0) || column > 0 && (bad.Line != 1 || bad.Column != column || !bad.Limit) {
			t.Errorf("%s: %v; want column %d", doc, err, column)
		}
	}
}
