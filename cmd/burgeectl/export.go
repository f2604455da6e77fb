package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/sync/bundle"
)

// export is the verb export.
type export struct {
	remote
	Dir    string `arg:"" help:"Folder to write into: a new one, an empty one, or one of an earlier export." placeholder:"DIR"`
	DryRun bool   `help:"Find out everything, write nothing."`
}

// exported is the result of export in JSON.
type exported struct {
	Outcome  string          `json:"outcome"` // exported, planned or unchanged
	Dir      string          `json:"dir"`
	Files    []string        `json:"files"`
	Verified bool            `json:"verified"` // signatures were looked at
	Manifest bundle.Manifest `json:"manifest"`
}

// Run writes the head and its bundle the way burgee --bootstrap reads them. The bundle comes first, then the head, then an older bundle
// goes: whoever is stopped in between leaves a folder from which a sidecar starts.
func (e *export) Run(ctx context.Context, w *world, form output) error {
	r, err := e.reader(ctx, w)
	if err != nil {
		return err
	}
	head, err := r.open(ctx, bundle.HeadKey)
	if err != nil {
		return err
	}
	verified, err := r.bundle(ctx, head)
	if err != nil {
		return err
	}
	target := folder{path: e.Dir}
	if err := target.look(head); err != nil {
		return err
	}
	outcome, name := "exported", bundle.FileName(head.Manifest().Bundle.Digest)
	switch {
	case target.holds(head, name, verified.Stored()):
		outcome = "unchanged"
	case e.DryRun:
		outcome = "planned"
	default:
		if err := target.write(name, verified.Stored(), head.Raw()); err != nil {
			return err
		}
	}
	if form == inJSON {
		return printJSON(w.stdout, exported{outcome, e.Dir, []string{bundle.HeadKey, name}, r.verified, head.Manifest()})
	}
	verb := map[string]string{"exported": "exported", "planned": "would export", "unchanged": "unchanged: the folder holds"}[outcome]
	m := head.Manifest()
	_, err = fmt.Fprintf(w.stdout, "%s\n%s\n%s\n", oneLine(fmt.Sprintf("%s revision %d of %s, %s%s", verb, m.Revision, m.Environment, plural(m.Bundle.Flags, "flag"), span(m))),
		oneLine(filepath.Join(e.Dir, bundle.HeadKey)), oneLine(filepath.Join(e.Dir, name)))
	return err
}

// folder is where an export goes.
type folder struct {
	path string
	old  []string // bundles of earlier exports
}

// aside begins the names of files that are being written.
const aside = ".burgee-export-"

// look refuses a folder that holds anything but an export that this one may follow. A name that begins with a dot is left alone: file
// systems and version control keep things there.
func (f *folder) look(head bundle.Head) error {
	entries, err := os.ReadDir(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return advised{fmt.Errorf("export: %w", err), exitFailed, "give a folder: a new one, an empty one, or one of an earlier export"}
	}
	for _, entry := range entries {
		name := entry.Name()
		_, ours := bundle.DigestOf(name)
		switch {
		case strings.HasPrefix(name, "."):
		case name != bundle.HeadKey && !ours, !entry.Type().IsRegular():
			return f.refuse("it holds %s, which is no part of an export", name)
		case ours:
			f.old = append(f.old, name)
		}
	}
	return f.follow(head)
}

// follow refuses to take the place of another environment's export, and of a newer one.
func (f *folder) follow(head bundle.Head) error {
	raw, err := file.Read(filepath.Join(f.path, bundle.HeadKey), bundle.MaxManifest)
	if errors.Is(err, fs.ErrNotExist) {
		for _, name := range f.old {
			if name != bundle.FileName(head.Manifest().Bundle.Digest) { // that is what an export leaves that was killed before its last step
				return f.refuse("it holds %s without a %s", name, bundle.HeadKey)
			}
		}
		return nil
	}
	if errors.Is(err, file.ErrTooLarge) {
		return f.refuse("its %s is not Burgee's: %w", bundle.HeadKey, err)
	}
	if err != nil {
		return err
	}
	before, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open(raw)
	if err != nil {
		return f.refuse("its %s is not Burgee's: %w", bundle.HeadKey, err)
	}
	was, now := before.Manifest(), head.Manifest()
	switch {
	case was.Environment != now.Environment:
		return f.refuse("it holds the flags of %.200q, and these are of %q", was.Environment, now.Environment)
	case was.Revision > now.Revision:
		return f.refuse("it holds revision %d, and the store's newest is %d", was.Revision, now.Revision)
	}
	return nil
}

func (f *folder) refuse(format string, args ...any) error {
	return advised{fmt.Errorf("export to %s: %w", f.path, fmt.Errorf(format, args...)), exitRefused, "give a new folder, or empty this one"}
}

// holds tells whether there is nothing to write.
func (f *folder) holds(head bundle.Head, name string, stored []byte) bool {
	return f.same(bundle.HeadKey, head.Raw()) && f.same(name, stored) && len(f.old) == 1
}

func (f *folder) same(name string, body []byte) bool {
	held, err := file.Read(filepath.Join(f.path, name), bundle.MaxStored)
	return err == nil && bytes.Equal(held, body)
}

// write makes the folder, but not those above it: a missing parent is a wrong path.
func (f *folder) write(name string, stored, head []byte) error {
	if err := os.Mkdir(f.path, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return advised{fmt.Errorf("export: %w", err), exitFailed, "the folder above must be there: a missing one is a wrong path, or a mount that is away"}
	}
	root, err := os.OpenRoot(f.path)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // nothing was written through it itself
	if err := sweep(root); err != nil {
		return err
	}
	if err := put(root, name, stored); err != nil {
		return err
	}
	if err := put(root, bundle.HeadKey, head); err != nil {
		return err
	}
	for _, old := range f.old {
		if old != name {
			if err := root.Remove(old); err != nil {
				return err
			}
		}
	}
	return syncFolder(root)
}

// sweep removes what an export that was killed left.
func sweep(root *os.Root) error {
	entries, err := fs.ReadDir(root.FS(), ".")
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), aside) {
			err = errors.Join(err, root.Remove(entry.Name()))
		}
	}
	return err
}

// put writes a file whole or not at all.
func put(root *os.Root, name string, body []byte) error {
	made, err := root.OpenFile(aside+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = made.Write(body)
	if err = errors.Join(err, made.Sync(), made.Close()); err == nil {
		err = root.Rename(aside+name, name)
	}
	if err != nil {
		return errors.Join(err, root.Remove(aside+name))
	}
	return syncFolder(root)
}

func syncFolder(root *os.Root) error {
	opened, err := root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(opened.Sync(), opened.Close())
}

func (*export) examples() []string {
	return []string{
		`burgeectl export bootstrap --trust-key team.pub`,
	}
}
