package sidecar

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// pod is a state folder on which processes live and die, over one store.
type pod struct {
	maker  *bundletest.Maker
	source *bundletest.Source
	state  string
}

func newPod(t *testing.T) *pod {
	return &pod{bundletest.New(t), bundletest.NewSource(), t.TempDir()}
}

func (p *pod) start(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, p.maker, p.source, func(c *Config) { c.StateDir = p.state })
	r.start(t)
	return r
}

// die ends a process as kill -9 does: the next one finds the folder as it is now.
func (p *pod) die(t *testing.T, r *rig) {
	t.Helper()
	now := t.TempDir()
	if err := os.CopyFS(now, os.DirFS(p.state)); err != nil {
		t.Fatal(err)
	}
	r.stop()
	p.state = now
	if err := os.Chmod(lkg.Path(now), 0o700); err != nil {
		t.Fatal(err)
	}
}

func (p *pod) publish(revision int64, document string, change ...func(*bundle.Manifest)) {
	p.source.Publish(p.maker.Make(revision, document, 1, change...))
}

// quarantined tells whether /status says so.
func quarantined(r *rig) bool {
	st := r.Status(time.Now())
	for _, text := range st.Degraded {
		if strings.HasPrefix(text, "quarantine: ") {
			return true
		}
	}
	return false
}

// wantServed wants that revision's flags.
func wantServed(t *testing.T, r *rig, revision int64, inQuarantine bool) {
	t.Helper()
	if got := r.served(t); got != revision || quarantined(r) != inQuarantine {
		t.Fatalf("revision %d is served, degraded %q; want %d, quarantine %v", got, r.Status(time.Now()).Degraded, revision, inQuarantine)
	}
}

// poisoned is a pod that served revision 1 for long, and then lost two processes within seconds of taking up revision 2.
func poisoned(t *testing.T) *pod {
	t.Helper()
	p := newPod(t)
	p.publish(1, numbered(1))
	r := p.start(t)
	time.Sleep(time.Minute)
	p.publish(2, numbered(2))
	time.Sleep(20 * time.Second)
	wantServed(t, r, 2, false)
	p.die(t, r)
	r = p.start(t)
	wantServed(t, r, 2, false)
	time.Sleep(20 * time.Second)
	p.die(t, r)
	return p
}

// After two deaths the bundle before is served, whatever path the other comes by; the overrides of its heads act all the same; and
// another bundle ends it.
func TestABundleThatKillsIsQuarantined(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := poisoned(t)
		r := p.start(t)
		defer func() { r.stop() }()
		wantServed(t, r, 1, true)
		if st := r.Status(time.Now()); st.Active.From != fromDisk || st.Rejected != nil || !st.Behind == (st.Sync.HeadRevision == 2) {
			t.Errorf("status %+v; want flags from disk, behind the head", st)
		}
		time.Sleep(5 * time.Minute)
		wantServed(t, r, 1, true)
		st := r.Status(time.Now())
		if st.Rejected == nil || st.Rejected.Reason != bundle.ReasonQuarantined || !st.Behind || st.Persisted.Revision != 1 {
			t.Errorf("status %+v; want the refusal named", st)
		}
		r.stop()
		r = p.start(t)
		wantServed(t, r, 1, true) // five minutes with another bundle acquit nobody
		p.publish(3, numbered(2), func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision", Variant: "it"}} })
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); len(st.Overrides) != 1 || st.Overrides[0].Problem != "" || st.Active.Revision != 1 || !quarantined(r) {
			t.Errorf("status %+v; want the override in force over revision 1", st)
		}
		p.publish(4, numbered(4))
		time.Sleep(20 * time.Second)
		wantServed(t, r, 4, false)
		if st := r.Status(time.Now()); st.Rejected != nil || st.Persisted.Revision != 4 || len(st.Degraded) != 0 {
			t.Errorf("status after a good bundle: %+v", st)
		}
		time.Sleep(time.Minute)
		p.die(t, r)
		r = p.start(t)
		wantServed(t, r, 4, false)
		p.publish(5, numbered(2), func(m *bundle.Manifest) { m.Bundle.PreviousFlags = 1 })
		time.Sleep(20 * time.Second)
		if st := r.Status(time.Now()); st.Active.Revision != 5 {
			t.Errorf("status %+v; want the bundle tried again, which was forgotten once another was published and did well", st)
		}
	})
}

