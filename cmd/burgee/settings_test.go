package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	declaration "github.com/burgeehq/burgee/cmd/internal/settings"
)

// program is one of the two that the binary is: how it is called, and its settings as it knows them.
type program struct {
	words    []string
	prefix   string
	declared []declaration.Setting
	table    string // how its table in docs/operations.md begins
}

var programs = []program{
	{nil, "BURGEE", declaration.Of("BURGEE", &settings{}), "| flag | variable | default |"},
	{[]string{injectWord}, "BURGEE_INJECT", declaration.Of("BURGEE_INJECT", &injectSettings{}), "| flag of `inject` | variable | default |"},
}

// variableOf is what the environment calls a flag.
func (p program) variableOf(flag string) string {
	return p.prefix + "_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// help is what it says of itself.
func (p program) help(t *testing.T) string {
	t.Helper()
	var out, problems bytes.Buffer
	if code := run(t.Context(), append(slices.Clone(p.words), "--help"), &out, &problems); code != exitGood || problems.Len() > 0 {
		t.Fatalf("%s --help: exit code %d, %s", p.words, code, &problems)
	}
	return out.String()
}

func TestEverySettingHasItsVariable(t *testing.T) {
	for _, p := range programs {
		for _, flag := range p.declared {
			if want := p.variableOf(flag.Name); flag.Variable != want {
				t.Errorf("--%s is set by %q; want %s", flag.Name, flag.Variable, want)
			}
		}
	}
}

func TestHelpShowsEverySetting(t *testing.T) {
	for _, p := range programs {
		text := strings.Join(strings.Fields(p.help(t)), " ")
		for _, flag := range p.declared {
			if !strings.Contains(text, " --"+flag.Name) || !strings.Contains(text, "($"+flag.Variable+")") {
				t.Errorf("--help does not show --%s with %s", flag.Name, flag.Variable)
			}
			if !strings.Contains(text, flag.Default) {
				t.Errorf("--help does not show the default %q of --%s", flag.Default, flag.Name)
			}
		}
	}
}

// Two headings alike would have a reader look for a setting under the wrong one.
func TestHelpHasEachHeadingOnce(t *testing.T) {
	for _, p := range programs {
		seen := map[string]bool{}
		for line := range strings.Lines(p.help(t)) {
			title := strings.TrimRight(line, ":\n")
			if strings.ContainsAny(title, " ") || title == "" {
				continue
			}
			if seen[title] {
				t.Errorf("--help has the heading %q twice", title)
			}
			seen[title] = true
		}
		if !seen["Listeners"] || !seen["About"] {
			t.Errorf("headings %v; want those of the settings, and the one of --help itself", seen)
		}
	}
}

// documented is a row of the table of settings.
type documented struct{ flag, variable, fallback string }

// rows reads the program's table of settings out of docs/operations.md.
func (p program) rows(t *testing.T) []documented {
	t.Helper()
	name := filepath.Join("..", "..", "docs", "operations.md")
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatalf("the table of settings cannot be read: %v", err)
	}
	_, table, found := strings.Cut(string(text), p.table)
	if !found {
		t.Fatalf("%s has no table that begins %s", name, p.table)
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
	for _, p := range programs {
		want := map[string]documented{}
		for _, flag := range p.declared {
			want["--"+flag.Name] = documented{"--" + flag.Name, p.variableOf(flag.Name), flag.Default}
		}
		for _, row := range p.rows(t) {
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
