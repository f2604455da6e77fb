package sidecar

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// shortDir is a folder whose path leaves room for a socket's name.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "b")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func bind(t *testing.T, path string) net.Listener {
	t.Helper()
	ln, err := listenSocket(path, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func refuses(t *testing.T, path, why string) {
	t.Helper()
	ln, err := listenSocket(path, 0o660)
	if err == nil {
		_ = ln.Close()
		t.Fatalf("%s was taken; want %q", path, why)
	}
	if !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), "--socket") {
		t.Errorf("error %q; want %q and the way out", err, why)
	}
}

func TestSocketIsMadeAndRemoved(t *testing.T) {
	path := filepath.Join(shortDir(t), "s.sock")
	ln := bind(t, path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v (%v); want 0640", info.Mode(), err)
	}
	if err := ln.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("after closing the socket is still there: %v", err)
	}
}

// The mode is never wider than asked for, not even between bind and chmod.
func TestSocketIsNeverWider(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // a strict one would hide what is looked for
	path := filepath.Join(shortDir(t), "s.sock")
	stop := make(chan struct{})
	var widest atomic.Uint32 // a mode
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if info, err := os.Lstat(path); err == nil {
					widest.Or(uint32(info.Mode().Perm()))
				}
			}
		}
	})
	for n := 0; n < 300 || widest.Load() == 0; n++ { // on a busy machine the watcher may come late
		ln, err := listenSocket(path, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	group.Wait()
	if mode := os.FileMode(widest.Load()); mode != 0o600 {
		t.Errorf("mode %v was seen; want 0600 and no more", mode)
	}
}

func TestADeadSocketIsTakenOver(t *testing.T) {
	path := filepath.Join(shortDir(t), "s.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false)
	_ = dead.Close()
	bind(t, path)
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatalf("the socket that was taken over does not answer: %v", err)
	}
	_ = conn.Close()
}

func TestALiveSocketIsLeftAlone(t *testing.T) {
	path := filepath.Join(shortDir(t), "s.sock")
	live, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = live.Close() }()
	refuses(t, path, "held by a live process")
	if conn, err := net.Dial("unix", path); err != nil {
		t.Errorf("the live socket is gone: %v", err)
	} else {
		_ = conn.Close()
	}
}

func TestASecondSidecarIsRefused(t *testing.T) {
	path := filepath.Join(shortDir(t), "s.sock")
	first := bind(t, path)
	refuses(t, path, "held by another sidecar")
	_ = first.Close()
	bind(t, path)
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	dir := shortDir(t)
	file, folder, link, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "folder"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	for _, err := range []error{os.WriteFile(file, []byte("mine"), 0o600), os.Mkdir(folder, 0o700), os.Symlink(file, link), unix.Mkfifo(fifo, 0o600)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{file, folder, link, fifo} {
		refuses(t, path, "is no socket")
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
		t.Errorf("the file holds %q (%v) now", text, err)
	}
}

func TestSocketPathsHaveAnEnd(t *testing.T) {
	refuses(t, "/tmp/"+strings.Repeat("x", 200), "the system takes")
	longest := "/tmp/" + strings.Repeat("x", maxSocketPath-len("/tmp/"))
	t.Cleanup(func() { _ = os.Remove(longest + ".lock") })
	bind(t, longest)
}
