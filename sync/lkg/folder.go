// Package lkg keeps the last known good flags on disk, so that a restart needs no store. Files appear whole or not at all, and a
// stop at any moment leaves the old state or the new one. It stores bytes and tells nothing of their worth: a checksum finds what
// broke, and whoever loads them verifies them again as if they came from the store.
package lkg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// ErrHeld is a folder that another process writes to.
var ErrHeld = errors.New("held by another process")

// Names in the folder. Whatever ends in tmpSuffix is left over from a stop and is swept at the next start.
const (
	currentName   = "lkg.cur"
	previousName  = "lkg.prev"
	headName      = "lkg.head"
	confirmedName = "confirmed"
	trialsName    = "trials"
	lockName      = "lock"
	tmpSuffix     = ".tmp"
)

const maxConfirmed = 256 // bytes of a time and a name

// Folder is a state folder. Make it with Open; all methods are safe for concurrent use.
type Folder struct {
	disk    disk
	root    *os.Root // nil where it cannot be opened
	lock    *os.File // nil where we may not write
	problem error
	made    bool // by Open
	mu      sync.Mutex
	bundle  string // checksum of the bundle in lkg.cur, where that is known to be good; else ""
	proved  bool   // it has been in use for long enough to be worth falling back to
}

// Open takes the folder at path for this process, and makes it and the one that it is in (mode 0700) where they are missing. It
// always gives a Folder: one that cannot be written to still loads what it can, and Problem says why. Before is for tests; nil asks nobody.
func Open(path string, before Before) *Folder {
	f := &Folder{disk: disk{before: before}}
	if err := f.enter(path); err != nil {
		f.problem = fmt.Errorf("open state folder: %w", err)
		return f
	}
	if err := f.hold(); err != nil {
		f.problem = fmt.Errorf("lock state folder %s: %w", path, err)
		return f
	}
	f.problem = f.sweep()
	return f
}

// enter opens the folder, and makes it where it is missing.
func (f *Folder) enter(path string) (err error) {
	if err := f.disk.ask("folder", "."); err != nil {
		return err
	}
	if err := ownFolder(path); err != nil {
		return err
	}
	if f.made, err = ensure(path); err != nil {
		return err
	}
	if f.root, err = os.OpenRoot(path); err != nil {
		return err
	}
	if err := f.stillOwn(path); err != nil {
		return err
	}
	f.disk.files = rooted{f.root}
	return nil
}

// ensure makes the folder where there is none, and the one that it is in, which is what the operator named. What that one stands in must be
// there: a name with a slip in it, or a mount that is away, would else be found out when a restart needs what was kept.
func ensure(path string) (made bool, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return false, nil // what stands there is looked at by others
	}
	for _, missing := range []string{filepath.Dir(path), path} {
		err = os.Mkdir(missing, 0o700)
		if errors.Is(err, fs.ErrNotExist) {
			return false, fmt.Errorf("%s is not there: make it, or choose another --state-dir", filepath.Dir(missing))
		}
		if err != nil && !errors.Is(err, fs.ErrExist) { // which others were quicker to make
			return false, err
		}
	}
	return err == nil, nil
}

// stillOwn looks again at what was opened: whoever may write where the folder is could have put another in its place meanwhile.
func (f *Folder) stillOwn(path string) error {
	opened, err := f.root.Stat(".")
	if err != nil {
		return err
	}
	if there, err := os.Lstat(path); err != nil || !os.SameFile(there, opened) {
		return errors.Join(fmt.Errorf("%s was put in another's place while it was opened", path), err)
	}
	return ownFolder(path)
}

func (f *Folder) hold() (err error) {
	if err := f.disk.ask("lock", lockName); err != nil {
		return err
	}
	f.lock, err = takeLock(f.root)
	return err
}

// Problem says why the folder cannot be written to; nil where it can.
func (f *Folder) Problem() error { return f.problem }

// Made tells whether the folder was missing, and had to be made.
func (f *Folder) Made() bool { return f.made }

// Close gives the folder up.
func (f *Folder) Close() error {
	var errs []error
	if f.lock != nil {
		errs = append(errs, f.lock.Close())
	}
	if f.root != nil {
		errs = append(errs, f.root.Close())
	}
	return errors.Join(errs...)
}

// sweep removes what interrupted saves left behind: unswept, a crash loop would fill the disk.
func (f *Folder) sweep() error {
	names, err := f.disk.names(-1)
	if err != nil {
		return fmt.Errorf("sweep state folder: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, tmpSuffix) {
			if err := f.disk.remove(name); err != nil {
				return fmt.Errorf("sweep state folder: %w", err)
			}
		}
	}
	return nil
}

// Confirmed is when the store last confirmed what the folder holds, and the name of that state. It is zero where that is not known.
func (f *Folder) Confirmed() (at time.Time, state string) {
	text, err := f.disk.read(confirmedName, maxConfirmed)
	if err != nil {
		return time.Time{}, ""
	}
	when, state, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	if at, err = time.Parse(time.RFC3339Nano, when); err != nil {
		return time.Time{}, ""
	}
	return at, state
}

// SaveConfirmed notes when the store last confirmed a state, by a name that tells it from others.
func (f *Folder) SaveConfirmed(at time.Time, state string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return f.problem
	}
	return f.put(confirmedName, true, fmt.Appendf(nil, "%s %s\n", at.UTC().Format(time.RFC3339Nano), state))
}

// Path is where a sidecar keeps its state under the folder that the operator named: the named one may be shared or wider open.
func Path(stateDir string) string { return filepath.Join(stateDir, "burgee") }
