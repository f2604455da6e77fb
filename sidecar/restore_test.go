package sidecar

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

// away is a store that cannot be reached.
func away() *bundletest.Source {
	s := bundletest.NewSource()
	s.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
	return s
}

// keep puts entries into a state folder, the last one being the current one.
func keep(t *testing.T, state string, entries ...lkg.Entry) {
	t.Helper()
	folder := lkg.Open(lkg.Path(state), nil)
	defer func() { _ = folder.Close() }()
	for _, e := range entries {
		if err := folder.Save(e); err != nil {
			t.Fatal(err)
		}
	}
}

func entryOf(made bundletest.Made) lkg.Entry {
	return lkg.Entry{Manifest: made.Head, Bundle: made.Bundle}
}

func TestARestartServesWhatTheDiskHolds(t *testing.T) {
	maker, stranger := bundletest.New(t), bundletest.New(t)
	one, two := maker.Make(1, numbered(1), 1), maker.Make(2, numbered(2), 1)
	damaged := entryOf(two)
	damaged.Bundle = append([]byte(nil), damaged.Bundle...)
	damaged.Bundle[20] ^= 1
	for _, row := range []struct {
		name    string
		entries []lkg.Entry
		change  func(*Config)
		want    int64
	}{
		{"nothing", nil, nil, 0},
		{"the newest", []lkg.Entry{entryOf(one), entryOf(two)}, nil, 2},
		{"the one before, where the newest is damaged", []lkg.Entry{entryOf(one), damaged}, nil, 1},
		{"not what a stranger signed", []lkg.Entry{entryOf(one), entryOf(stranger.Make(9, numbered(9), 1))}, nil, 1},
		{"not a bundle under another's head", []lkg.Entry{entryOf(one), {Manifest: two.Head, Bundle: maker.Make(3, numbered(3), 1).Bundle}}, nil, 1},
		{"not what is for another environment", []lkg.Entry{entryOf(one)}, func(c *Config) { c.Environment = "shop/prod" }, 0},
		{"not what today's keys do not verify", []lkg.Entry{entryOf(one)}, func(c *Config) { c.Trust = stranger.Trust }, 0},
		{"not what is below the floor", []lkg.Entry{entryOf(one)}, func(c *Config) { c.MinRevision = 2 }, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := t.TempDir()
			keep(t, state, row.entries...)
			r := newRig(t, maker, away(), func(c *Config) {
				c.StateDir = state
				if row.change != nil {
					row.change(c)
				}
			})
			r.start(t)
			defer r.stop()
			if got := r.served(t); got != row.want {
				t.Errorf("revision %d is served; want %d", got, row.want)
			}
			if st := r.Status(time.Now()); row.want > 0 && (st.Active.From != fromDisk || st.Persisted.Revision != row.want || st.Freshness != freshStale) {
				t.Errorf("status %+v; want stale flags from disk", st)
			}
		})
	}
}

// Two sidecars on one state folder both serve. The second says that it keeps nothing, and takes the folder over once it is free.
func TestTheStateFolderIsTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, state := bundletest.New(t), bundletest.NewSource(), t.TempDir()
		set := func(c *Config) { c.StateDir = state }
		source.Publish(maker.Make(1, numbered(1), 1))
		first, second := newRig(t, maker, source, set), newRig(t, maker, source, set)
		first.start(t)
		time.Sleep(time.Minute)
		second.start(t)
		defer second.stop()
		if got := second.served(t); got != 1 {
			t.Errorf("the second serves %d from the start; want what the folder holds", got)
		}
		source.Publish(maker.Make(2, numbered(2), 1))
		time.Sleep(time.Minute)
		one, two := first.Status(time.Now()), second.Status(time.Now())
		if second.served(t) != 2 || len(one.Degraded) != 0 || len(two.Degraded) != 1 || !strings.Contains(two.Degraded[0], "held by another process") {
			t.Errorf("the second serves %d; degraded %q and %q", second.served(t), one.Degraded, two.Degraded)
		}
		source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
		first.stop()
		time.Sleep(retryEvery + time.Second)
		if st := second.Status(time.Now()); len(st.Degraded) != 0 || st.Persisted.Revision != 2 {
			t.Errorf("%v after the first has gone the second is degraded %q, persisted %d; want 2", retryEvery, st.Degraded, st.Persisted.Revision)
		}
	})
}

