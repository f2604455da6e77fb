package sidecar

import (
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxSocketPath is what fits into sockaddr_un with its closing zero byte; macOS has the smaller one.
var maxSocketPath = len(unix.RawSockaddrUnix{}.Path) - 1

// listenSocket makes the socket at path with that mode, never wider for a moment, and takes over what a dead process left there, never
// what a live one holds. fasthttp has a helper for this, which does neither.
func listenSocket(path string, mode os.FileMode) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, fmt.Errorf("socket path %q has %d bytes; the system takes %d: choose a shorter --socket", path, len(path), maxSocketPath)
	}
	if err := onlySocket(path); err != nil {
		return nil, err
	}
	lock, err := lockSocket(path)
	if err != nil {
		return nil, err
	}
	ln, err := bindSocket(path, mode)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &socket{ln, lock, path}, nil
}

func bindSocket(path string, mode os.FileMode) (*net.UnixListener, error) {
	if err := clearSocket(path); err != nil {
		return nil, err
	}
	// The umask is the process's, not the thread's: a file that another goroutine makes in this moment is narrower, never wider.
	old := syscall.Umask(0o177)
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	syscall.Umask(old)
	if err != nil {
		return nil, err
	}
	ln.SetUnlinkOnClose(false) // it unlinks by name, and the name may be another's by then
	if err := os.Chmod(path, mode); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}

// lockSocket keeps two processes from clearing and binding one path at once.
func lockSocket(path string) (*os.File, error) {
	name := path + ".lock"
	if err := ourLock(name); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock for socket %s: %w: give a --socket in a folder that is there and may be written to", path, err)
	}
	if err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = file.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("socket %s is held by another sidecar (it holds %s): stop it, or choose another --socket", path, name)
		}
		return nil, fmt.Errorf("lock %s: %w", name, err)
	}
	return file, nil
}

// onlySocket refuses a path where something else than a socket stands, or another user's.
func onlySocket(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at socket %s: %w: give a --socket in a folder that is there and may be entered", path, err)
	case info.Mode()&os.ModeSocket == 0:
		return fmt.Errorf("%s is there and is no socket (its mode is %s): remove it, or choose another --socket", path, info.Mode())
	}
	return ofThisUser(path, info)
}

// ourLock refuses what somebody else may have put in the lock's place: a link would be followed, and another user could hold us up.
func ourLock(name string) error {
	info, err := os.Lstat(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look at %s: %w: give a --socket in a folder that is there and may be entered", name, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and is no regular file (its mode is %s): remove it, or choose another --socket", name, info.Mode())
	}
	return ofThisUser(name, info)
}

func ofThisUser(path string, info os.FileInfo) error {
	stat, known := info.Sys().(*syscall.Stat_t)
	if own := os.Geteuid(); known && int(stat.Uid) != own {
		return fmt.Errorf("%s belongs to user %d, and this process is user %d: remove it, or choose another --socket", path, stat.Uid, own)
	}
	return nil
}

// clearSocket removes a socket that nobody answers on.
func clearSocket(path string) error {
	if err := onlySocket(path); err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	switch {
	case err == nil:
		_ = conn.Close()
		return fmt.Errorf("socket %s is held by a live process: stop it, or choose another --socket", path)
	case errors.Is(err, unix.ECONNREFUSED):
		return os.Remove(path)
	default:
		return fmt.Errorf("socket %s is there, and whether it lives cannot be told: %w", path, err)
	}
}

// socket is a listener that removes its own name when it closes, while it still holds the lock for it.
type socket struct {
	*net.UnixListener
	lock *os.File
	path string
}

func (s *socket) Close() error {
	err := s.UnixListener.Close()
	if errors.Is(err, net.ErrClosed) {
		return err
	}
	return errors.Join(err, os.Remove(s.path), s.lock.Close())
}
