package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/burgeehq/burgee/sync/object"
)

const (
	folderMode = 0o755
	fileMode   = 0o644
)

// Create writes the object at key unless there is one.
func (s *Store) Create(ctx context.Context, key string, body []byte) (string, error) {
	err := s.write(ctx, key, true, func(root *os.Root) error {
		return create(ctx, root, key, body)
	})
	if err != nil {
		return "", fmt.Errorf("create %s: %w", s.at(key), err)
	}
	return tagOf(body), nil
}

// Replace writes the object at key if its present tag is have.
func (s *Store) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	err := s.write(ctx, key, false, func(root *os.Root) error {
		return replace(ctx, root, key, have, body)
	})
	if err != nil {
		return "", fmt.Errorf("replace %s: %w", s.at(key), err)
	}
	return tagOf(body), nil
}

// write runs change as the folder's only writer, over a folder without leftovers. Whoever is killed lets go of the lock by that, so
// what is unfinished once the lock is ours will never be finished by anybody.
func (s *Store) write(ctx context.Context, key string, makeFolder bool, change func(*os.Root) error) error {
	if err := object.CheckKey(key); err != nil {
		return err
	}
	if makeFolder {
		if err := s.makeFolder(ctx); err != nil {
			return err
		}
	}
	root, err := s.root(ctx)
	if err != nil {
		return err
	}
	defer root.Close()
	unlock, err := lock(ctx, root)
	if err != nil {
		return err
	}
	defer unlock()
	if err := sweep(root); err != nil {
		return err
	}
	return change(root)
}

// makeFolder makes the store's folder, but not those above it: a missing parent is a wrong path or a mount that is away.
func (s *Store) makeFolder(ctx context.Context) error {
	if err := object.Ended(ctx); err != nil {
		return err
	}
	if _, err := os.Stat(s.path); err == nil {
		return nil
	}
	err := os.Mkdir(s.path, folderMode)
	if errors.Is(err, fs.ErrExist) {
		return nil // made by another writer since we looked
	}
	if err != nil {
		return refusal(err, object.ErrNoStore)
	}
	return syncFolder(os.Open(filepath.Dir(s.path)))
}

// create gives the new file its name by a link, which, unlike a rename, never takes the name from another file: so two writers are
// kept apart even where a network file system does not honour the lock.
func create(ctx context.Context, root *os.Root, key string, body []byte) error {
	if _, err := root.Lstat(key); err == nil {
		return object.ErrExists
	}
	if err := root.MkdirAll(path.Dir(key), folderMode); err != nil {
		return refusal(err, object.ErrNoStore)
	}
	aside, err := writeAside(ctx, root, body)
	if err != nil {
		return err
	}
	defer root.Remove(aside)
	if err := root.Link(aside, key); errors.Is(err, fs.ErrExist) {
		return object.ErrExists
	} else if err != nil {
		return refusal(err, object.ErrNoStore)
	}
	return syncFolders(root, key)
}

// replace compares and swaps. The lock makes the two one.
func replace(ctx context.Context, root *os.Root, key, have string, body []byte) error {
	if err := compare(root, key, have); err != nil {
		return err
	}
	aside, err := writeAside(ctx, root, body)
	if err != nil {
		return err
	}
	defer root.Remove(aside)
	if err := root.Rename(aside, key); err != nil {
		return refusal(err, object.ErrConflict)
	}
	return syncFolders(root, key)
}
