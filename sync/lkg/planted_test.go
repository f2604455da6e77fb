package lkg

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const stranger = 12345 // a user that is not this one

var errSkipped = errors.New("not permitted here")

// plants are what somebody may have put in a file's place.
var plants = map[string]func(path, outside string) error{
	"link out of the folder": func(path, outside string) error { return os.Symlink(outside, path) },
	"link into the folder":   func(path, _ string) error { return os.Symlink("good", path) },
	"dangling link":          func(path, _ string) error { return os.Symlink("nowhere", path) },
	"folder":                 func(path, _ string) error { return os.Mkdir(path, 0o700) },
	"full folder":            func(path, _ string) error { return os.MkdirAll(filepath.Join(path, "inside"), 0o700) },
	"fifo":                   func(path, _ string) error { return unix.Mkfifo(path, 0o600) },
	"socket": func(path, _ string) error {
		ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		ln.SetUnlinkOnClose(false)
		return ln.Close()
	},
	"device": func(path, _ string) error {
		if err := unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))); err != nil { // /dev/zero, which has no end
			return errSkipped
		}
		return nil
	},
	"stranger's file": func(path, _ string) error {
		if err := os.WriteFile(path, []byte("theirs"), 0o600); err != nil {
			return err
		}
		if err := os.Chown(path, stranger, stranger); err != nil {
			return errSkipped
		}
		return nil
	},
	"rubbish": func(path, _ string) error { return os.WriteFile(path, []byte("rubbish"), 0o600) },
}

// Whatever stands in a file's place is replaced, or named and left alone. It is never followed and never waited for, and a state is
// loaded whole or not at all.
func TestWhateverIsPlantedIsNotFollowed(t *testing.T) {
	names := []string{currentName, previousName, headName, confirmedName, trialsName, lockName}
	for _, name := range names[:len(names)-1] {
		names = append(names, name+tmpSuffix)
	}
	names = append(names, heldOf(1), heldOf(2), heldTmp) // of what is retired, and of what is written
	for what, plant := range plants {
		for _, name := range names {
			t.Run(strings.ReplaceAll(what+" at "+name, " ", "_"), func(t *testing.T) {
				base, err := os.MkdirTemp("", "b") // short: a socket's path has an end
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = os.RemoveAll(base) }()
				path, outside := filepath.Join(base, "s"), filepath.Join(base, "outside")
				if err := errors.Join(os.Mkdir(path, 0o700), os.WriteFile(outside, entry(7).encode(), 0o600), os.WriteFile(filepath.Join(path, "good"), entry(8).encode(), 0o600)); err != nil {
					t.Fatal(err)
				}
				if err := plant(filepath.Join(path, name), outside); errors.Is(err, errSkipped) {
					t.Skip("SKIP: only root may do this")
				} else if err != nil {
					t.Fatal(err)
				}
				began := time.Now()
				err = use(t, path)
				if took := time.Since(began); took > 10*time.Second {
					t.Errorf("it took %v", took)
				}
				if err != nil && !strings.Contains(err.Error(), name) {
					t.Errorf("error %q does not name %s", err, name)
				}
				if regular := what == "rubbish" || what == "stranger's file"; name == lockName && (err == nil) != regular {
					t.Errorf("with that for a lock: %v", err)
				}
				if _, err := os.Lstat(filepath.Join(path, "nowhere")); err == nil {
					t.Error("a dangling link was followed")
				}
				if text, err := os.ReadFile(outside); err != nil || string(text) != string(entry(7).encode()) {
					t.Errorf("the file outside holds %q (%v) now", text, err)
				}
				if text, err := os.ReadFile(filepath.Join(path, "good")); err != nil || string(text) != string(entry(8).encode()) {
					t.Errorf("another file of the folder holds %q (%v) now", text, err)
				}
			})
		}
	}
}

// use loads, which must find nothing, and saves, and says what stood in the way. What it loads then must be what it saved.
func use(t *testing.T, path string) error {
	t.Helper()
	f := Open(path, nil)
	defer func() { _ = f.Close() }()
	for _, l := range f.Load() {
		if l.Err == nil {
			t.Errorf("%s was loaded as %q", l.Name, l.Manifest)
		}
	}
	if at, state := f.Confirmed(); !at.IsZero() || len(f.Trials()) > 0 {
		t.Errorf("confirmed at %v: %s; trials %v", at, state, f.Trials())
	}
	files, err := f.Held()
	for _, h := range files {
		if l := f.LoadHeld(h.Name); l.Err == nil || len(l.Bundle) > 0 {
			t.Errorf("%s was loaded as %q", h.Name, l.Manifest)
		}
	}
	err = errors.Join(err, f.Problem(), f.SaveTrials(Trials{"sha256:a": 1}), f.SaveHead(entry(1).Manifest), f.Save(entry(1)),
		f.Retire(heldOf(1)), f.Save(entry(3)), f.SaveHeld(heldOf(2), entry(2), many), f.SaveConfirmed(time.Unix(1, 0), "x"))
	if err == nil && !strings.HasPrefix(loaded(f), "lkg.head=1 lkg.cur=3") {
		t.Errorf("loaded %s", loaded(f))
	}
	return err
}

// What stands in the folder's own place is refused unless it is a folder of this user's.
func TestTheFolderIsOurs(t *testing.T) {
	for what, plant := range map[string]func(path string) error{
		"link to a folder": func(path string) error { return os.Symlink(t.TempDir(), path) },
		"dangling link":    func(path string) error { return os.Symlink("nowhere", path) },
		"file":             func(path string) error { return os.WriteFile(path, nil, 0o600) },
		"fifo":             func(path string) error { return unix.Mkfifo(path, 0o600) },
		"stranger's folder": func(path string) error {
			if err := os.Mkdir(path, 0o777); err != nil {
				return err
			}
			if os.Chown(path, stranger, stranger) != nil {
				return errSkipped
			}
			return nil
		},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state")
			if err := plant(path); errors.Is(err, errSkipped) {
				t.Skip("SKIP: only root may do this")
			} else if err != nil {
				t.Fatal(err)
			}
			f := Open(path, nil)
			defer func() { _ = f.Close() }()
			if err := f.Problem(); err == nil || !strings.Contains(err.Error(), "--state-dir") || f.Save(entry(1)) == nil || len(f.Load()) > 0 {
				t.Errorf("problem %v; want one that names the way out, and nothing loaded", err)
			}
		})
	}
}