// A file that cannot be read is named for as long as nothing newer was written.
func TestAnUnreadableFileIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state := bundletest.New(t), t.TempDir()
		keep(t, state, entryOf(maker.Make(1, numbered(1), 1)), entryOf(maker.Make(2, numbered(2), 1)))
		disk, source := &faults{}, away()
		disk.set(func(step, name string) error {
			if step == "read" && name == "lkg.cur" {
				return syscall.EIO
			}
			return nil
		})
		r := newRig(t, maker, source, func(c *Config) { c.StateDir = state })
		r.disk = disk.before
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); r.served(t) != 1 || len(st.Degraded) != 1 || !strings.Contains(st.Degraded[0], "read lkg.cur: input/output error") {
			t.Errorf("revision %d is served, degraded %q; want 1, and what was not read", r.served(t), st.Degraded)
		}
		source.Break(nil)
		source.Publish(maker.Make(3, numbered(3), 1))
		time.Sleep(2 * time.Minute)
		if st := r.Status(time.Now()); r.served(t) != 3 || len(st.Degraded) != 0 {
			t.Errorf("revision %d is served, degraded %q; want 3 and no complaint", r.served(t), st.Degraded)
		}
	})
}

// A head whose bundle never came raises the floor and keeps its overrides across a restart.
func TestAHeadAloneIsRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, state := bundletest.New(t), bundletest.NewSource(), t.TempDir()
		old := maker.Make(1, shop, 7)
		source.Publish(old)
		set := func(c *Config) { c.StateDir = state }
		r := newRig(t, maker, source, set)
		r.start(t)
		time.Sleep(time.Minute)
		killed := maker.Make(2, shop+" ", 7, func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "on", Variant: "no"}} })
		source.Put(bundle.HeadKey, killed.Head)
		time.Sleep(time.Minute)
		r.stop()
		source.Publish(old) // replayed: the kill must not be undone
		r = newRig(t, maker, source, set)
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		if got := string(call(r.answer, "POST", flagsPath+"/on", "").Response.Body()); !strings.Contains(got, `"variant":"no"`) {
			t.Errorf("after a restart and a replay: %s; want the override", got)
		}
		if st := r.Status(time.Now()); st.Rejected == nil || st.Rejected.Reason != bundle.ReasonOlder {
			t.Errorf("rejected %+v; want the replay named", st.Rejected)
		}
	})
}

func TestBootstrap(t *testing.T) {
	maker, state := bundletest.New(t), t.TempDir()
	folder := flat(t, maker.Make(3, numbered(3), 1))
	start := func() *rig {
		r := newRig(t, maker, away(), func(c *Config) { c.Bootstrap, c.StateDir = folder, state })
		r.start(t)
		return r
	}
	r := start()
	if got := r.served(t); got != 3 || r.Status(time.Now()).Active.From != fromBootstrap {
		t.Errorf("revision %d from %s; want 3 from bootstrap", got, r.Status(time.Now()).Active.From)
	}
	r.stop()
	keep(t, state, entryOf(maker.Make(4, numbered(4), 1)))
	r = start()
	if got := r.served(t); got != 4 {
		t.Errorf("revision %d; want the disk's newer 4", got)
	}
	r.stop()
	if err := os.WriteFile(filepath.Join(folder, bundle.HeadKey), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r = start()
	defer r.stop()
	if got := r.served(t); got != 4 {
		t.Errorf("revision %d with an empty bootstrap manifest; want 4", got)
	}
}

// A bootstrap folder is there for a disk that gives nothing, also for one that takes all the time there is.
func TestBootstrapBesideAHangingDisk(t *testing.T) {
	maker := bundletest.New(t)
	folder := flat(t, maker.Make(3, numbered(3), 1))
	for range 20 { // the wrong way to wait is right half of the time
		synctest.Test(t, func(t *testing.T) {
			disk, release := &faults{}, make(chan struct{})
			disk.set(func(string, string) error { <-release; return nil })
			r := newRig(t, maker, away(), func(c *Config) { c.Bootstrap, c.StateDir = folder, t.TempDir() })
			r.disk = disk.before
			r.start(t)
			if got := r.served(t); got != 3 {
				t.Errorf("revision %d; want 3 from bootstrap", got)
			}
			close(release)
			r.stop()
		})
	}
}

// faults fails or holds steps on disk while they are set.
type faults struct {
	mu   sync.Mutex
	rule lkg.Before
}

func (f *faults) set(rule lkg.Before) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rule = rule
}

func (f *faults) before(step, name string) error {
	f.mu.Lock()
	rule := f.rule
	f.mu.Unlock()
	if rule == nil {
		return nil
	}
	return rule(step, name)
}

