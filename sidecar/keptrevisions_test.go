package sidecar

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"
	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// shelf is a keeper without a sidecar.
type shelf struct {
	*keeper
	maker *bundletest.Maker
	stop  func()
}

// newShelf starts a keeper and lets it take up what its folder holds, as a sidecar does.
func newShelf(t *testing.T, maker *bundletest.Maker, state string, before lkg.Before, most int) *shelf {
	t.Helper()
	k := newKeeper(lkg.Path(state), before, hclog.NewNullLogger())
	k.retain(most)
	ctx, cancel := context.WithCancel(t.Context())
	go k.run(ctx)
	f := <-k.found
	for _, c := range f.candidates() {
		head, err := maker.Policy().Open(c.Manifest)
		if err != nil {
			t.Fatal(err)
		}
		if c.head = head; len(c.Bundle) > 0 {
			k.took(c, head)
			break
		}
	}
	return &shelf{k, maker, func() { cancel(); <-k.ended }}
}

func (s *shelf) verified(t *testing.T, revision int64, document string) bundle.Verified {
	t.Helper()
	return verifiedOf(t, s.maker, s.maker.Make(revision, document, 1))
}

// held describes the held files by their revisions, newest first, each verified as a sidecar must.
func held(t *testing.T, k *keeper, maker *bundletest.Maker) string {
	t.Helper()
	var all []string
	for _, name := range k.heldNames() {
		l, err := k.loadHeld(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		revision, _, _ := lkg.ParseHeld(name)
		what := fmt.Sprint(revision)
		if l.Err != nil {
			what += "(" + l.Err.Error() + ")"
		} else if v := verifiedOf(t, maker, bundletest.Made{Head: l.Manifest, Bundle: l.Bundle}); v.Head().Manifest().Revision != revision {
			what += "(another)"
		}
		all = append(all, what)
	}
	return strings.Join(all, " ")
}

// What is replaced is there after a restart, and so is what was fetched for it; each bundle once, under its highest revision.
func TestPastRevisionsOutliveARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source, state := bundletest.New(t), bundletest.NewSource(), tempState(t)
		boot := func() *rig {
			r := newRig(t, maker, source, func(c *Config) { c.StateDir = state })
			r.start(t)
			time.Sleep(time.Minute)
			return r
		}
		publish := func(r *rig, revision int64, document, want string) {
			t.Helper()
			source.Publish(maker.Make(revision, document, 1))
			time.Sleep(time.Minute)
			if got := held(t, r.keeper, maker); got != want {
				t.Errorf("after revision %d: held %q; want %q", revision, got, want)
			}
		}
		source.Publish(maker.Make(11, numbered(11), 1))
		r := boot()
		publish(r, 12, numbered(12), "11")
		publish(r, 13, numbered(12), "11") // a head alone
		publish(r, 14, numbered(14), "13 11")
		publish(r, 15, numbered(11), "14 13") // rolled back: what 11 had is current again
		<-r.keeper.hold(verifiedOf(t, maker, maker.Make(5, numbered(5), 1)))
		<-r.keeper.hold(verifiedOf(t, maker, maker.Make(6, numbered(11), 1))) // which is what is current
		r.stop()
		r = boot()
		if got := held(t, r.keeper, maker); got != "14 13 5" {
			t.Errorf("after a restart: held %q; want 14, 13 and 5", got)
		}
		publish(r, 16, numbered(16), "15 14 13 5")
		r.keeper.forget(14)
		synctest.Wait()
		if got := held(t, r.keeper, maker); got != "15 14" {
			t.Errorf("after what is below 14 was forgotten: held %q", got)
		}
		<-r.keeper.hold(verifiedOf(t, maker, maker.Make(6, numbered(6), 1)))
		if got := held(t, r.keeper, maker); got != "15 14" {
			t.Errorf("what is below the oldest was held: %q", got)
		}
		r.stop()
	})
}

