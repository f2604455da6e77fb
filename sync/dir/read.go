package dir

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"github.com/burgeehq/burgee/sync/object"
)

// Get reads the object at key.
func (s *Store) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	got, err := s.get(ctx, key, have, limit)
	if err != nil {
		return object.Object{}, fmt.Errorf("get %s: %w", s.at(key), err)
	}
	return got, nil
}

func (s *Store) get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	if err := object.CheckKey(key); err != nil {
		return object.Object{}, err
	}
	root, err := s.root(ctx)
	if err != nil {
		return object.Object{}, err
	}
	defer root.Close()
	f, size, err := openObject(root, key)
	if err != nil {
		return object.Object{}, err
	}
	defer f.Close()
	body, err := object.ReadLimited(f, size, limit)
	if err != nil {
		return object.Object{}, err
	}
	if tagOf(body) == have {
		return object.Object{}, object.ErrNotModified
	}
	return object.Object{Body: body, Tag: tagOf(body)}, nil
}

// openObject opens the regular file at key and tells its size. It never waits: O_NONBLOCK keeps a named pipe from holding it until
// somebody writes there.
func openObject(root *os.Root, key string) (*os.File, int64, error) {
	f, err := root.OpenFile(key, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, refusal(err, object.ErrNotFound)
	}
	info, err := f.Stat()
	if err == nil {
		err = checkRegular(info)
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

func checkRegular(info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%w: it is a folder", object.ErrNotFound)
	case !info.Mode().IsRegular():
		return fmt.Errorf("it is no regular file but %v", info.Mode())
	}
	return nil
}