// A bundle may kill the process before it or its head is saved, and long after the start, when the bundle before has done well again:
// only the note tells of it then.
func TestABundleThatKillsWhileItIsCompiled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPod(t)
		start := func(disk *faults) *rig {
			r := newRig(t, p.maker, p.source, func(c *Config) { c.StateDir, c.Poll = p.state, 5*time.Minute })
			r.disk = disk.before
			r.start(t)
			return r
		}
		p.publish(1, numbered(1))
		r := start(&faults{})
		time.Sleep(time.Minute)
		r.stop()
		p.publish(2, numbered(2))
		for range maxDeaths {
			disk := &faults{}
			disk.set(func(step, name string) error { // what comes after the note never happens
				if step != "read" && strings.HasPrefix(name, "lkg.") {
					return os.ErrPermission
				}
				return nil
			})
			r = start(disk)
			for r.served(t) != 2 {
				time.Sleep(time.Second)
			}
			p.die(t, r)
		}
		r = start(&faults{})
		defer r.stop()
		time.Sleep(10 * time.Minute)
		wantServed(t, r, 1, true)
	})
}

// The proof of one bundle may fall into the moment in which the next one kills.
func TestAProofSaysNothingOfLaterBundles(t *testing.T) {
	tried := trials{past: lkg.Trials{"a": 1, "c": 1}}
	for _, d := range []bundle.Digest{"a", "b", "c"} {
		tried.note(d)
	}
	tried.prove("b")
	if got := tried.record(); !maps.Equal(got, lkg.Trials{"c": 2}) {
		t.Errorf("the next start would find %v; want c, twice", got)
	}
}

// However many bundles come, the file stays one that can be read back.
func TestTrialsAreBounded(t *testing.T) {
	tried := trials{past: lkg.Trials{}}
	for n := range lkg.MaxTrials {
		tried.past[fmt.Sprint("past", n)] = 1
	}
	for n := range 1000 {
		tried.note(bundle.Digest(fmt.Sprint("run", n)))
	}
	tried.note(bundle.Digest("run999"))
	if len(tried.run) != maxTried {
		t.Errorf("%d bundles are remembered; want %d, each once", len(tried.run), maxTried)
	}
	got := tried.record()
	if len(got) != lkg.MaxTrials || got["run999"] != 1 {
		t.Errorf("%d bundles are recorded, the last one %d times; want %d, and once", len(got), got["run999"], lkg.MaxTrials)
	}
}

// Two bad bundles in a row do not push the last good one off the disk.
func TestTheLastGoodBundleOutlivesBadOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPod(t)
		p.publish(1, numbered(1))
		r := p.start(t)
		time.Sleep(time.Minute)
		p.publish(2, numbered(2))
		time.Sleep(20 * time.Second)
		p.die(t, r)
		r = p.start(t)
		p.publish(3, numbered(3))
		time.Sleep(20 * time.Second)
		wantServed(t, r, 3, false)
		p.die(t, r)
		r = p.start(t)
		time.Sleep(time.Second)
		p.die(t, r)
		r = p.start(t)
		defer r.stop()
		wantServed(t, r, 1, true)
	})
}

// What is no bundle's fault is not held against it: ends in order, deaths after half a minute, and deaths of other bundles.
func TestWhoIsNotQuarantined(t *testing.T) {
	for name, live := range map[string]func(t *testing.T, p *pod, r *rig){
		"stopped in order": func(_ *testing.T, _ *pod, r *rig) { time.Sleep(5 * time.Second); r.stop() },
		"died after half a minute": func(t *testing.T, p *pod, r *rig) {
			time.Sleep(time.Minute)
			p.die(t, r)
		},
		"another bundle each time": func(t *testing.T, p *pod, r *rig) {
			next := r.served(t) + 1
			p.publish(next, numbered(next))
			time.Sleep(20 * time.Second)
			wantServed(t, r, next, false)
			p.die(t, r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPod(t)
				p.publish(1, numbered(1))
				r := p.start(t)
				time.Sleep(time.Minute)
				for range 5 {
					live(t, p, r)
					r = p.start(t)
					if newest := r.Status(time.Now()).Sync.HeadRevision; r.served(t) != newest || quarantined(r) {
						t.Fatalf("revision %d is served of %d, degraded %q", r.served(t), newest, r.Status(time.Now()).Degraded)
					}
				}
				r.stop()
			})
		})
	}
}

// A pod that has nothing else tries again, and a bundle that does well then is acquitted.
func TestQuarantineLeavesNoPodEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPod(t)
		p.publish(1, numbered(1))
		var r *rig
		for range maxDeaths + 2 {
			r = p.start(t)
			time.Sleep(10 * time.Second)
			if got := r.served(t); got != 1 {
				t.Fatalf("revision %d is served; want 1, since there is nothing else", got)
			}
			p.die(t, r)
		}
		if err := os.Remove(filepath.Join(lkg.Path(p.state), "lkg.cur")); err != nil { // from the store it is no other thing
			t.Fatal(err)
		}
		r = p.start(t)
		time.Sleep(10 * time.Second)
		wantServed(t, r, 1, true)
		time.Sleep(30 * time.Second)
		wantServed(t, r, 1, false)
		p.die(t, r)
		r = p.start(t)
		defer r.stop()
		wantServed(t, r, 1, false)
	})
}