// No more bundles are held than is said, the current one counted, and none before the newest; fewer after a restart with less.
func TestSoManyRevisionsAreHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state := bundletest.New(t), tempState(t)
		for _, row := range []struct {
			most, from, to int64
			want           string
		}{
			{0, 1, 20, "19 18 17 16 15 14 13 12 11 10 9 8 7 6 5"}, {4, 21, 22, "21 20 19"}, {1, 23, 24, ""}, {2, 25, 27, "26"},
		} {
			s := newShelf(t, maker, state, nil, int(row.most))
			synctest.Wait()
			if n, bound := len(s.heldNames()), int(row.most); bound > 0 && n > bound-1 {
				t.Errorf("at the start %d are held beside the current one; want %d in all", n, bound)
			}
			for revision := row.from; revision <= row.to; revision++ {
				<-s.adopt(s.verified(t, revision, numbered(revision)))
				synctest.Wait()
				if n, bound := len(s.heldNames()), int(row.most); bound > 0 && n > bound-1 {
					t.Errorf("%d are held beside the current one; want %d in all", n, bound)
				}
			}
			<-s.hold(s.verified(t, 1, numbered(1)))
			if got := held(t, s.keeper, maker); got != row.want {
				t.Errorf("with a bound of %d: held %q; want %q", row.most, got, row.want)
			}
			s.stop()
		}
	})
}

// usage is what a folder takes, with temporaries, in bytes; a file of two names counts once.
func usage(t *testing.T, path string) (bytes int64) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	var seen []os.FileInfo
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Error(err)
			continue
		}
		if !slices.ContainsFunc(seen, func(one os.FileInfo) bool { return os.SameFile(one, info) }) {
			bytes += info.Size()
			seen = append(seen, info)
		}
	}
	return bytes
}

// The folder takes at most 12 MiB at any moment, also where many small bundles are followed by the largest. What fits is held.
func TestTheStateFolderIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state := bundletest.New(t), tempState(t)
		most := int64(0)
		s := newShelf(t, maker, state, func(string, string) error {
			most = max(most, usage(t, lkg.Path(state)))
			return nil
		}, 16)
		defer s.stop()
		adopt := func(revision int64, texts int) {
			t.Helper()
			<-s.adopt(s.verified(t, revision, paddedBy(revision, texts)))
			synctest.Wait()
			if now, problem := s.state(time.Now()); now != revision || problem != nil {
				t.Errorf("revision %d is kept (%v); want %d", now, problem, revision)
			}
		}
		check := func(want string) {
			t.Helper()
			if most > lkg.MaxFolder || most < lkg.MaxFolder*3/4 {
				t.Errorf("the folder took up to %d KiB; want nearly %d", most>>10, lkg.MaxFolder>>10)
			}
			if got := held(t, s.keeper, maker); got != want {
				t.Errorf("held %q; want %q", got, want)
			}
			t.Logf("at most %d KiB until %s were held", most>>10, want)
		}
		for revision := int64(20); revision < 29; revision++ {
			adopt(revision, 24) // 1.15 MB
		}
		check("27 26 25 24 23 22 21 20") // 20 is the previous one, so it takes nothing more
		adopt(29, 60)                    // 2.9 MB
		check("28 27 26 25 20")
		<-s.hold(s.verified(t, 10, paddedBy(10, 60)))
		check("28 27 26 25 20")
		s.prove(s.want.digest, false)
		adopt(30, 60)
		check("29 28 27 26")
		<-s.hold(s.verified(t, 40, paddedBy(40, 24))) // fetched ahead of its time
		check("40 29 28 27")
		for revision := int64(41); revision < 43; revision++ {
			adopt(revision, 60)
		}
		check("41 29")
	})
}

// A fault among held files costs these alone: the entry is saved, the fault is named, and what can still be done is done afterwards.
func TestAFaultAmongPastRevisionsStopsNothing(t *testing.T) {
	for _, where := range []string{"link held", "list .", "remove held.0", "create held.tmp", "write held.tmp", "sync held.tmp", "rename held"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				maker, state, disk := bundletest.New(t), tempState(t), &faults{}
				s := newShelf(t, maker, state, disk.before, 3)
				defer s.stop()
				for revision := int64(11); revision <= 13; revision++ {
					<-s.adopt(s.verified(t, revision, numbered(revision)))
				}
				synctest.Wait()
				disk.set(func(step, name string) error {
					if strings.HasPrefix(step+" "+name, where) {
						return syscall.EIO
					}
					return nil
				})
				<-s.adopt(s.verified(t, 14, numbered(14)))
				synctest.Wait()
				revision, problem := s.state(time.Now())
				if problem == nil {
					<-s.hold(s.verified(t, 20, numbered(20)))
					revision, problem = s.state(time.Now())
				}
				if revision != 14 || problem == nil || !strings.Contains(problem.Error(), "past revisions: ") || !errors.Is(problem, syscall.EIO) {
					t.Errorf("revision %d is kept, problem %v; want 14, and the fault named", revision, problem)
				}
				if len(s.heldNames()) == 0 {
					t.Error("what was seen before is forgotten")
				}
				disk.set(nil)
				time.Sleep(retryEvery + time.Second)
				if _, problem := s.state(time.Now()); problem != nil {
					t.Errorf("after it was mended: %v", problem)
				}
				if got := held(t, s.keeper, maker); strings.Contains(got, "(") || len(strings.Fields(got)) > 2 || got == "" {
					t.Errorf("held %q", got)
				}
				if left, err := filepath.Glob(filepath.Join(lkg.Path(state), "*.tmp")); err != nil || len(left) > 1 {
					t.Errorf("left %v (%v)", left, err)
				}
			})
		})
	}
}

