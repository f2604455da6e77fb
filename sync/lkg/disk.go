package lkg

import (
	"bytes"
	"fmt"
	"io"
	"os"
)

// Before is asked ahead of each step that a Folder takes on disk, so that a test can hold, stop or fail it. Steps are read, create,
// write, sync, link, rename and remove; the name is the file's, or "." for the folder.
type Before func(step, name string) error

// disk is what a Folder does to files.
type disk struct {
	root   *os.Root
	before Before // nil in earnest
}

func (d disk) ask(step, name string) error {
	if d.before == nil {
		return nil
	}
	return d.before(step, name)
}

// read gives a whole regular file of at most limit bytes. O_NONBLOCK keeps a FIFO that somebody planted from hanging us.
func (d disk) read(name string, limit int64) ([]byte, error) {
	if d.root == nil {
		return nil, os.ErrNotExist
	}
	if err := d.ask("read", name); err != nil {
		return nil, err
	}
	file, err := d.root.OpenFile(name, os.O_RDONLY|nonblock|nofollow, 0)
	if err != nil {
		return nil, err
	}
	defer closeRead(file)
	info, err := file.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", name)
	case info.Size() > limit:
		return nil, fmt.Errorf("%s has %d bytes; at most %d are read", name, info.Size(), limit)
	}
	data := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead)) // in one piece: one that grows leaves several times its size behind
	_, err = data.ReadFrom(io.LimitReader(file, limit+1))
	if err == nil && int64(data.Len()) > limit {
		err = fmt.Errorf("%s grew past %d bytes", name, limit)
	}
	return data.Bytes(), err
}

// write makes a new file and returns when its bytes are safe, though its name may not be.
func (d disk) write(name string, data []byte) (err error) {
	if err := d.ask("create", name); err != nil {
		return err
	}
	file, err := d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|nofollow, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	if err := d.ask("write", name); err != nil {
		return err
	}
	if _, err := file.Write(data); err != nil {
		return err
	}
	if err := d.ask("sync", name); err != nil {
		return err
	}
	return file.Sync()
}

func (d disk) link(from, to string) error {
	if err := d.ask("link", to); err != nil {
		return err
	}
	return d.root.Link(from, to)
}

func (d disk) rename(from, to string) error {
	if err := d.ask("rename", to); err != nil {
		return err
	}
	return d.root.Rename(from, to)
}

func (d disk) remove(name string) error {
	if err := d.ask("remove", name); err != nil {
		return err
	}
	return d.root.Remove(name)
}

// syncFolder makes the names safe.
func (d disk) syncFolder() error {
	if err := d.ask("sync", "."); err != nil {
		return err
	}
	dir, err := d.root.Open(".")
	if err != nil {
		return err
	}
	defer closeRead(dir)
	return dir.Sync()
}

func (d disk) names() ([]string, error) {
	dir, err := d.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer closeRead(dir)
	return dir.Readdirnames(-1)
}

// closeRead closes what was only read: nothing can be lost.
func closeRead(file *os.File) { _ = file.Close() }
