package sidecar

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

// What was published between two polls is fetched afterwards: a request may have been pinned to it by a sidecar that saw it.
func TestMissedRevisionsAreFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		for range 4 {
			h.number()
		}
		time.Sleep(time.Minute)
		for revision := int64(1); revision <= 5; revision++ {
			if got := r.ask(t, "Burgee-Snapshot", h.tokens[revision]); got.Value != float64(revision) || got.missed() {
				t.Errorf("revision %d: %+v", revision, got)
			}
		}
		gets := h.source.Gets(bundle.RevisionKey(4))
		h.number()
		time.Sleep(10 * time.Minute)
		if n := h.source.Gets(bundle.RevisionKey(4)) + h.source.Gets(bundle.RevisionKey(5)); n != gets {
			t.Errorf("what is known was read %d times more", n-gets)
		}
	})
}

// A pod that starts fetches what still counts and no more: neither what was replaced long ago, nor what the publisher ended, nor more
// bundles than are held. In a store that is at rest it asks for nothing.
func TestAFreshPodFetchesThePast(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*Config)
		oldest int64
		rest   time.Duration
		want   string
	}{
		{"all that counts", nil, 1, 0, "[6 5 4 3]"},
		{"the oldest pin", nil, 5, 0, "[6 5]"},
		{"as many as are held", func(c *Config) { c.Retain = 3 }, 1, 0, "[6 5 4]"},
		{"none but the served", func(c *Config) { c.Retain = 1 }, 1, 0, "[6]"},
		{"at rest", nil, 1, 20 * time.Minute, "[6]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				for range 3 {
					h.number()
				}
				time.Sleep(time.Minute)
				h.number()
				h.number()
				time.Sleep(14*time.Minute + 30*time.Second) // the third was replaced less than a quarter of an hour ago, the second more
				h.number(func(m *bundle.Manifest) { m.OldestPin = row.oldest })
				time.Sleep(row.rest)
				r := h.rig()
				if row.change != nil {
					r = h.rig(row.change)
				}
				r.start(t)
				defer r.stop()
				time.Sleep(20 * time.Second)
				if held := fmt.Sprint(r.Status(time.Now()).Held); held != row.want {
					t.Errorf("held %s; want %s", held, row.want)
				}
				if n := h.source.Gets(bundle.RevisionKey(5)); row.rest > 0 && n > 0 {
					t.Errorf("a store at rest was asked for the past %d times", n)
				}
			})
		})
	}
}

// A store that does not give the past is asked again, and neither polls nor answers wait for it.
func TestThePastIsAskedForAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		h.number()
		h.source.Break(func(ctx context.Context, key string) (func([]byte) []byte, error) {
			if strings.HasPrefix(key, bundle.RevisionsPrefix) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			return nil, nil
		})
		r := h.follow()
		h.number()
		time.Sleep(20 * time.Second)
		if got := r.ask(t); got.Value != 3.0 {
			t.Errorf("%+v; want revision 3 though the past hangs", got)
		}
		h.source.Break(nil)
		time.Sleep(2 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 1.0 || got.missed() {
			t.Errorf("%+v; want revision 1", got)
		}
	})
}

// What was held is held after a restart though the store is away, and is verified again: what does not is refused, and named.
func TestHeldRevisionsSurviveARestart(t *testing.T) {
	for _, damage := range []bool{false, true} {
		t.Run(fmt.Sprint("damaged ", damage), func(t *testing.T) {
			state := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				keep := func(c *Config) { c.StateDir = state }
				r := h.rig(keep)
				h.number()
				r.start(t)
				for range 4 {
					time.Sleep(time.Minute)
					h.number()
				}
				time.Sleep(time.Minute)
				r.stop()
				h.source.Break(unavailable)
				if damage {
					damageHeld(t, state, 2)
				}
				r = h.rig(keep)
				r.start(t)
				defer r.stop()
				time.Sleep(time.Second)
				for revision := int64(1); revision <= 5; revision++ {
					got, lost := r.ask(t, "Burgee-Snapshot", h.tokens[revision]), damage && revision == 2
					if lost != got.missed() || !lost && (got.Value != float64(revision) || got.revision != revision) {
						t.Errorf("revision %d: %+v", revision, got)
					}
				}
				if notTaken := r.Status(time.Now()).NotTaken; damage != (len(notTaken) == 1) {
					t.Errorf("not taken: %+v; damaged %v", notTaken, damage)
				}
			})
		})
	}
}

// damageHeld changes a byte of the held file of a revision.
func damageHeld(t *testing.T, state string, revision int64) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(lkg.Path(state), fmt.Sprintf("held.%016d.*", revision)))
	if err != nil || len(files) != 1 {
		t.Fatalf("held files of revision %d: %v (%v)", revision, files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A sidecar that holds as much as it may still fetches what it missed: the oldest gives way, as it does to all that is newer.
func TestAMissedRevisionTakesThePlaceOfTheOldest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		r := h.rig(func(c *Config) { c.Retain = 3 })
		h.number()
		r.start(t)
		defer r.stop()
		for range 3 {
			time.Sleep(time.Minute)
			h.number()
		}
		time.Sleep(time.Minute)
		h.number()
		h.number()
		time.Sleep(time.Minute)
		if held := fmt.Sprint(r.Status(time.Now()).Held); held != "[6 5 4]" {
			t.Errorf("held %s; want 6, 5 and 4", held)
		}
	})
}

