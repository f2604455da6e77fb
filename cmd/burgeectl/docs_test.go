package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval/lint"
)

// What docs/flags.md shows for a flag is one that nothing is wrong with.
func TestTheExampleOfTheDocs(t *testing.T) {
	raw, err := os.ReadFile("../../docs/flags.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "```yaml\n")
	text, _, ended := strings.Cut(text, "```")
	if !found || !ended {
		t.Fatal("docs/flags.md has no YAML")
	}
	name := filepath.Join(t.TempDir(), "flags.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := checkFlags(name, noon, lint.Require)
	if err != nil || len(file.warnings) > 0 {
		t.Errorf("%v; %+v", err, file)
	}
}
