package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	declaration "github.com/burgeehq/burgee/cmd/internal/settings"
)

// declared are the settings, as the program knows them.
func declared() []declaration.Setting { return declaration.Of("BURGEE", &settings{}) }

// variable is what the environment calls a flag.
func variableOf(flag string) string {
	return "BURGEE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func TestEverySettingHasItsVariable(t *testing.T) {
	for _, flag := range declared() {
		if want := variableOf(flag.Name); flag.Variable != want {
			t.Errorf("--%s is set by %q; want %s", flag.Name, flag.Variable, want)
		}
	}
}

func TestHelpShowsEverySetting(t *testing.T) {
	var out bytes.Buffer
	if stop, err := parse(&settings{}, []string{"--help"}, &out); !stop || err != nil {
		t.Fatalf("--help: stop %v, error %v; want to stop", stop, err)
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	for _, flag := range declared() {
		if !strings.Contains(text, " --"+flag.Name) || !strings.Contains(text, "($"+variableOf(flag.Name)+")") {
			t.Errorf("--help does not show --%s with %s", flag.Name, variableOf(flag.Name))
		}
		if !strings.Contains(text, flag.Default) {
			t.Errorf("--help does not show the default %q of --%s", flag.Default, flag.Name)
		}
	}
}

// Two headings alike would have a reader look for a setting under the wrong one.
func TestHelpHasEachHeadingOnce(t *testing.T) {
	var out bytes.Buffer
	if _, err := parse(&settings{}, []string{"--help"}, &out); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(out.String()) {
		title := strings.TrimRight(line, ":\n")
		if strings.ContainsAny(title, " ") || title == "" {
			continue
		}
		if seen[title] {
			t.Errorf("--help has the heading %q twice", title)
		}
		seen[title] = true
	}
	if !seen["Trust"] || !seen["About"] {
		t.Errorf("headings %v; want those of the settings, and the one of --help itself", seen)
	}
}

// documented is a row of the table of settings.
type documented struct{ flag, variable, fallback string }

// rows reads the table of settings out of docs/operations.md: the one that begins | flag | variable | default |.
func rows(t *testing.T) []documented {
	t.Helper()
	name := filepath.Join("..", "..", "docs", "operations.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("the table of settings cannot be read: %v", err)
	}
	_, table, found := strings.Cut(string(text), "| flag | variable | default |")
	if !found {
		t.Fatalf("%s has no table that begins | flag | variable | default |", name)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var all []documented
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 || !strings.Contains(cells[1], "`--") {
			continue
		}
		all = append(all, documented{bare(cells[1]), bare(cells[2]), bare(cells[3])})
	}
	return all
}

func bare(cell string) string { return strings.Trim(cell, " `") }

func TestTheTableOfSettingsIsTheCode(t *testing.T) {
	want := map[string]documented{}
	for _, flag := range declared() {
		want["--"+flag.Name] = documented{"--" + flag.Name, variableOf(flag.Name), flag.Default}
	}
	for _, row := range rows(t) {
		setting, known := want[row.flag]
		switch {
		case !known:
			t.Errorf("docs/operations.md lists %s twice, or it is no setting", row.flag)
		case row != setting:
			t.Errorf("docs/operations.md says %q; the code says %q", row, setting)
		}
		delete(want, row.flag)
	}
	for flag := range want {
		t.Errorf("docs/operations.md does not list %s", flag)
	}
}

// What is typed wins over what is exported, also where the two exclude each other.
func TestATypedSourceWins(t *testing.T) {
	t.Setenv("BURGEE_STORE", "file:///store")
	t.Setenv("BURGEE_ENVIRONMENT", "shop/test")
	for _, row := range []struct {
		args         []string
		store, flags string
	}{
		{nil, "file:///store", ""},
		{[]string{"--flags", "f.json"}, "", "f.json"},
		{[]string{"--flags=f.json", "--store=file:///other"}, "file:///other", "f.json"},
	} {
		var s settings
		if _, err := parse(&s, row.args, io.Discard); err != nil || s.Store != row.store || s.Flags != row.flags {
			t.Errorf("%v: store %q, flags %q (%v); want %q and %q", row.args, s.Store, s.Flags, err, row.store, row.flags)
		}
	}
}
