package client_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/client.md is what people copy: its program compiles, and its other pieces are lines of examples that do.
func TestTheDocumentCompiles(t *testing.T) {
	page, err := os.ReadFile("../../docs/client.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	examples := flat(string(text))
	pieces := regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(page), -1)
	programs := 0
	for _, m := range pieces {
		switch piece := m[1]; {
		case strings.Contains(piece, "package main"):
			programs++
			wantVetted(t, piece)
		case !strings.Contains(examples, flat(piece)):
			t.Errorf("docs/client.md has a piece that no example has:\n%s", piece)
		}
	}
	if programs != 1 || len(pieces) < 6 {
		t.Errorf("docs/client.md has %d pieces, %d of them programs; was it cut?", len(pieces), programs)
	}
}

// flat is code without the indentation and the empty lines that depend on where it stands.
func flat(code string) string {
	var lines strings.Builder
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			lines.WriteString(line + "\n")
		}
	}
	return lines.String()
}

func wantVetted(t *testing.T, program string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "main.go")
	if err := os.WriteFile(path, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "vet", path).CombinedOutput(); err != nil {
		t.Errorf("the program in docs/client.md: %v\n%s", err, out)
	}
	if out, err := exec.Command("gofmt", "-l", path).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("the program in docs/client.md is not formatted: %v %s", err, out)
	}
}
