package sidecar

import (
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// On a disk that is smaller than the bound, held files give way to whatever is newer: no save fails for them.
func TestHeldFilesGiveWayOnAFullDisk(t *testing.T) {
	state := t.TempDir()
	if err := unix.Mount("tmpfs", state, "tmpfs", 0, "mode=755,size=10m"); err != nil {
		t.Skipf("SKIP: a file system cannot be mounted here (%v): root may", err)
	}
	defer func() {
		if err := unix.Unmount(state, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		maker, full := bundletest.New(t), 0
		s := newShelf(t, maker, state, func(step, name string) error {
			if step == "remove" && name == "lkg.cur.tmp" {
				full++ // twice for each save that fails
			}
			return nil
		}, 16)
		defer s.stop()
		random := rand.New(rand.NewPCG(1, 2))
		for revision := int64(1); revision <= 12; revision++ {
			document := numbered(revision)
			if random.IntN(3) > 0 {
				document = padded(revision)
			}
			<-s.adopt(s.verified(t, revision, document))
			synctest.Wait()
			if now, problem := s.state(time.Now()); now != revision || problem != nil {
				t.Errorf("revision %d is kept (%v); want %d", now, problem, revision)
			}
		}
		if got := held(t, s.keeper, maker); !strings.HasPrefix(got, "11 ") || !strings.HasSuffix(got, " 1") { // which is lkg.prev, and takes nothing
			t.Errorf("held %q; want the newest of the past, and 1", got)
		}
		if full <= 12 {
			t.Errorf("%d temporaries were removed: the disk was never full", full)
		}
		t.Logf("held %s", held(t, s.keeper, maker))
	})
}