// Nothing that has to do with held files waits for a disk that hangs, but for a load, which ends with its context. What waits for the disk
// is bounded.
func TestAHangingDiskHoldsUpNoPin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state, disk := bundletest.New(t), tempState(t), &faults{}
		s := newShelf(t, maker, state, disk.before, 16)
		defer s.stop()
		<-s.adopt(s.verified(t, 11, numbered(11)))
		<-s.adopt(s.verified(t, 12, numbered(12)))
		synctest.Wait()
		large := []bundle.Verified{s.verified(t, 1, padded(1)), s.verified(t, 2, padded(2)), s.verified(t, 3, numbered(3))}
		release := make(chan struct{})
		disk.set(func(string, string) error { <-release; return nil })
		names := s.heldNames()
		if len(names) != 1 {
			t.Fatalf("held %v; want 11", names)
		}
		for _, name := range names { // the first one is with the disk then, the second waits for it
			for range 2 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				began := time.Now()
				if l, err := s.loadHeld(ctx, name); !errors.Is(err, context.DeadlineExceeded) || l.Bundle != nil || time.Since(began) != time.Second {
					t.Errorf("loaded after %v (%v); want the end of the context", time.Since(began), err)
				}
				cancel()
			}
		}
		began := time.Now()
		s.forget(1)
		s.discard(names[0])
		var turns []<-chan struct{}
		for _, v := range large {
			turns = append(turns, s.hold(v))
		}
		if took := time.Since(began); took != 0 || len(s.heldNames()) != 1 {
			t.Errorf("it took %v", took)
		}
		for i, want := range []bool{false, true, false} { // the second of the large ones is too much, and given up
			if gone := isClosed(turns[i]); gone != want {
				t.Errorf("bundle %d given up: %v; want %v", i, gone, want)
			}
		}
		time.Sleep(saveWait)
		if _, problem := s.state(time.Now()); !errors.Is(problem, errSlowDisk) {
			t.Errorf("problem %v; want the disk named", problem)
		}
		disk.set(nil)
		close(release)
		<-turns[0]
		<-turns[2]
		synctest.Wait()
		if got := held(t, s.keeper, maker); got != "3 1" {
			t.Errorf("held %q once the disk answers; want 3 and 1", got)
		}
		<-s.hold(large[1]) // for which there is room now
		if got := held(t, s.keeper, maker); got != "3 2 1" {
			t.Errorf("held %q; want 3, 2 and 1", got)
		}
	})
}

func isClosed(turn <-chan struct{}) bool {
	select {
	case <-turn:
		return true
	default:
		return false
	}
}

// What waits for a save does not wait for a held file that comes with it.
func TestASaveDoesNotWaitForHeldFiles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state, disk := bundletest.New(t), tempState(t), &faults{}
		s := newShelf(t, maker, state, disk.before, 16)
		defer s.stop()
		busy, held := make(chan struct{}), make(chan struct{})
		disk.set(func(step, name string) error {
			switch step + " " + name {
			case "create lkg.head.tmp":
				<-busy
			case "create held.tmp":
				<-held
			}
			return nil
		})
		s.saveHead(s.verified(t, 12, numbered(12)).Head())
		synctest.Wait()
		kept := s.hold(s.verified(t, 1, numbered(1)))
		saved := s.adopt(s.verified(t, 12, numbered(12)))
		close(busy)
		<-saved
		synctest.Wait()
		if isClosed(kept) {
			t.Error("the held file was not in the way")
		}
		close(held)
		<-kept
	})
}

