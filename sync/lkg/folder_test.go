package lkg

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func entry(n int) Entry {
	return Entry{Manifest: fmt.Appendf(nil, "manifest %d", n), Bundle: fmt.Appendf(nil, "bundle %d", n)}
}

// encode gives a file as a whole.
func (e Entry) encode() []byte { return bytes.Join(e.parts(), nil) }

func open(t *testing.T, path string) *Folder {
	t.Helper()
	f := Open(path, nil)
	if err := f.Problem(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// loaded describes what a folder holds: "lkg.cur=2 lkg.prev=1".
func loaded(f *Folder) string {
	var parts []string
	for _, l := range f.Load() {
		what := "broken"
		if l.Err == nil {
			what = strings.TrimPrefix(string(l.Manifest), "manifest ")
			if want := strings.Replace(string(l.Manifest), "manifest", "bundle", 1); l.Name != headName && string(l.Bundle) != want {
				what += "(mixed)"
			}
		}
		parts = append(parts, l.Name+"="+what)
	}
	return strings.Join(parts, " ")
}

func TestSaveKeepsTheEntryBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	for n, want := range []string{"lkg.cur=0", "lkg.cur=1 lkg.prev=0", "lkg.cur=2 lkg.prev=1"} {
		if err := f.Save(entry(n)); err != nil {
			t.Fatal(err)
		}
		if got := loaded(f); got != want {
			t.Errorf("after %d: %s; want %s", n, got, want)
		}
		f.Proved()
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("folder has mode %v (%v); want 0700", info.Mode(), err)
	}
}

func TestANewHeadOverTheSameBundleKeepsThePreviousBundle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	same := Entry{Manifest: []byte("manifest 1"), Bundle: []byte("bundle 1")}
	for _, e := range []Entry{entry(0), same, {Manifest: []byte("manifest 1b"), Bundle: same.Bundle}} {
		if err := f.Save(e); err != nil {
			t.Fatal(err)
		}
	}
	_ = f.Close()
	f = open(t, path)
	all := f.Load()
	f.Took(all[0])
	if len(all) != 2 || string(all[0].Manifest) != "manifest 1b" || string(all[1].Manifest) != "manifest 0" {
		t.Errorf("loaded %s; want manifest 1b, before it 0", loaded(f))
	}
	if err := f.Save(Entry{Manifest: []byte("manifest 1c"), Bundle: same.Bundle}); err != nil {
		t.Fatal(err)
	}
	if all := f.Load(); string(all[1].Manifest) != "manifest 0" {
		t.Errorf("after a restart a new head pushed out the previous bundle: %s", loaded(f))
	}
}

// Bad bundles in a row do not push out the last one that proved itself, whether it did so in this process or before.
func TestOnlyWhatProvedItselfIsFallenBackTo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	save := func(n int, want string) {
		t.Helper()
		if err := f.Save(entry(n)); err != nil {
			t.Fatal(err)
		}
		if got := loaded(f); got != want {
			t.Errorf("after %d: %s; want %s", n, got, want)
		}
	}
	save(0, "lkg.cur=0")
	save(1, "lkg.cur=1 lkg.prev=0") // nothing better is there
	save(2, "lkg.cur=2 lkg.prev=0")
	f.Proved()
	save(3, "lkg.cur=3 lkg.prev=2")
	save(4, "lkg.cur=4 lkg.prev=2")
	save(5, "lkg.cur=5 lkg.prev=2")
	_ = f.Close()
	f = open(t, path)
	f.Took(f.Load()[0])
	f.Proved()
	save(6, "lkg.cur=6 lkg.prev=5")
}

func TestTrialsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	want := Trials{"sha256:a": 2, "sha256:b": 1}
	if err := f.SaveTrials(want); err != nil || len(f.Trials()) != 2 {
		t.Fatal(err)
	}
	_ = f.Close()
	f = open(t, path)
	if got := f.Trials(); !maps.Equal(got, want) {
		t.Errorf("the folder holds %v; want %v", got, want)
	}
	whole := want.encode()
	for i := range whole {
		for what, data := range map[string][]byte{"cut": whole[:i], "zeroed": append(bytes.Clone(whole[:i]), make([]byte, len(whole)-i)...)} {
			if got := decodeTrials(data); got != nil {
				t.Errorf("%s after %d bytes it tells of %v; want nothing", what, i, got)
			}
		}
	}
}

func TestHeadsAndConfirmationsAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	at := time.Date(2026, 3, 4, 5, 6, 7, 89, time.UTC)
	if got, _ := f.Confirmed(); !got.IsZero() {
		t.Errorf("a new folder was confirmed at %v", got)
	}
	if err := errors.Join(f.SaveHead([]byte("manifest 9")), f.SaveConfirmed(at, "sha256:8"), f.Save(entry(8))); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	f = open(t, path)
	if got := loaded(f); got != "lkg.head=9 lkg.cur=8" {
		t.Errorf("loaded %s", got)
	}
	if got, state := f.Confirmed(); !got.Equal(at) || state != "sha256:8" {
		t.Errorf("%s confirmed at %v; want sha256:8 at %v", state, got, at)
	}
}

// A process that stops at any step, or a disk that fails at any, leaves the old entry or the new one, and a folder that can be saved to.
func TestAStopAtAnyStepLeavesOldOrNew(t *testing.T) {
	for _, kind := range []string{"stop", "fault"} {
		for stopAt := 1; ; stopAt++ {
			path := filepath.Join(t.TempDir(), "state")
			f := open(t, path)
			if err := errors.Join(f.Save(entry(0)), f.Save(entry(1))); err != nil {
				t.Fatal(err)
			}
			f.Proved()
			steps := 0
			f.disk.before = func(string, string) error {
				if steps++; steps == stopAt || kind == "stop" && steps > stopAt {
					return syscall.ENOSPC
				}
				return nil
			}
			err := f.Save(entry(2))
			if steps < stopAt {
				break
			}
			_ = f.Close()
			f = open(t, path)
			f.Took(f.Load()[0])
			got := loaded(f)
			switch got {
			case "lkg.cur=1 lkg.prev=0", "lkg.cur=1 lkg.prev=1", "lkg.cur=2 lkg.prev=1":
			default:
				t.Errorf("%s at step %d: %s", kind, stopAt, got)
			}
			if err == nil && got != "lkg.cur=2 lkg.prev=1" {
				t.Errorf("%s at step %d: saved, but %s", kind, stopAt, got)
			}
			if err := f.Save(entry(3)); err != nil || !strings.HasPrefix(loaded(f), "lkg.cur=3") {
				t.Errorf("%s at step %d: the next save gave %v and %s", kind, stopAt, err, loaded(f))
			}
			if names, err := f.disk.names(-1); err != nil || len(names) != 3 {
				t.Errorf("%s at step %d: left %v (%v)", kind, stopAt, names, err)
			}
		}
	}
}

// A current file that is damaged, or that nobody trusted, does not push out the previous one, wherever a save stops.
func TestADamagedCurrentFileIsNotKept(t *testing.T) {
	for stopAt := 1; ; stopAt++ {
		path := filepath.Join(t.TempDir(), "state")
		f := open(t, path)
		if err := errors.Join(f.Save(entry(0)), f.Save(entry(1))); err != nil {
			t.Fatal(err)
		}
		f.Proved()
		_ = f.Close()
		if err := os.WriteFile(filepath.Join(path, currentName), []byte("rotten"), 0o600); err != nil {
			t.Fatal(err)
		}
		f = open(t, path)
		f.Took(f.Load()[1])
		steps := 0
		f.disk.before = func(string, string) error {
			if steps++; steps >= stopAt {
				return syscall.EIO
			}
			return nil
		}
		err := f.Save(entry(2))
		f.disk.before = nil
		if got := loaded(f); !strings.HasSuffix(got, "lkg.prev=0") {
			t.Errorf("a stop at step %d left %s; want the previous one kept", stopAt, got)
		}
		if err == nil {
			break
		}
	}
}

