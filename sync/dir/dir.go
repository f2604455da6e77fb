// Package dir is a folder as an object store: file:///folder. Objects appear whole or not at all, among any number of processes.
// Reading takes no lock and no right to write, so a sidecar can follow a folder that is mounted read-only.
package dir

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"github.com/burgeehq/burgee/sync/object"
)

// Store is one folder. It holds nothing open between calls: a folder that is missing, unmounted or put in place of another is found
// again at the next call.
type Store struct {
	path string
}

var _ object.Store = (*Store)(nil)

// Open names the folder at path, which must be absolute. It touches nothing: the folder may appear later, and the first Create makes
// it where its parent exists.
func Open(path string) (*Store, error) {
	clean := filepath.Clean(path)
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("folder %q: the path is relative; give all of it, from /", path)
	}
	if clean == string(filepath.Separator) {
		return nil, errors.New("folder /: the root of the file system is no store; name a folder in it")
	}
	return &Store{path: clean}, nil
}

// String is the store's URL.
func (s *Store) String() string {
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(s.path)}
	return u.String()
}

// at names the object at key in an error.
func (s *Store) at(key string) string { return s.String() + "/" + key }

// root opens the folder. Whatever is reached through it lies within, also where symbolic links say otherwise.
func (s *Store) root(ctx context.Context) (*os.Root, error) {
	if err := object.Ended(ctx); err != nil {
		return nil, err
	}
	if info, err := os.Stat(s.path); err == nil && !info.IsDir() { // to open a FIFO would wait for who writes to it
		return nil, fmt.Errorf("%w: %s is no folder (its mode is %s)", object.ErrNoStore, s.path, info.Mode())
	}
	root, err := os.OpenRoot(s.path)
	if err != nil {
		return nil, refusal(err, object.ErrNoStore)
	}
	return root, nil
}