// Whatever file the disk fails, new flags act, the fault is said for as long as it lasts, and it is made up for afterwards.
func TestAFaultyDiskStopsNothing(t *testing.T) {
	for _, file := range []string{"lkg.cur", "lkg.head", "lkg.prev", "confirmed", "."} {
		t.Run(file, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				maker, source, disk := bundletest.New(t), bundletest.NewSource(), &faults{}
				r := newRig(t, maker, source, func(c *Config) { c.StateDir = t.TempDir() })
				r.disk = disk.before
				r.start(t)
				defer r.stop()
				source.Publish(maker.Make(1, numbered(1), 1))
				time.Sleep(time.Minute)
				disk.set(func(_, name string) error {
					if strings.TrimSuffix(name, ".tmp") == file {
						return syscall.ENOSPC
					}
					return nil
				})
				source.Publish(maker.Make(2, numbered(2), 1))
				time.Sleep(time.Minute)
				for range 60 {
					time.Sleep(7 * time.Second)
					if got := r.served(t); got != 2 {
						t.Fatalf("revision %d; want 2", got)
					}
					if st := r.Status(time.Now()); len(st.Degraded) != 1 || !strings.HasPrefix(st.Degraded[0], "persistence: ") {
						t.Fatalf("degraded %q while the disk fails", st.Degraded)
					}
				}
				disk.set(nil)
				time.Sleep(time.Minute)
				if st := r.Status(time.Now()); len(st.Degraded) != 0 || st.Persisted.Revision != 2 {
					t.Errorf("degraded %q, persisted %d after the disk came back; want 2", st.Degraded, st.Persisted.Revision)
				}
			})
		})
	}
}

// What could not be saved was not confirmed either: a restart does not call the older flags on disk fresh.
func TestAConfirmationIsOfWhatTheDiskHolds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, disk, state := bundletest.New(t), bundletest.NewSource(), &faults{}, t.TempDir()
		set := func(c *Config) { c.StateDir = state }
		r := newRig(t, maker, source, set)
		r.disk = disk.before
		r.start(t)
		source.Publish(maker.Make(1, numbered(1), 1))
		time.Sleep(time.Minute)
		disk.set(func(_, name string) error {
			if strings.HasPrefix(name, "lkg.cur") {
				return syscall.EIO
			}
			return nil
		})
		source.Publish(maker.Make(2, numbered(2), 1))
		time.Sleep(10 * time.Minute)
		r.stop()
		r = newRig(t, maker, away(), set)
		r.start(t)
		defer r.stop()
		st := r.Status(time.Now())
		if st.Active.Revision != 1 || st.Freshness != freshStale || !st.Behind || st.Sync.HeadRevision != 2 {
			t.Errorf("revision %d is %s, behind %v of head %d; want 1, stale and behind 2", st.Active.Revision, st.Freshness, st.Behind, st.Sync.HeadRevision)
		}
	})
}

func TestAHangingDiskStopsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, disk := bundletest.New(t), bundletest.NewSource(), &faults{}
		r := newRig(t, maker, source, func(c *Config) { c.StateDir = t.TempDir() })
		r.disk = disk.before
		source.Publish(maker.Make(1, numbered(1), 1))
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		release := make(chan struct{})
		disk.set(func(string, string) error { <-release; return nil })
		for revision := int64(2); revision < 6; revision++ {
			source.Publish(maker.Make(revision, numbered(revision), 1))
			time.Sleep(30 * time.Second)
			if st := r.Status(time.Now()); r.served(t) != revision || len(st.Degraded) != 1 {
				t.Errorf("revision %d, degraded %q; want %d, and the disk named", r.served(t), st.Degraded, revision)
			}
		}
		disk.set(nil)
		close(release)
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); len(st.Degraded) != 0 || st.Persisted.Revision != 5 {
			t.Errorf("degraded %q, persisted %d after the disk came back; want 5", st.Degraded, st.Persisted.Revision)
		}
	})
}

