package sidecar

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
)

// What changes by itself does so at its moment, not at the next look that there happens to be.
func TestWhatChangesByItselfIsPunctual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		end := time.Now().Add(20*time.Minute + 321*time.Millisecond)
		lasting := func(m *bundle.Manifest) { m.ValidUntil = end.Truncate(time.Second) }
		h.publish(failing(1, "2m1s"), lasting)
		r := h.rig(func(c *Config) { c.PinMaxAge = 13*time.Minute + 123*time.Millisecond })
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute + 234*time.Millisecond)
		h.publish(failing(2, "2m1s"), lasting)
		time.Sleep(time.Minute)
		_, _, confirmed := r.freshness.state(time.Now())
		replaced := r.holder.current.Load().since
		h.source.Break(unavailable)
		for _, step := range []struct {
			what string
			at   time.Time
			is   func() bool
		}{
			{"stale", confirmed.Add(staleAfterPolls * DefaultPoll), func() bool { return r.ask(t).Metadata["burgee.staleSince"] != nil }},
			{"closed", confirmed.Add(121 * time.Second), func() bool { return r.ask(t).Metadata["burgee.failClosed"] == closedStale }},
			{"no pin any more", replaced.Add(13*time.Minute + 123*time.Millisecond), func() bool { return r.ask(t, "Burgee-Snapshot", h.tokens[1]).missed() }},
		} {
			time.Sleep(time.Until(step.at))
			if synctest.Wait(); step.is() && step.what != "no pin any more" {
				t.Errorf("%s at its moment; want it past it", step.what)
			}
			time.Sleep(2 * time.Millisecond)
			if synctest.Wait(); !step.is() {
				t.Errorf("not %s two milliseconds past its moment", step.what)
			}
		}
		h.source.Break(nil)
		time.Sleep(2 * time.Minute)
		time.Sleep(time.Until(end.Truncate(time.Second)) + 2*time.Millisecond)
		if synctest.Wait(); r.ask(t).Metadata["burgee.failClosed"] != closedExpired {
			t.Error("not expired two milliseconds past the end")
		}
	})
}

func TestBounds(t *testing.T) {
	b := bounds{2, 5}
	for age, want := range map[time.Duration][2]time.Duration{0: {0, 2}, 2: {0, 2}, 3: {2, 5}, 5: {2, 5}, 6: {5, 0}} {
		next, there := b.next(age)
		if got := [2]time.Duration{b.passed(age), next}; got != want || there != (want[1] != 0) {
			t.Errorf("at %d: %v, %v; want %v", age, got, there, want)
		}
	}
}

// Since when flags are stale is said once: a clock that is set a little meanwhile changes no answer.
func TestStaleSinceStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		h := newHistory(t)
		h.number()
		r := h.rig(func(c *Config) { c.Wall = w.now })
		r.start(t)
		defer r.stop()
		time.Sleep(30 * time.Second)
		h.source.Break(unavailable)
		time.Sleep(2 * time.Minute)
		since := r.ask(t).Metadata["burgee.staleSince"]
		w.set(time.Minute)
		_ = r.Status(time.Now()) // has the clock followed
		r.holder.raise(*r.holder.newest.Load())
		if got := r.ask(t).Metadata["burgee.staleSince"]; got != since || got == nil {
			t.Errorf("since %v; it was %v", got, since)
		}
	})
}

// When a head replaced another is told by what it says, and by nothing where the clock is not believed.
func TestReplaced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		h := newHistory(t)
		r := h.rig(func(c *Config) { c.Wall = w.now })
		defer r.stop()
		head := func(published, activated time.Duration) bundle.Head {
			return r.flagsOf(t, h.maker.Make(1, numbered(1), 1, func(m *bundle.Manifest) {
				m.PublishedAt = time.Now().Add(published).Truncate(time.Second)
				if activated != 0 {
					m.ActivateAt = time.Now().Add(activated).Truncate(time.Second)
				}
			})).head
		}
		now := time.Now()
		for name, row := range map[string]struct {
			head bundle.Head
			want time.Duration
			past bool
		}{
			"published":           {head(-10*time.Minute, 0), -10 * time.Minute, false},
			"activated":           {head(-time.Hour, -5*time.Minute), -5 * time.Minute, false},
			"yet to be":           {head(-time.Hour, 5*time.Minute), 0, false},
			"at the bound":        {head(-DefaultPinMaxAge, 0), -DefaultPinMaxAge, false},
			"a second beyond the": {head(-DefaultPinMaxAge-time.Second, 0), -DefaultPinMaxAge - time.Second, true},
		} {
			if got := r.holder.replaced(row.head, now).Sub(now); got != row.want || r.holder.past(row.head) != row.past {
				t.Errorf("%s: %v; want %v", name, got, row.want)
			}
		}
		w.set(decade)
		if got := r.holder.replaced(head(-time.Hour, 0), now); !got.Equal(now) {
			t.Errorf("by a clock that is not believed: %v before", now.Sub(got))
		}
	})
}

