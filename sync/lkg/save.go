package lkg

import (
	"errors"
	"fmt"
	"os"
)

// Save makes e the current entry. The one before stays as the previous one if it is known to be good and holds another bundle: neither
// a damaged file nor a newer head over the same flags may push out the flags that one would want to fall back to. One that has not
// proved itself yet takes an empty place only, so that two bad bundles in a row do not push out the last good one.
func (f *Folder) Save(e Entry) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return f.problem
	}
	sum := checksum(e.Bundle)
	if f.bundle != "" && sum != f.bundle {
		if err := f.keepPrevious(); err != nil {
			return fmt.Errorf("keep %s: %w", previousName, err)
		}
	}
	if err := f.aside(currentName, currentName+tmpSuffix, true, e.parts()); err != nil {
		return err
	}
	f.bundle, f.proved = sum, f.proved && sum == f.bundle // though it may not be safe: saved again, it must not push out what it replaced
	return f.settle(currentName)
}

// Took tells the folder that a loaded entry was verified and is in use.
func (f *Folder) Took(l Loaded) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.Name == currentName {
		f.bundle = checksum(l.Bundle)
	}
}

// Proved tells the folder that the current entry has been in use for long enough to be worth falling back to.
func (f *Folder) Proved() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.proved = f.bundle != ""
}

// SaveHead keeps the newest head by itself, since its bundle may never come: a restart forgets neither its overrides nor its revision.
func (f *Folder) SaveHead(manifest []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return f.problem
	}
	return f.put(headName, true, Entry{Manifest: manifest}.parts()...)
}

// keepPrevious gives the current file a second name; the file itself is never written again.
func (f *Folder) keepPrevious() error {
	if !f.proved {
		if err := f.disk.link(currentName, previousName); !errors.Is(err, os.ErrExist) && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	tmp := previousName + tmpSuffix
	_ = f.disk.remove(tmp) // of an earlier save that failed half way
	switch err := f.disk.link(currentName, tmp); {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	if err := f.disk.rename(tmp, previousName); err != nil {
		return err
	}
	_ = f.disk.remove(tmp) // renaming one name of a file onto another of its names leaves both, as POSIX has it
	return nil
}

// put writes a file aside and gives it its name. If it is to be safe, the file is synced first and the folder afterwards. After an error
// nothing is retried: a failed sync may have dropped the pages, so only a fresh write proves anything.
func (f *Folder) put(name string, safe bool, parts ...[]byte) error {
	if err := f.aside(name, name+tmpSuffix, safe, parts); err != nil || !safe {
		return err
	}
	return f.settle(name)
}

// aside writes a file under the name tmp, and gives it its own then; its bytes are safe if they are to be, the name is not yet.
func (f *Folder) aside(name, tmp string, safe bool, parts [][]byte) error {
	_ = f.disk.remove(tmp)
	if err := f.disk.write(tmp, safe, parts); err != nil {
		_ = f.disk.remove(tmp)
		return fmt.Errorf("save %s: %w", name, err)
	}
	if err := f.disk.rename(tmp, name); err != nil {
		_ = f.disk.remove(tmp)
		return fmt.Errorf("save %s: %w", name, err)
	}
	return nil
}

// settle makes a name safe.
func (f *Folder) settle(name string) error {
	if err := f.disk.syncFolder(); err != nil {
		return fmt.Errorf("save %s: sync folder: %w", name, err)
	}
	return nil
}