// Where all are quarantined, the one with the fewest deaths is tried first: perhaps it is not the bundles that kill.
func TestTheLeastDeadlyIsTriedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := poisoned(t)
		p.source = away()
		for _, want := range []int64{1, 1, 2, 1, 2} {
			r := p.start(t)
			if got := r.served(t); got != want {
				t.Fatalf("revision %d is served; want %d", got, want)
			}
			time.Sleep(time.Second)
			p.die(t, r)
		}
	})
}

// Whoever removes the file acquits all; a file that is broken judges nobody.
func TestWithoutATrialsFileNobodyIsQuarantined(t *testing.T) {
	for name, spoil := range map[string]func(file string) error{
		"removed": os.Remove,
		"cut":     func(file string) error { return os.Truncate(file, 30) },
		"a folder": func(file string) error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Mkdir(file, 0o700)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := poisoned(t)
				if err := spoil(lkg.TrialsFile(lkg.Path(p.state))); err != nil {
					t.Fatal(err)
				}
				r := p.start(t)
				defer r.stop()
				wantServed(t, r, 2, false)
			})
		})
	}
}

// Without a state folder there is nothing to know deaths by, and nothing is complained of.
func TestNoQuarantineWithoutAStateFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPod(t)
		p.publish(1, numbered(1))
		r := newRig(t, p.maker, p.source)
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		wantServed(t, r, 1, false)
	})
}

// condemn leaves a folder in which a bundle has so many deaths.
func (p *pod) condemn(t *testing.T, made bundletest.Made, deaths int) {
	t.Helper()
	folder := lkg.Open(lkg.Path(p.state), nil)
	defer func() { _ = folder.Close() }()
	if err := folder.SaveTrials(lkg.Trials{string(made.Ref.Digest): deaths}); err != nil {
		t.Fatal(err)
	}
}

// deaths reads them as the next process will.
func (p *pod) deaths(t *testing.T) lkg.Trials {
	t.Helper()
	folder := lkg.Open(lkg.Path(p.state), nil)
	defer func() { _ = folder.Close() }()
	return folder.Trials()
}

// What a bundle proves while the disk cannot be written is written once it can.
func TestAProofOutlivesAFaultOfTheDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, disk := newPod(t), &faults{}
		made := p.maker.Make(1, numbered(1), 1)
		p.source.Publish(made)
		p.condemn(t, made, 1)
		r := newRig(t, p.maker, p.source, func(c *Config) { c.StateDir = p.state })
		r.disk = disk.before
		disk.set(func(step, _ string) error {
			if step == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		r.start(t)
		time.Sleep(time.Minute)
		disk.set(nil)
		time.Sleep(time.Minute)
		r.stop()
		if left := p.deaths(t); len(left) != 0 {
			t.Errorf("the disk holds %v after the bundle did well; want nothing", left)
		}
	})
}

// A disk that tells of deaths late does not condemn what has done well meanwhile.
func TestDeathsThatAreToldLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, disk, release := newPod(t), &faults{}, make(chan struct{})
		made := p.maker.Make(1, numbered(1), 1)
		p.source.Publish(made)
		p.condemn(t, made, maxDeaths)
		r := newRig(t, p.maker, p.source, func(c *Config) { c.StateDir = p.state })
		r.disk = disk.before
		disk.set(func(string, string) error { <-release; return nil })
		r.start(t)
		time.Sleep(time.Minute)
		close(release)
		time.Sleep(time.Minute)
		if quarantined(r) || r.served(t) != 1 {
			t.Errorf("status %+v; want no quarantine of what did well", r.Status(time.Now()))
		}
		r.stop()
		if left := p.deaths(t); len(left) != 0 {
			t.Errorf("the disk holds %v; want nothing", left)
		}
	})
}

// A folder that can be read and not written still tells which bundle kills.
func TestQuarantineOnAReadOnlyDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, disk := newPod(t), &faults{}
		p.source = away()
		good, deadly := p.maker.Make(1, numbered(1), 1), p.maker.Make(2, numbered(2), 1)
		folder := lkg.Open(lkg.Path(p.state), nil)
		for _, e := range []lkg.Entry{entryOf(good), entryOf(deadly)} {
			if err := folder.Save(e); err != nil {
				t.Fatal(err)
			}
		}
		_ = folder.Close()
		p.condemn(t, deadly, maxDeaths)
		r := newRig(t, p.maker, p.source, func(c *Config) { c.StateDir = p.state })
		r.disk = disk.before
		disk.set(func(step, _ string) error {
			if step == "lock" {
				return syscall.EROFS
			}
			return nil
		})
		r.start(t)
		defer r.stop()
		if got := r.served(t); got != 1 {
			t.Errorf("revision %d is served; want 1, since 2 kills", got)
		}
	})
}
