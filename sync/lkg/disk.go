package lkg

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// Before is asked ahead of each step that a Folder takes on disk, so that a test can hold, stop or fail it. Steps are folder, lock,
// list, read, create, write, sync, link, rename and remove; the name is the file's, or "." for the folder.
type Before func(step, name string) error

// files is what a Folder needs of a file system: an os.Root, or in tests one that loses its power.
type files interface {
	Lstat(name string) (os.FileInfo, error)
	OpenFile(name string, flag int, mode os.FileMode) (file, error)
	Link(from, to string) error
	Rename(from, to string) error
	Remove(name string) error
}

type file interface {
	io.ReadWriteCloser
	Sync() error
	Readdirnames(n int) ([]string, error)
}

// rooted gives an os.Root's files as file.
type rooted struct{ *os.Root }

func (r rooted) OpenFile(name string, flag int, mode os.FileMode) (file, error) {
	opened, err := r.Root.OpenFile(name, flag, mode)
	if err != nil {
		return nil, err // not opened, whose nil would be a file
	}
	return opened, nil
}

// disk is what a Folder does to files.
type disk struct {
	files  files  // nil where the folder cannot be opened
	before Before // nil in earnest
}

func (d disk) ask(step, name string) error {
	if d.before == nil {
		return nil
	}
	return d.before(step, name)
}

// read gives a whole regular file of at most limit bytes. It is looked at before it is opened, since os.Root follows symlinks that stay
// inside; O_NONBLOCK keeps a FIFO that somebody plants in between from hanging us.
func (d disk) read(name string, limit int64) ([]byte, error) {
	if d.files == nil {
		return nil, os.ErrNotExist
	}
	if err := d.ask("read", name); err != nil {
		return nil, err
	}
	info, err := d.files.Lstat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file (its mode is %s): remove it", name, info.Mode())
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, info.Size(), limit)
	}
	opened, err := d.files.OpenFile(name, os.O_RDONLY|nonblock|nofollow, 0)
	if err != nil {
		return nil, err
	}
	defer closeRead(opened)
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead)) // in one piece: one that grows leaves several times its size behind
	_, err = data.ReadFrom(io.LimitReader(opened, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = fmt.Errorf("%s grew past %d bytes", name, limit)
	}
	return data.Bytes(), err
}

// write makes a new file. If it is to be safe, its bytes are when write returns, though its name may not be.
func (d disk) write(name string, safe bool, parts [][]byte) (err error) {
	if err := d.ask("create", name); err != nil {
		return err
	}
	made, err := d.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|nofollow, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closing := made.Close(); err == nil {
			err = closing
		}
	}()
	if err := d.ask("write", name); err != nil {
		return err
	}
	for _, part := range parts {
		if _, err := made.Write(part); err != nil {
			return err
		}
	}
	if !safe {
		return nil
	}
	if err := d.ask("sync", name); err != nil {
		return err
	}
	return made.Sync()
}

func (d disk) link(from, to string) error {
	if err := d.ask("link", to); err != nil {
		return err
	}
	return d.files.Link(from, to)
}

func (d disk) rename(from, to string) error {
	if err := d.ask("rename", to); err != nil {
		return err
	}
	return d.files.Rename(from, to)
}

func (d disk) remove(name string) error {
	if err := d.ask("remove", name); err != nil {
		return err
	}
	return d.files.Remove(name)
}

// syncFolder makes the names safe.
func (d disk) syncFolder() error {
	if err := d.ask("sync", "."); err != nil {
		return err
	}
	dir, err := d.files.OpenFile(".", os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer closeRead(dir)
	return dir.Sync()
}

// names gives the names in the folder, or the first so many that the disk tells; all where most is negative.
func (d disk) names(most int) ([]string, error) {
	if err := d.ask("list", "."); err != nil {
		return nil, err
	}
	dir, err := d.files.OpenFile(".", os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	defer closeRead(dir)
	names, err := dir.Readdirnames(most)
	if errors.Is(err, io.EOF) { // there are none
		err = nil
	}
	return names, err
}

// closeRead closes what was only read: nothing can be lost.
func closeRead(opened file) { _ = opened.Close() }
