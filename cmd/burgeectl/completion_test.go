package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// asked gives what a script is told that comes next: words, or "files".
func asked(t *testing.T, typed ...string) []string {
	t.Helper()
	var out bytes.Buffer
	if code := runOn(t, &out, &out, nil, append([]string{completing}, typed...)...); code != exitGood {
		t.Fatalf("exit code %d: %s", code, out.String())
	}
	lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	if lines[0] == "files" {
		return lines
	}
	var found []string
	for _, line := range lines[1:] {
		word, _, tab := strings.Cut(line, "\t")
		if !tab || lines[0] != "words" {
			t.Errorf("%q: the answer is\n%s", typed, out.String())
		}
		found = append(found, word)
	}
	return found
}

func TestCompletionKnowsWhatComesNext(t *testing.T) {
	for typed, want := range map[string][]string{
		"pub":                            {"publish"},
		"nothing-like-it":                nil,
		"help res":                       {"restore", "resign"},
		"help publish ":                  nil,
		"publish ":                       {"files"},
		"publish flags.json ":            nil,
		"publish --mess":                 {"--message"},
		"publish --message ":             nil, // whatever comes is the message
		"publish --message --outp":       nil,
		"publish --message x --outp":     {"--output"},
		"publish --message x flags.js":   {"files"},
		"publish --dry-run ":             {"files"}, // a flag without a value
		"publish --output ":              {"text", "json"},
		"publish --output j":             {"json"},
		"publish --output=j":             {"--output=json"},
		"publish --output = j":           {"json"}, // as bash has it
		"publish --output =":             {"text", "json"},
		"publish --output = json ":       {"files"},
		"publish --nope=j":               nil,
		"publish -- --out":               {"files"}, // the file of flags may have such a name
		"publish --key ":                 {"files"},
		"show --trust-key=":              nil, // no shell completes a file there
		"--output json sho":              {"show"},
		"completion ":                    {"bash", "zsh", "fish"},
		"completion zs":                  {"zsh"},
		"status --adm":                   {"--admin"},
		"status --admin 127.0.0.1:80 --": nil,
	} {
		got := asked(t, strings.Split(typed, " ")...)
		if strings.HasSuffix(typed, " --") { // every flag: its own first, then everybody's
			if len(got) != 4 || got[0] != "--admin" || !slices.Contains(got, "--help") || !slices.Contains(got, "--output") {
				t.Errorf("%q: %q", typed, got)
			}
			continue
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q; want %q", typed, got, want)
		}
	}
	if got := asked(t, ""); len(got) != len(verbs(t)) {
		t.Errorf("of %d verbs, %q are completed", len(verbs(t)), got)
	}
	if got := asked(t); got != nil {
		t.Errorf("without a word: %q", got)
	}
}

// A variable that no verb would take is no reason to complete nothing.
func TestCompletionMindsNoVariables(t *testing.T) {
	t.Setenv("BURGEE_OUTPUT", "nonsense")
	if got := asked(t, "pub"); !slices.Equal(got, []string{"publish"}) {
		t.Errorf("%q", got)
	}
}

// someFiles gives a folder with the names that files are completed from.
func someFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"my flags.json", "team.pub"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// shell gives the program, or skips the test.
func shell(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIP: no %s here: its script is not tested", name)
	}
	return path
}

// fish answers by itself what it would complete.
func TestFishCompletes(t *testing.T) {
	fish := shell(t, "fish")
	for line, want := range map[string]string{
		"burgeectl pub":                     "publish\tCheck flags, and make them the next revision.\n",
		"burgeectl show --output js":        "json\n",
		"burgeectl show --output=js":        "--output=json\n",
		"burgeectl publish my":              "my flags.json\n",
		"burgeectl show --trust-key team.p": "team.pub\n",
		"burgeectl publish --message ":      "",
	} {
		cmd := exec.Command(fish, "--no-config", "-c", "burgeectl completion fish | source; complete -C "+"'"+line+"'")
		cmd.Dir, cmd.Stderr = someFiles(t), os.Stderr
		cmd.Env = append(os.Environ(), "HOME="+t.TempDir())
		if got, err := cmd.Output(); err != nil || string(got) != want {
			t.Errorf("%s: %q (%v); want %q", line, got, err, want)
		}
	}
}
