package main

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// slow is a store whose answers take a while.
type slow struct {
	object.Store // none: what is not asked for here fails
	takes        time.Duration
	name         string
}

func (s slow) Get(context.Context, string, string, int64) (object.Object, error) {
	time.Sleep(s.takes) // in a bubble
	return object.Object{}, nil
}

func (s slow) List(context.Context, string, string, int) ([]string, error) {
	time.Sleep(s.takes)
	return nil, nil
}

func (s slow) String() string { return s.name }

// waited gives what is written to stderr while a store takes so long for its answer.
func waited(t *testing.T, stderr io.Writer, env map[string]string, s slow) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := withProgress(s, &world{stderr: stderr, getenv: func(name string) string { return env[name] }})
		if _, err := p.Get(t.Context(), "manifest.json", "", 1); err != nil {
			t.Error(err)
		}
	})
}

func TestATerminalIsToldWhatIsWaitedFor(t *testing.T) {
	var quick, late screen
	waited(t, &quick, nil, slow{takes: 900 * time.Millisecond, name: "s3://flags"})
	if quick.Len() != 0 {
		t.Errorf("a quick store: %q", quick.String())
	}
	waited(t, &late, nil, slow{takes: 3500 * time.Millisecond, name: "s3://flags"})
	want := ""
	for _, seconds := range []string{"1", "2", "3"} {
		want += "\r\x1b[Kwaiting for s3://flags: reading manifest.json, " + seconds + " s"
	}
	if want += "\r\x1b[K"; late.String() != want {
		t.Errorf("a slow store: %q\nwant %q", late.String(), want)
	}
}

func TestALongLineStaysOnItsLine(t *testing.T) {
	var out screen
	waited(t, &out, nil, slow{takes: 1500 * time.Millisecond, name: "s3://\n\x1b[2J" + strings.Repeat("flags", 20)})
	line, _, _ := strings.Cut(strings.TrimPrefix(out.String(), "\r\x1b[K"), "\r")
	if n := len([]rune(line)); n != 59 || strings.ContainsAny(line, "\n\x1b") || !strings.HasSuffix(line, ", 1 s") {
		t.Errorf("%d characters on a terminal of 60: %q", n, line)
	}
}

// A log is told once for each call that takes long, in a line that stays; so is a terminal that can take nothing back.
func TestALogIsToldOnce(t *testing.T) {
	for what, row := range map[string]struct {
		out io.Writer
		env map[string]string
	}{
		"a log":           {&bytes.Buffer{}, nil},
		"a dumb terminal": {&screen{}, map[string]string{"TERM": "dumb"}},
	} {
		waited(t, row.out, row.env, slow{takes: 4900 * time.Millisecond, name: "s3://flags"})
		waited(t, row.out, row.env, slow{takes: 20 * time.Second, name: "s3://flags"})
		if got, want := row.out.(interface{ String() string }).String(), "waiting for s3://flags: reading manifest.json, 5 s\n"; got != want {
			t.Errorf("%s: %q; want %q", what, got, want)
		}
	}
}

// Of two calls at once, one has the line; the other one neither writes between nor waits for it.
func TestCallsAtOnceShareTheLine(t *testing.T) {
	var out screen
	synctest.Test(t, func(t *testing.T) {
		p := withProgress(slow{takes: 1500 * time.Millisecond, name: "s3://flags"}, &world{stderr: &out, getenv: func(string) string { return "" }})
		began, ended := time.Now(), make(chan error)
		for range 2 {
			go func() {
				_, err := p.List(t.Context(), "revisions/", "", 1)
				ended <- err
			}()
		}
		for range 2 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
		if took := time.Since(began); took != 1500*time.Millisecond {
			t.Errorf("two calls at once took %v", took)
		}
	})
	if want := "\r\x1b[Kwaiting for s3://flags: listing revisions/, 1 s\r\x1b[K"; out.String() != want {
		t.Errorf("%q; want %q", out.String(), want)
	}
}
