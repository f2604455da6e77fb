package client_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
)

func TestWhatIsNoTokenIsLeftOut(t *testing.T) {
	longest := strings.Repeat("x", 140)
	for _, row := range []struct{ name, list, want string }{
		{"nothing", "", ""},
		{"one", ours, ours},
		{"four", "a~b~c~d", "a~b~c~d"},
		{"a fifth", "a~b~c~d~e", "a~b~c~d"},
		{"twice the same", "a~b~a", "a~b"},
		{"gaps", "~a~~b~", "a~b"},
		{"the longest", longest, longest},
		{"too long", longest + "x~a", "a"},
		{"other letters", "a~b c~d\r\ne~ü~f=~g%41~h", "a~h"},
		{"separators alone", "~~~~", ""},
	} {
		if got := client.Parse(row.list).String(); got != row.want {
			t.Errorf("%s: Parse(%q) is %q; want %q", row.name, row.list, got, row.want)
		}
	}
}

func TestAContextCarriesASnapshotOrNone(t *testing.T) {
	if s, found := client.From(t.Context()); found || !s.IsZero() {
		t.Errorf("an empty context carries %q", s)
	}
	ctx := carrying(t, ours, theirs)
	if s, found := client.From(ctx); !found || s != client.Parse(ours+"~"+theirs) {
		t.Errorf("the context carries %q, %t; want what was put in", s, found)
	}
	if s, found := client.From(client.With(ctx, client.Snapshot{})); found {
		t.Errorf("after the zero Snapshot the context carries %q; want none", s)
	}
}

// Whatever comes, what goes on is a list that any sidecar may be sent, and reading it again changes nothing.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", ours, ours + "~" + theirs, "a~b~c~d~e", "~~", "\x00~a", strings.Repeat("x", 141)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, list string) {
		s := client.Parse(list)
		if err := checkList(s.String()); err != nil {
			t.Errorf("Parse(%q) is %q: %v", list, s, err)
		}
		if again := client.Parse(s.String()); again != s {
			t.Errorf("Parse(%q) is %q", s, again)
		}
	})
}

func checkList(list string) error {
	if list == "" {
		return nil
	}
	tokens := strings.Split(list, "~")
	if len(tokens) > 4 {
		return fmt.Errorf("%d tokens", len(tokens))
	}
	for _, token := range tokens {
		if token == "" || len(token) > 140 || strings.Trim(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") != "" {
			return fmt.Errorf("%q is no token", token)
		}
	}
	return nil
}