// A disk that hangs holds up neither the start nor the end.
func TestStartAndEndDoNotWaitForTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, disk := bundletest.New(t), bundletest.NewSource(), &faults{}
		release := make(chan struct{})
		disk.set(func(string, string) error { <-release; return nil })
		state := t.TempDir()
		keep(t, state, entryOf(maker.Make(1, numbered(1), 1)))
		r := newRig(t, maker, source, func(c *Config) { c.StateDir = state })
		r.disk = disk.before
		source.Publish(maker.Make(2, numbered(2), 1))
		begin := time.Now()
		r.start(t)
		if took := time.Since(begin); took > restoreWait {
			t.Errorf("the start took %v; want no more than %v", took, restoreWait)
		}
		time.Sleep(time.Minute)
		if got := r.served(t); got != 2 {
			t.Errorf("revision %d; want the store's 2", got)
		}
		begin = time.Now()
		r.stop()
		if took := time.Since(begin); took > 2*saveWait {
			t.Errorf("the end took %v; want no more than %v", took, 2*saveWait)
		}
		close(release)
		<-r.keeper.ended // what it still saves goes to a folder that the test removes
	})
}

// A disk that takes longer than a start waits is heard all the same: its flags are served where the store has none that are newer.
func TestADiskThatAnswersLate(t *testing.T) {
	for _, row := range []struct {
		name         string
		store, want  int64
		reason, from string
	}{
		{"the store is away", 0, 2, "", fromDisk},
		{"the store is older", 1, 2, "older", fromDisk},
		{"the store is newer", 3, 3, "", fromStore},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				maker, source, disk := bundletest.New(t), away(), &faults{}
				if row.store > 0 {
					source.Break(nil)
					source.Publish(maker.Make(row.store, numbered(row.store), 1))
				}
				state := t.TempDir()
				keep(t, state, entryOf(maker.Make(2, numbered(2), 1)))
				release := make(chan struct{})
				disk.set(func(string, string) error { <-release; return nil })
				r := newRig(t, maker, source, func(c *Config) { c.StateDir = state })
				r.disk = disk.before
				r.start(t)
				defer r.stop()
				time.Sleep(20 * time.Second)
				if got := r.served(t); got != row.store {
					t.Fatalf("revision %d before the disk answered; want %d", got, row.store)
				}
				if st := r.Status(time.Now()); len(st.NotTaken) != 1 || len(st.Degraded) == 0 {
					t.Errorf("before the disk answered: not taken %v, degraded %q; want both to say so", st.NotTaken, st.Degraded)
				}
				close(release)
				time.Sleep(time.Minute)
				st := r.Status(time.Now())
				if got := r.served(t); got != row.want || st.Active.From != row.from || st.Persisted.Revision != row.want {
					t.Errorf("revision %d from %s, %d on disk; want %d from %s", got, st.Active.From, st.Persisted.Revision, row.want, row.from)
				}
				if len(st.NotTaken) != 0 || len(st.Degraded) != 0 {
					t.Errorf("after the disk answered: not taken %v, degraded %q", st.NotTaken, st.Degraded)
				}
				if got := st.Rejected; (got != nil) != (row.reason != "") || got != nil && string(got.Reason) != row.reason {
					t.Errorf("rejected %+v; want %q", got, row.reason)
				}
				r.stop()
				again := newRig(t, maker, away(), func(c *Config) { c.StateDir = state })
				again.start(t)
				defer again.stop()
				if got := again.served(t); got != row.want {
					t.Errorf("revision %d after a restart; want %d", got, row.want)
				}
			})
		})
	}
}

// A restart within the bound does not make fresh flags stale; one after it does.
func TestConfirmationsOutliveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, state := bundletest.New(t), bundletest.NewSource(), t.TempDir()
		source.Publish(maker.Make(1, numbered(1), 1))
		set := func(c *Config) { c.StateDir = state }
		r := newRig(t, maker, source, set)
		r.start(t)
		time.Sleep(5 * time.Minute)
		r.stop()
		for _, row := range []struct {
			pause time.Duration
			want  string
		}{{10 * time.Second, fresh}, {2 * time.Minute, freshStale}, {-24 * time.Hour, freshStale}} {
			if row.pause < 0 { // a clock that was set back: the confirmation lies in the future
				keepConfirmed(t, state, time.Now().Add(-row.pause))
			}
			time.Sleep(row.pause)
			r = newRig(t, maker, away(), set)
			r.start(t)
			if st := r.Status(time.Now()); st.Freshness != row.want {
				t.Errorf("%v after the last confirmation: %s; want %s", row.pause, st.Freshness, row.want)
			}
			r.stop()
		}
	})
}

func keepConfirmed(t *testing.T, state string, at time.Time) {
	t.Helper()
	folder := lkg.Open(lkg.Path(state), nil)
	defer func() { _ = folder.Close() }()
	_, name := folder.Confirmed()
	if err := folder.SaveConfirmed(at, name); err != nil {
		t.Fatal(err)
	}
}
