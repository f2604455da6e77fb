package lkg

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

const (
	nonblock = unix.O_NONBLOCK
	nofollow = unix.O_NOFOLLOW
)

// takeLock holds the folder for as long as the file is open; the kernel lets go of it when the process ends, however it ends.
func takeLock(root *os.Root) (*os.File, error) {
	if info, err := root.Lstat(lockName); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file (its mode is %s): remove it", lockName, info.Mode())
	}
	opened, err := root.OpenFile(lockName, os.O_RDWR|os.O_CREATE|nofollow|nonblock, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(opened.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = opened.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, ErrHeld
		}
		return nil, err
	}
	return opened, nil
}

// ownFolder refuses what stands in the folder's place: whoever may write where it is to be could have planted it.
func ownFolder(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is there and is no folder (its mode is %s): remove it, or choose another --state-dir", path, info.Mode())
	}
	var stat unix.Stat_t
	if err := unix.Lstat(path, &stat); err != nil {
		return fmt.Errorf("look at %s: %w", path, err)
	}
	if own := os.Geteuid(); int(stat.Uid) != own {
		return fmt.Errorf("%s belongs to user %d, and this process is user %d: remove it, or choose another --state-dir", path, stat.Uid, own)
	}
	return nil
}