// Nobody waits for a keeper that has ended, nor for one that ends.
func TestTheEndOfHolding(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state, disk := bundletest.New(t), tempState(t), &faults{}
		s := newShelf(t, maker, state, disk.before, 16)
		<-s.adopt(s.verified(t, 11, numbered(11)))
		<-s.adopt(s.verified(t, 12, numbered(12)))
		synctest.Wait()
		release := make(chan struct{})
		disk.set(func(string, string) error { <-release; return nil })
		var turns []<-chan struct{}
		for revision := int64(1); revision < 5; revision++ {
			turns = append(turns, s.hold(s.verified(t, revision, numbered(revision))))
		}
		synctest.Wait()
		disk.set(nil)
		close(release)
		s.stop()
		for _, turn := range append(turns, s.hold(s.verified(t, 6, numbered(6)))) {
			<-turn
		}
		if _, err := s.loadHeld(t.Context(), s.heldNames()[0]); !errors.Is(err, errNotKept) {
			t.Errorf("loaded after the end: %v", err)
		}
		var none *keeper
		none.retain(3)
		none.forget(1)
		none.discard("x")
		<-none.hold(s.verified(t, 6, numbered(6)))
		if _, err := none.loadHeld(t.Context(), "x"); !errors.Is(err, errNotKept) || none.heldNames() != nil {
			t.Errorf("a keeper that is none loads: %v", err)
		}
	})
}

// A held file that is damaged, or that somebody put there, is named and not loaded, and takes no good one's place; it goes when it is told to.
func TestDamagedHeldFilesAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, state := bundletest.New(t), tempState(t)
		s := newShelf(t, maker, state, nil, 4)
		for revision := int64(11); revision <= 14; revision++ {
			<-s.adopt(s.verified(t, revision, numbered(revision)))
		}
		synctest.Wait()
		names := s.heldNames()
		s.stop()
		at := func(name string) string { return filepath.Join(lkg.Path(state), name) }
		data, err := os.ReadFile(at(names[1]))
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-1] ^= 1
		planted := func(i int64) string { return at(heldName(900+i, bundle.Sum([]byte{byte(i)}))) }
		if err := errors.Join(os.WriteFile(at(names[1]), data, 0o600), os.Symlink(names[0], planted(1)), unix.Mkfifo(planted(2), 0o600), os.Mkdir(planted(3), 0o700)); err != nil {
			t.Fatal(err)
		}
		s = newShelf(t, maker, state, nil, 4)
		defer s.stop()
		synctest.Wait()
		named := 0
		for _, name := range s.heldNames() {
			l, err := s.loadHeld(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			if l.Err != nil {
				named++
				if _, problem := s.state(time.Now()); problem == nil || !strings.Contains(problem.Error(), name) {
					t.Errorf("problem %v does not name %s", problem, name)
				}
				s.discard(name)
				synctest.Wait()
			}
		}
		synctest.Wait()
		if got := held(t, s.keeper, maker); named != 4 || got != "13 11" {
			t.Errorf("%d were named, held %q; want 4, and 13 and 11", named, got)
		}
	})
}

// What the last held files gave is tried too, though it alone is less than what is saved takes.
func TestTheLastHeldFileGivesWayToo(t *testing.T) {
	const free, needed = 6000, 10_000 // bytes
	folder := lkg.Open(lkg.Path(tempState(t)), nil)
	defer folder.Close()
	for revision := int64(1); revision <= 2; revision++ {
		name := lkg.HeldName(revision, strings.Repeat(fmt.Sprint(revision), 64))
		if err := folder.SaveHeld(name, lkg.Entry{Bundle: make([]byte, 3000)}, lkg.Bounds{Most: 2}); err != nil {
			t.Fatal(err)
		}
	}
	room := func() int64 {
		files, err := folder.Held()
		if err != nil {
			t.Fatal(err)
		}
		room := int64(free)
		for range 2 - len(files) {
			room += 3000
		}
		return room
	}
	if room() != free {
		t.Fatal("two files are not held")
	}
	save := func() error {
		if room() < needed {
			return fmt.Errorf("save: %w", syscall.ENOSPC)
		}
		return nil
	}
	work := &pastWork{}
	if err := work.givesWay(folder, lkg.Entry{Bundle: make([]byte, needed)}, save); err != nil || len(work.errs) > 0 {
		t.Errorf("%v, %v; want a save that had room in the end", err, work.errs)
	}
}