// Every bit flip and every truncation of a file with a bundle of 16 KiB is found by reading it. A file has one spelling, so none is without
// effect.
func TestEveryDamageIsFound(t *testing.T) {
	t.Parallel()
	stored := make([]byte, 16<<10)
	rand.NewChaCha8([32]byte{1}).Read(stored)
	whole := Entry{Manifest: bytes.Repeat([]byte("manifest "), 100), Bundle: stored}.encode()
	var group sync.WaitGroup
	parts := runtime.GOMAXPROCS(0)
	for part := range parts {
		group.Go(func() {
			flipped := bytes.Clone(whole)
			for at := part; at < len(whole); at += parts {
				if _, err := decode(whole[:at]); err == nil {
					t.Errorf("a file cut after %d bytes was read", at)
					return
				}
				for bit := range 8 {
					flipped[at] ^= 1 << bit
					if _, err := decode(flipped); err == nil {
						t.Errorf("a file with bit %d of byte %d flipped was read", bit, at)
						return // there would be thousands
					}
					flipped[at] ^= 1 << bit
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d flips and %d truncations", len(whole)*8, len(whole))
}

func TestPlantedThingsAreNotFollowed(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, entry(1).encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, plant := range map[string]func(path string) error{
		"symlink": func(path string) error { return os.Symlink(outside, path) },
		"fifo":    func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"folder":  func(path string) error { return os.Mkdir(path, 0o700) },
		"huge": func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, maxFile+1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			f := open(t, path)
			if err := plant(filepath.Join(path, currentName)); err != nil {
				t.Fatal(err)
			}
			if all := f.Load(); len(all) != 1 || all[0].Err == nil {
				t.Errorf("loaded %s; want an error", loaded(f))
			}
		})
	}
}

// The folder and the one that it is in are made, what these stand in is not: that would hide a slip in its name until a restart.
func TestOnlyTheFolderItselfIsMade(t *testing.T) {
	above := filepath.Join(t.TempDir(), "slip")
	path := filepath.Join(above, "state", "burgee")
	f := Open(path, nil)
	defer func() { _ = f.Close() }()
	if err := f.Problem(); err == nil || err.Error() != "open state folder: "+above+" is not there: make it, or choose another --state-dir" {
		t.Errorf("problem %v; want the folder that is missing, and the way out", err)
	}
	if _, err := os.Lstat(above); !errors.Is(err, fs.ErrNotExist) || f.Made() || f.Save(entry(1)) == nil || len(f.Load()) > 0 {
		t.Errorf("%s: %v; want it left missing, and nothing kept", above, err)
	}
	if err := os.Mkdir(above, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, made := range []bool{true, false} {
		f := Open(path, nil)
		if err := errors.Join(f.Problem(), f.Close()); err != nil || f.Made() != made {
			t.Errorf("made %v (%v); want %v", f.Made(), err, made)
		}
	}
}

func TestTheSecondWriterOnlyReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	first := open(t, path)
	if err := first.Save(entry(1)); err != nil {
		t.Fatal(err)
	}
	second := Open(path, nil)
	defer func() { _ = second.Close() }()
	if !errors.Is(second.Problem(), ErrHeld) || !errors.Is(second.Save(entry(2)), ErrHeld) {
		t.Errorf("the second writer's problem is %v; want %v", second.Problem(), ErrHeld)
	}
	if got := loaded(second); got != "lkg.cur=1" {
		t.Errorf("the second writer loaded %s", got)
	}
	_ = first.Close()
	third := open(t, path)
	if err := third.Save(entry(2)); err != nil {
		t.Errorf("after the first is gone: %v", err)
	}
}

func TestAFolderThatCannotBeMadeSaysSo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f := Open(filepath.Join(file, "state"), nil)
	defer func() { _ = f.Close() }()
	if at, _ := f.Confirmed(); f.Problem() == nil || f.Save(entry(1)) == nil || len(f.Load()) != 0 || !at.IsZero() {
		t.Errorf("problem %v; want one, and nothing loaded", f.Problem())
	}
}

func TestLeftoversAreSwept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	_ = open(t, path).Close()
	left := filepath.Join(path, currentName+tmpSuffix)
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	open(t, path)
	if _, err := os.Stat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("leftover is still there: %v", err)
	}
}
