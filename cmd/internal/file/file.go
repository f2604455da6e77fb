// Package file reads the files that people name on command lines: whole, and only what is a file and has a bounded size. It knows
// nothing of what stands in them.
package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

var (
	// ErrNotRegular says that a name leads to a folder, a pipe or a device.
	ErrNotRegular = errors.New("not a regular file")

	// ErrTooLarge says that a file has more bytes than its reader takes.
	ErrTooLarge = errors.New("file too large")
)

// Read gives the content of a regular file of at most limit bytes. It follows symlinks, for that is how Kubernetes mounts secrets and
// maps. Opening does not wait for whoever would write into a pipe, and what is asked of the open file cannot be swapped under it.
func Read(name string, limit int64) ([]byte, error) {
	opened, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = opened.Close() }() // it was only read
	info, err := opened.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: %w, but a %s", name, ErrNotRegular, kind(info.Mode()))
	}
	content, err := io.ReadAll(io.LimitReader(opened, limit+1)) // the size may lie: a file grows, and those of /proc have none
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, fmt.Errorf("%s: %w: more than %d bytes", name, ErrTooLarge, limit)
	}
	return content, nil
}

func kind(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	}
	return "device"
}
