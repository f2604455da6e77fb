package process

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/test/kit"
)

// mountState puts a small file system of its own where the state is to be.
func mountState(t *testing.T, shop *kit.Shop, size string) {
	t.Helper()
	state := shop.Path("state")
	makeFolder(t, state, 0o755)
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "mode=755,size="+size); err != nil {
		t.Skipf("SKIP: a file system cannot be mounted here (%v): root may", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(state, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func degradedBy(why string) func(kit.Status) bool {
	return func(st kit.Status) bool {
		return len(st.Degraded) == 1 && strings.HasPrefix(st.Degraded[0], "persistence: ") && strings.Contains(st.Degraded[0], why)
	}
}

// A disk that is really full: new flags act, /status says what is wrong and what a restart would find, and once there is room they are
// saved.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	mountState(t, shop, "256k")
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.Start(t, soon...)
	burgee.Fresh(t, 1)
	filler := shop.Path("state", "filler")
	fill(t, filler)
	shop.Publish(t, kit.Flags(2, 100), "--allow-growth")
	burgee.WillServe(t, 2, 2)
	st := burgee.Until(t, "a full disk", degradedBy("no space left on device"))
	if st.Active.Revision != 2 || st.Persisted.Revision != 1 {
		t.Errorf("active %d, persisted %d; want 2 and 1", st.Active.Revision, st.Persisted.Revision)
	}
	burgee.Kill()
	burgee = shop.Start(t, soon...)
	burgee.WillServe(t, 2, 2) // from the disk at first, where 1 is whole, and from the store then
	burgee.Until(t, "a full disk after a restart", degradedBy("no space left on device"))
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	burgee.Until(t, "nothing degraded once there is room", func(st kit.Status) bool {
		return len(st.Degraded) == 0 && st.Freshness == "fresh" && st.Persisted.Revision == 2
	})
}

// fill leaves not one page.
func fill(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	page := make([]byte, 4096)
	for {
		if _, err := file.Write(page); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// A file system that comes back read-only after a fault: what it holds is served, new flags act, and once it can be written to again they
// are saved.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	mountState(t, shop, "1m")
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.Start(t, soon...)
	burgee.Fresh(t, 1)
	burgee.Stop(t)
	remount(t, shop, unix.MS_RDONLY)
	rename(t, shop.Path("store"), shop.Path("away"))
	burgee = shop.Start(t, soon...)
	burgee.Serves(t, 1, 1)
	if st := burgee.Until(t, "a read-only disk", degradedBy("read-only file system")); st.Active.From != "disk" {
		t.Errorf("flags from %q; want them from disk", st.Active.From)
	}
	rename(t, shop.Path("away"), shop.Path("store"))
	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Until(t, "a read-only disk", degradedBy("read-only file system"))
	remount(t, shop, 0)
	if st := burgee.Fresh(t, 2); len(st.Degraded) != 0 {
		t.Errorf("degraded %q once the disk can be written to", st.Degraded)
	}
}

func remount(t *testing.T, shop *kit.Shop, flags uintptr) {
	t.Helper()
	if err := unix.Mount("", shop.Path("state"), "", unix.MS_REMOUNT|flags, ""); err != nil {
		t.Fatal(fmt.Errorf("remount: %w", err))
	}
}
