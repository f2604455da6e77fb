package sidecar

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// errMore says that a file is longer than what is read of it.
var errMore = errors.New("more")

// readFile reads a regular file of at most limit bytes. Symlinks are followed, for that is how Kubernetes mounts files; O_NONBLOCK
// keeps a FIFO from hanging us before we see what it is.
func readFile(name string, limit int64) ([]byte, error) {
	file, err := os.OpenFile(name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("read %s: not a regular file", name)
	}
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("read %s: %w than %d bytes", name, errMore, limit)
	}
	return data, nil
}
