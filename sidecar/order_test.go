package sidecar

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// New flags are on disk before they act: a restart at any moment finds what was answered from.
func TestFlagsAreSavedBeforeTheyAct(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, disk := bundletest.New(t), bundletest.NewSource(), &faults{}
		r := newRig(t, maker, source, func(c *Config) { c.StateDir = t.TempDir() })
		r.disk = disk.before
		source.Publish(maker.Make(1, numbered(1), 1))
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		saves := 0
		disk.set(func(step, name string) error {
			if step == "rename" && name == "lkg.cur" {
				saves++
				if got := r.holder.current.Load().revision; got != 1 {
					t.Errorf("revision %d acts before it is on disk", got)
				}
			}
			return nil
		})
		source.Publish(maker.Make(2, numbered(2), 1))
		time.Sleep(time.Minute)
		if got := r.served(t); got != 2 || saves != 1 {
			t.Errorf("revision %d after %d saves; want 2 after one", got, saves)
		}
	})
}

// A confirmation counts for the flags that it was of: those before them, which a damaged file brings back, are not fresh by it.
func TestAConfirmationIsOfNoOtherFlags(t *testing.T) {
	maker, state := bundletest.New(t), t.TempDir()
	one, two := maker.Make(1, numbered(1), 1), maker.Make(2, numbered(2), 1)
	keep(t, state, entryOf(one), entryOf(two))
	head, err := maker.Policy().Open(two.Head)
	if err != nil {
		t.Fatal(err)
	}
	folder := lkg.Open(lkg.Path(state), nil)
	if err := folder.SaveConfirmed(time.Now(), string(head.Payload())); err != nil {
		t.Fatal(err)
	}
	_ = folder.Close()
	wantRestored(t, maker, state, 2, fresh)
	if err := os.WriteFile(filepath.Join(lkg.Path(state), "lkg.cur"), []byte("rotten"), 0o600); err != nil {
		t.Fatal(err)
	}
	wantRestored(t, maker, state, 1, freshStale)
}

func wantRestored(t *testing.T, maker *bundletest.Maker, state string, revision int64, freshness string) {
	t.Helper()
	r := newRig(t, maker, away(), func(c *Config) { c.StateDir = state })
	r.start(t)
	defer r.stop()
	if st := r.Status(time.Now()); st.Active.Revision != revision || st.Freshness != freshness {
		t.Errorf("revision %d is %s; want %d, %s", st.Active.Revision, st.Freshness, revision, freshness)
	}
}
