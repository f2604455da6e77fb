package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// verbs gives every verb as kong has it.
func verbs(t *testing.T) []*kong.Node {
	t.Helper()
	parser, err := kong.New(&cli{}, kong.Vars{"version": version})
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Leaves(true)
}

// TestEveryVerbHasExamplesThatParse takes each example through a shell's rules for words, and then through the parser itself.
func TestEveryVerbHasExamplesThatParse(t *testing.T) {
	for _, verb := range verbs(t) {
		lines := examplesOf(verb)
		if len(lines) == 0 {
			t.Errorf("%s has no examples", verb.Name)
		}
		for _, line := range lines {
			args, err := words(line)
			if err != nil || len(args) < 2 || args[0] != "burgeectl" || args[1] != verb.Name {
				t.Errorf("example of %s: %q is no command of it: %v", verb.Name, line, err)
				continue
			}
			if parsed, err := parse(&cli{}, args[1:], &world{stdout: &bytes.Buffer{}}); err != nil || parsed == nil {
				t.Errorf("example of %s: %s: %v", verb.Name, line, err)
			}
		}
	}
}

func TestHelpEndsWithExamples(t *testing.T) {
	for _, verb := range verbs(t) {
		lines := examplesOf(verb)
		var out bytes.Buffer
		if _, err := parse(&cli{}, []string{verb.Name, "--help"}, &world{stdout: &out}); err != nil {
			t.Fatal(err)
		}
		if want := "\nExamples:\n  " + strings.Join(lines, "\n  ") + "\n"; !strings.HasSuffix(out.String(), want) {
			t.Errorf("the help of %s is\n%s\nand does not end with\n%s", verb.Name, out.String(), want)
		}
	}
}

// words splits a line as a shell does, as far as examples go: blanks between words, and single quotes around what holds some.
func words(line string) ([]string, error) {
	var all []string
	for line = strings.TrimLeft(line, " "); line != ""; line = strings.TrimLeft(line, " ") {
		end := strings.IndexByte(line+" ", ' ')
		if quoted, ok := strings.CutPrefix(line, "'"); ok {
			if end = strings.IndexByte(quoted, '\''); end < 0 {
				return nil, errors.New("a quote is not closed")
			}
			all, line = append(all, quoted[:end]), quoted[end+1:]
			continue
		}
		if strings.ContainsAny(line[:end], "\"'$`\\*?<>|&;") {
			return nil, fmt.Errorf("a shell would not take %s as it is", line[:end])
		}
		all, line = append(all, line[:end]), line[end:]
	}
	return all, nil
}
