package sidecar

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestDevelopmentFollowsTheFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "flags.yaml")
		write := func(text string) {
			t.Helper()
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * lookEvery)
		}
		write("flags:\n  a: {state: ENABLED, variants: {it: 1.0}, defaultVariant: it}\n")
		s, err := New(Config{FlagsFile: path})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		defer group.Wait()
		defer cancel()
		if err := s.prepare(ctx, &group); err != nil {
			t.Fatal(err)
		}
		expect := func(value, revision string, rejected bool) {
			t.Helper()
			ctx := call(s.evaluation(), "POST", flagsPath+"/a", "")
			if got := string(ctx.Response.Body()); !strings.Contains(got, `"value":`+value+`,`) || string(ctx.Response.Header.Peek("Burgee-Revision")) != revision {
				t.Errorf("%s at revision %s; want value %s at %s", got, ctx.Response.Header.Peek("Burgee-Revision"), value, revision)
			}
			if st := s.Status(time.Now()); (st.Rejected != nil) != rejected || st.Behind != rejected || st.Mode != "development" {
				t.Errorf("mode %s, rejected %+v; want rejected %v", st.Mode, st.Rejected, rejected)
			}
		}
		expect("1.0", "1", false)
		write("flags:\n  a: {state: ENABLED, variants: {it: 2}, defaultVariant: it}\n")
		expect("2", "2", false)
		write("flags: [")
		expect("2", "2", true)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * lookEvery)
		expect("2", "2", false) // what cannot be read holds nothing to reject
		if st := s.Status(time.Now()); st.Sync.LastError == nil || st.Sync.LastError.Kind != "unreadable" {
			t.Errorf("last error %+v without a file; want it unreadable", st.Sync.LastError)
		}
		time.Sleep(2 * time.Minute)
		if st := s.Status(time.Now()); st.Freshness != freshStale {
			t.Errorf("%s two minutes without a file; want %s", st.Freshness, freshStale)
		}
		const third = "flags:\n  a: {state: ENABLED, variants: {it: 3}, defaultVariant: it}\n"
		if err := os.WriteFile(path, []byte(third), 0o600); err != nil {
			t.Fatal(err)
		}
		for range 6 { // looks that do not agree yet say nothing of what was refused before
			time.Sleep(lookEvery / 2)
			if st := s.Status(time.Now()); st.Rejected != nil {
				t.Errorf("rejected %+v, which is no longer in the file", st.Rejected)
			}
		}
		expect("3", "3", false)
	})
}

func TestDevelopmentWithoutAFileIsRefused(t *testing.T) {
	for name, text := range map[string]string{"absent.json": "", "broken.json": "{"} {
		path := filepath.Join(t.TempDir(), name)
		if text != "" {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		s, err := New(Config{FlagsFile: path, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Run(t.Context()); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v; want the file named", err)
		}
	}
}

// A file is looked at at its own pace, whatever that of a store would be: while it is there and good, nothing is stale, though it changes.
func TestAFileIsNotStaleBetweenTwoLooks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(path, []byte(numbered(1)), 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		s, err := New(Config{FlagsFile: path, Poll: 100 * time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{Sidecar: s, answer: s.evaluation(), cancel: func() {}, group: &sync.WaitGroup{}}
		r.start(t)
		defer r.stop()
		for step := range 100 {
			if step == 50 {
				if err := os.WriteFile(path, []byte(numbered(2)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(50 * time.Millisecond)
			if got := r.ask(t); got.Metadata["burgee.staleSince"] != nil {
				t.Fatalf("after %v: %+v", time.Duration(step+1)*50*time.Millisecond, got)
			}
		}
	})
}