// The walk ends where the memory for what is held does, though more bundles might be held: it would fetch them for nothing.
func TestTheWalkEndsWhereTheMemoryDoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		for revision := range int64(8) {
			h.publishMany(weighty(revision+1, 1500), weightyFlags+1)
		}
		r := h.follow()
		held := r.Status(time.Now()).Held
		oldest := held[len(held)-1]
		if oldest < 4 || oldest > 7 {
			t.Fatalf("held %v; want a few such large ones", held)
		}
		if n := h.source.Gets(bundle.RevisionKey(oldest - 1)); n != 1 {
			t.Errorf("revision %d, which found no room, was read %d times", oldest-1, n)
		}
		if n := h.source.Gets(bundle.RevisionKey(oldest - 3)); n != 0 {
			t.Errorf("revision %d was read %d times; want none once another found no room", oldest-3, n)
		}
	})
}

// However many revisions there are over a few bundles, only as many are looked at as are known at once.
func TestAWalkOverTheSameFlagsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		for revision := range int64(maxRevisions + 20) {
			h.publish(numbered(1 + revision%2))
		}
		r := h.follow()
		if n := len(r.Status(time.Now()).Held); n != maxRevisions {
			t.Errorf("%d revisions are held; want %d", n, maxRevisions)
		}
		if n := h.source.Gets(bundle.RevisionKey(10)); n != 0 {
			t.Errorf("revision 10 was read %d times", n)
		}
		old := r.ask(t, "Burgee-Snapshot", h.tokens[2])
		if old.missed() || old.revision != 2 || old.Value != 2.0 {
			t.Errorf("a good token of another revision over the same flags: %+v", old)
		}
	})
}

// What is refused of the past is fetched once, and what comes before it all the same.
func TestARefusedPastIsFetchedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		h.number()
		h.publish(numbered(3), func(m *bundle.Manifest) { m.Bundle.Flags = 7 })
		refused := bundle.Key(h.last.Manifest().Bundle.Digest)
		h.number()
		r := h.rig()
		r.start(t)
		defer r.stop()
		time.Sleep(5 * time.Minute)
		if held := fmt.Sprint(r.Status(time.Now()).Held); held != "[4 2 1]" {
			t.Errorf("held %s; want all but the third", held)
		}
		if n := h.source.Gets(refused); n != 1 {
			t.Errorf("what was refused was fetched %d times", n)
		}
	})
}

// A revision whose flags did not come before the next one was there is fetched as any other that was missed.
func TestARevisionWhoseFlagsDidNotComeIsFetched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.source.Break(func(_ context.Context, key string) (func([]byte) []byte, error) {
			if strings.HasPrefix(key, bundle.BundlesPrefix) {
				return nil, object.ErrUnavailable
			}
			return nil, nil
		})
		h.number()
		time.Sleep(time.Minute)
		h.source.Break(nil)
		h.number()
		time.Sleep(2 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.missed() {
			t.Errorf("%+v; want revision 2", got)
		}
	})
}

// Where all but past revisions is lost of a disk, the newest of these is served, and is the floor below which no store is followed.
func TestThePastIsAFloorToo(t *testing.T) {
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		keep := func(c *Config) { c.StateDir = state }
		r := h.rig(keep)
		h.number()
		old := h.last.Raw()
		r.start(t)
		for range 3 {
			time.Sleep(time.Minute)
			h.number()
		}
		time.Sleep(time.Minute)
		r.stop()
		for _, name := range []string{"lkg.cur", "lkg.prev", "lkg.head"} {
			if err := os.Remove(filepath.Join(lkg.Path(state), name)); err != nil {
				t.Fatal(err)
			}
		}
		h.source.Put(bundle.HeadKey, old)
		r = h.rig(keep)
		r.start(t)
		defer r.stop()
		synctest.Wait()
		if got := r.ask(t); got.Value != 3.0 {
			t.Errorf("at the start: %+v; want revision 3", got)
		}
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); st.Active.Revision != 3 || st.Rejected == nil || st.Rejected.Reason != bundle.ReasonOlder || st.Persisted.Revision != 3 {
			t.Errorf("active %d, rejected %+v, persisted %d; want the old head refused", st.Active.Revision, st.Rejected, st.Persisted.Revision)
		}
	})
}

// What was refused when it was the newest is not fetched again as the past: it takes the memory of a whole document to refuse it.
func TestWhatWasRefusedIsNoPast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.publish(numbered(2), func(m *bundle.Manifest) { m.Bundle.Flags = 7 })
		refused := bundle.Key(h.last.Manifest().Bundle.Digest)
		time.Sleep(time.Minute)
		h.number()
		time.Sleep(time.Minute)
		if got, n := r.ask(t), h.source.Gets(refused); got.Value != 3.0 || n != 1 {
			t.Errorf("%+v; what was refused was fetched %d times, want once", got, n)
		}
	})
}
