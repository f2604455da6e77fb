package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/store"
)

// screen is a terminal of 60 columns that keeps what is written to it.
type screen struct{ bytes.Buffer }

func (*screen) columns() int { return 60 }

func TestLinesAreShownByWhatTheyBeginWith(t *testing.T) {
	var out screen
	p, finish := painted(&out, func(string) string { return "" })
	for _, piece := range []string{"+ a", "dded\n- removed\n~ changed\n", "  added x\n", "burgeectl: no\nhint: try\n", "as - it + comes\n", "  ad", "ded"} {
		if n, err := io.WriteString(p, piece); n != len(piece) || err != nil {
			t.Errorf("wrote %d of %q: %v", n, piece, err)
		}
	}
	finish()
	want := "\x1b[32m+ added\x1b[0m\n\x1b[31m- removed\x1b[0m\n\x1b[33m~ changed\x1b[0m\n\x1b[32m  added x\x1b[0m\n" +
		"\x1b[31mburgeectl: no\x1b[0m\n\x1b[2mhint: try\x1b[0m\nas - it + comes\n  added"
	if out.String() != want {
		t.Errorf("got\n%q\nwant\n%q", out.String(), want)
	}
}

// runOn runs a command line on that terminal, or beside it.
func runOn(t *testing.T, stdout, stderr io.Writer, env map[string]string, args ...string) int {
	t.Helper()
	return run(t.Context(), args, &world{stdout, stderr, func(name string) string { return env[name] }, time.Now, store.Open})
}

func TestStylesAreForTerminalsAlone(t *testing.T) {
	flags := filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(flags, []byte(`{"flags": {"a": {"variants": {"on": true}, "defaultVariant": "on"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	publish := func(stdout, stderr io.Writer, env map[string]string, more ...string) {
		t.Helper()
		args := append([]string{"publish", flags, "--contract", "off", "--message", "m", "--author", "ana", "--allow-unsigned", "--dry-run", "--environment", "e"}, more...)
		if code := runOn(t, stdout, stderr, env, append(args, "--store", "file://"+t.TempDir())...); code != exitGood {
			t.Fatalf("exit code %d", code)
		}
	}
	var file, colours, none, dumb, json, problems screen
	publish(&file.Buffer, io.Discard, nil)
	publish(&colours, io.Discard, nil)
	publish(&none, io.Discard, map[string]string{"NO_COLOR": "1"})
	publish(&dumb, io.Discard, map[string]string{"TERM": "dumb"})
	publish(&json, io.Discard, nil, "--output", "json")
	if !strings.Contains(colours.String(), "\n\x1b[32m  added a\x1b[0m\n") {
		t.Errorf("on a terminal:\n%q", colours.String())
	}
	for what, got := range map[string]string{"in a file": file.String(), "with NO_COLOR": none.String(), "on a dumb terminal": dumb.String(), "as JSON": json.String()} {
		if strings.Contains(got, "\x1b") || !strings.Contains(got, "added") {
			t.Errorf("%s:\n%q", what, got)
		}
	}
	if code := runOn(t, io.Discard, &problems, nil, "nope"); code != exitUsage ||
		problems.String() != "\x1b[31mburgeectl: unexpected argument nope\x1b[0m\n\x1b[2mhint: burgeectl --help shows every verb and flag\x1b[0m\n" {
		t.Errorf("exit code %d:\n%q", code, problems.String())
	}
}

// What a store holds has no part in styles: no line break of its own begins a line, and no escape reaches the terminal.
func TestTextFromAStoreGetsNoStyle(t *testing.T) {
	for _, text := range []string{"x\n+ y", "x\r- y", "\x1b[32mx", "x\u2028hint: y"} {
		var out screen
		p, finish := painted(&out, func(string) string { return "" })
		if err := (table{{"message", text}}).print(p); err != nil {
			t.Fatal(err)
		}
		finish()
		if strings.Contains(out.String(), "\x1b") || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("%q is shown as %q", text, out.String())
		}
	}
}

func TestShorten(t *testing.T) {
	for text, want := range map[string]string{"": "", "1234567890": "1234567890", "12345678901": "1234…78901", "äöüß€äöüß€ä": "äöüß…öüß€ä"} {
		if got := shorten(text, 10); got != want {
			t.Errorf("%q is shortened to %q; want %q", text, got, want)
		}
	}
}
