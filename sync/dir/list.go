package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"

	"github.com/burgeehq/burgee/sync/object"
)

// List gives the keys that begin with prefix and come after another one. It walks the whole folder that the prefix names before it cuts: keys order differently
// from the names in a walk ("a-b" comes before "a/b"), and stores in folders are small.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	keys, err := s.list(ctx, prefix, after)
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", s.at(prefix), err)
	}
	slices.Sort(keys)
	return keys[:min(max(limit, 0), len(keys))], nil
}

func (s *Store) list(ctx context.Context, prefix, after string) ([]string, error) {
	if err := object.CheckPrefix(prefix); err != nil {
		return nil, err
	}
	root, err := s.root(ctx)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var keys []string
	err = fs.WalkDir(root.FS(), path.Dir(prefix+"x"), func(name string, entry fs.DirEntry, err error) error {
		if err := errors.Join(object.Ended(ctx), unread(err)); err != nil {
			return err
		}
		if entry == nil || name == "." {
			return nil
		}
		if object.CheckKey(name) != nil {
			return skip(entry)
		}
		if strings.HasPrefix(name, prefix) && name > after && isObject(root, name, entry) {
			keys = append(keys, name)
		}
		return nil
	})
	return keys, err
}

// unread is the error of a walk that matters. What is not there does not: the prefix may name no folder, and files may go meanwhile.
func unread(err error) error {
	if err == nil || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	return refusal(err, object.ErrNotFound)
}

// skip passes over what cannot be a key, with all that is in it.
func skip(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// isObject says whether Get would read name. Links count as what they lead to: a mounted ConfigMap is made of them.
func isObject(root *os.Root, name string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type().IsRegular()
	}
	info, err := root.Stat(name)
	return err == nil && info.Mode().IsRegular()
}
