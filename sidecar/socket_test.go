package sidecar

import (
	"errors"
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
	for n := 0; n < 1000 || widest.Load() == 0; n++ { // on a busy machine the watcher may come late
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

// obstacles are what may stand where a socket or its lock is to be.
var obstacles = map[string]func(path, other string) error{
	"file":          func(path, _ string) error { return os.WriteFile(path, []byte("mine"), 0o600) },
	"folder":        func(path, _ string) error { return os.Mkdir(path, 0o700) },
	"link":          func(path, other string) error { return os.Symlink(other, path) },
	"dangling link": func(path, other string) error { return os.Symlink(other+"-nowhere", path) },
	"fifo":          func(path, _ string) error { return unix.Mkfifo(path, 0o600) },
	"device": func(path, _ string) error {
		if unix.Mknod(path, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) != nil {
			return errNotPermitted
		}
		return nil
	},
	"stranger's socket": func(path, _ string) error {
		dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
		if err != nil {
			return err
		}
		dead.SetUnlinkOnClose(false)
		_ = dead.Close()
		if os.Lchown(path, 12345, 12345) != nil {
			return errNotPermitted
		}
		return nil
	},
	"stranger's file": func(path, _ string) error {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			return err
		}
		if os.Lchown(path, 12345, 12345) != nil {
			return errNotPermitted
		}
		return nil
	},
}

var errNotPermitted = errors.New("only root may do this")

// What stands in the way is named and left alone, whether it is in the socket's place or in the lock's. A file of this user's is the lock.
func TestWhatIsNoSocketOfOursIsLeftAlone(t *testing.T) {
	for what, put := range obstacles {
		for _, suffix := range []string{"", ".lock"} {
			t.Run(strings.ReplaceAll(what+suffix, " ", "_"), func(t *testing.T) {
				if what == "file" && suffix == ".lock" {
					t.Skip("SKIP: that is a lock as it should be")
				}
				dir := shortDir(t)
				other, path := filepath.Join(dir, "other"), filepath.Join(dir, "s.sock")
				if err := os.WriteFile(other, []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
				if err := put(path+suffix, other); errors.Is(err, errNotPermitted) {
					t.Skip("SKIP: " + err.Error())
				} else if err != nil {
					t.Fatal(err)
				}
				before, err := os.Lstat(path + suffix)
				if err != nil {
					t.Fatal(err)
				}
				refuses(t, path, path+suffix)
				after, err := os.Lstat(path + suffix)
				if err != nil || !os.SameFile(before, after) || after.Mode() != before.Mode() {
					t.Errorf("it is %v (%v) now", after, err)
				}
				if names, err := filepath.Glob(filepath.Join(dir, "*-nowhere")); err != nil || len(names) > 0 {
					t.Errorf("a dangling link was followed: %q (%v)", names, err)
				}
				if text, err := os.ReadFile(other); err != nil || string(text) != "mine" {
					t.Errorf("another file holds %q (%v) now", text, err)
				}
			})
		}
	}
}

// Two sidecars that start and stop on one path, over and over: whoever has it can be reached, for as long as it has it.
func TestWhoHasTheSocketIsReached(t *testing.T) {
	path := filepath.Join(shortDir(t), "s.sock")
	var had [2]atomic.Int64
	var group sync.WaitGroup
	for i := range had {
		group.Go(func() {
			for had[0].Load()+had[1].Load() < 1000 {
				ln, err := listenSocket(path, 0o600)
				if err != nil {
					continue // the other one has it
				}
				if n := had[i].Add(1); !reached(ln, path) {
					t.Errorf("start %d of sidecar %d: the socket does not lead to it", n, i)
				}
				if err := ln.Close(); err != nil {
					t.Errorf("start %d of sidecar %d: %v", had[i].Load(), i, err)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d and %d starts", had[0].Load(), had[1].Load())
}

// reached tells whether a connection to path comes out at the listener.
func reached(ln net.Listener, path string) bool {
	conn, err := net.Dial("unix", path)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("x")); err != nil {
		return false
	}
	for { // the other one may look whether the socket lives: it says nothing
		got, err := ln.Accept()
		if err != nil {
			return false
		}
		n, _ := got.Read(make([]byte, 1))
		_ = got.Close()
		if n == 1 {
			return true
		}
	}
}

func TestSocketPathsHaveAnEnd(t *testing.T) {
	refuses(t, "/tmp/"+strings.Repeat("x", 200), "the system takes")
	longest := "/tmp/" + strings.Repeat("x", maxSocketPath-len("/tmp/"))
	t.Cleanup(func() { _ = os.Remove(longest + ".lock") })
	bind(t, longest)
}
