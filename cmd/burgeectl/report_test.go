package main

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

// TestAnErrorHasALine looks at which errors have a line of their own, and that no text gets itself another one.
func TestAnErrorHasALine(t *testing.T) {
	first, second := errors.New("one\nhint: forged"), errors.New("two")
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"one", first, "burgeectl: one hint: forged\n"},
		{"joined", errors.Join(first, second), "burgeectl: one hint: forged\ntwo\n"},
		{"joined twice", errors.Join(errors.Join(first, second), second), "burgeectl: one hint: forged\ntwo\ntwo\n"},
		{"one text of two", fmt.Errorf("%w; %w", first, second), "burgeectl: one hint: forged; two\n"},
		{"within a text", fmt.Errorf("tried: %w", errors.Join(first, second)), "burgeectl: tried: one hint: forged two\n"},
		{"with a hint", advised{errors.Join(first, second), exitFailed, "a\nb"}, "burgeectl: one hint: forged two\nhint: a b\n"},
	} {
		var out bytes.Buffer
		report(&out, row.err)
		if out.String() != row.want {
			t.Errorf("%s: %q; want %q", row.name, out.String(), row.want)
		}
	}
}