// A fleet does not ask for the past all at once.
func TestThePastIsAskedForAfterAWhile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		h.number()
		r := h.rig(func(c *Config) { c.Random = func() float64 { return 0.9 } })
		r.start(t)
		defer r.stop()
		for r.holder.current.Load() == nil {
			time.Sleep(time.Second)
		}
		time.Sleep(3 * time.Second)
		early := h.source.Gets(bundle.RevisionKey(1))
		time.Sleep(2 * time.Second)
		if late := h.source.Gets(bundle.RevisionKey(1)); early != 0 || late != 1 {
			t.Errorf("asked %d times at first, then %d times", early, late)
		}
	})
}

// A held file that is of another revision than its name says is not taken, and goes; so do those that no pin counts for any more.
func TestHeldFilesThatGo(t *testing.T) {
	state := t.TempDir()
	held := func() (revisions string) {
		files, err := filepath.Glob(filepath.Join(lkg.Path(state), "held.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			revisions += " " + strings.TrimLeft(strings.Split(filepath.Base(f), ".")[1], "0")
		}
		return revisions
	}
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
		if got := held(); got != " 1 2 3 4" {
			t.Fatalf("held files%s", got)
		}
		files, _ := filepath.Glob(filepath.Join(lkg.Path(state), "held.*2.*"))
		if err := os.Rename(files[0], strings.Replace(files[0], "000002.", "000007.", 1)); err != nil {
			t.Fatal(err)
		}
		h.source.Break(unavailable)
		r = h.rig(keep)
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); len(st.NotTaken) != 1 || !strings.Contains(st.NotTaken[0].Message, "holds revision 2") || fmt.Sprint(st.Held) != "[5 4 3 1]" {
			t.Errorf("not taken %v, held %v", st.NotTaken, st.Held)
		}
		if got := held(); got != " 1 3 4" {
			t.Errorf("held files%s; want the renamed one gone", got)
		}
		h.source.Break(nil)
		h.number(func(m *bundle.Manifest) { m.OldestPin = 4 })
		time.Sleep(2 * time.Minute)
		if got := held(); got != " 4 5" {
			t.Errorf("held files%s; want none below the oldest pin", got)
		}
	})
}

// Once the holder is closed, nothing that goes off late serves anything or sets a timer again.
func TestNothingHappensAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		r.holder.take(r.flagsOf(t, r.maker.Make(1, numbered(1), 1)))
		r.holder.take(r.flagsOf(t, r.maker.Make(2, numbered(2), 1, atMoment(time.Minute))))
		r.holder.close()
		time.Sleep(2 * time.Minute)
		r.holder.look()
		if got := r.served(t); got != 1 || r.holder.turn.Stop() || r.holder.thrift.timer.Stop() {
			t.Errorf("revision %d is served after the end, or a timer runs", got)
		}
	})
}

// What is held no more is in memory no more: neither tables of pins, nor what a request had in hand, nor an earlier flagset keeps it.
func TestAPastThatIsDroppedIsCollected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.Retain = 2 })
		first := weak.Make(r.holder.current.Load().bundle)
		sets := []weak.Pointer[flagset]{weak.Make(r.holder.current.Load())}
		for range 3 {
			h.number()
			time.Sleep(time.Minute)
			for revision := range h.last.Manifest().Revision {
				_ = r.ask(t, "Burgee-Snapshot", h.tokens[revision+1])
			}
			sets = append(sets, weak.Make(r.holder.current.Load()))
		}
		for range 5 {
			runtime.GC()
		}
		if first.Value() != nil {
			t.Error("the first flags are still there")
		}
		if n := len(slices.DeleteFunc(sets, func(w weak.Pointer[flagset]) bool { return w.Value() == nil })); n != 1 {
			t.Errorf("%d flagsets are there; want the served one", n)
		}
	})
}

// However often the same flags are made anew, nothing is left of the times before.
func TestRecompositionsLeaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.rig()
		r.start(t)
		defer r.stop()
		for range 3 {
			time.Sleep(time.Minute)
			h.number()
		}
		h.number(atMoment(time.Hour))
		time.Sleep(time.Minute)
		r.holder.raise(*r.holder.newest.Load())
		before := heapInUse()
		for range 10_000 {
			r.holder.raise(*r.holder.newest.Load())
		}
		if grown := heapInUse() - before; grown > 256<<10 {
			t.Errorf("%d KiB more after 10,000 times", grown>>10)
		}
	})
}
