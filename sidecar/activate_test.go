package sidecar

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// atMoment sets the moment of a revision.
func atMoment(after time.Duration) func(*bundle.Manifest) {
	return func(m *bundle.Manifest) { m.ActivateAt = m.PublishedAt.Add(after).Truncate(time.Second) }
}

// A revision with a moment is held until then, and pins to it hit; at that moment it is served to all, and the one before to whoever is
// pinned to that.
func TestARevisionWaitsForItsMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.number(atMoment(time.Minute))
		moment := h.last.Manifest().ActivateAt
		time.Sleep(30 * time.Second)
		if got := r.ask(t); got.Value != 1.0 || got.revision != 1 {
			t.Errorf("before: %+v; want revision 1", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.revision != 2 || got.missed() {
			t.Errorf("pinned before: %+v; want revision 2", got)
		}
		st := r.Status(time.Now())
		if st.Behind || st.Freshness != fresh || len(st.Pending) != 1 || st.Pending[0].Revision != 2 || !st.Pending[0].ActivateAt.Equal(moment) || st.Active.Revision != 1 {
			t.Errorf("before: active %d, pending %v, behind %v, %s", st.Active.Revision, st.Pending, st.Behind, st.Freshness)
		}
		time.Sleep(time.Until(moment) - time.Millisecond)
		if got := r.ask(t); got.Value != 1.0 {
			t.Errorf("a millisecond before: %+v", got)
		}
		time.Sleep(2 * time.Millisecond)
		if got := r.ask(t); got.Value != 2.0 {
			t.Errorf("at the moment: %+v; want revision 2", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 1.0 {
			t.Errorf("pinned after: %+v; want revision 1", got)
		}
		if st := r.Status(time.Now()); len(st.Pending) != 0 || st.Active.Revision != 2 || !st.Active.ActivatedAt.Equal(time.Now().UTC().Truncate(time.Millisecond)) && time.Since(*st.Active.ActivatedAt) > 2*time.Millisecond {
			t.Errorf("after: %+v", st.Active)
		}
	})
}

// A kill does not wait, neither for those who are served nor for those who are pinned ahead, and moves no moment.
func TestAKillDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := `{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`
		h := newHistory(t)
		h.publish(fmt.Sprintf(two, 1))
		r := h.follow()
		h.publish(fmt.Sprintf(two, 2), atMoment(2*time.Minute))
		moment := h.last.Manifest().ActivateAt
		time.Sleep(30 * time.Second)
		kill := func(m *bundle.Manifest) { m.ActivateAt, m.Overrides = moment, []bundle.Override{{Flag: "revision"}} }
		h.publish(fmt.Sprintf(two, 2), kill)
		time.Sleep(30 * time.Second)
		for name, headers := range map[string][]string{"served": nil, "ahead": {"Burgee-Snapshot", h.tokens[2]}, "ahead, by the kill": {"Burgee-Snapshot", h.tokens[3]}} {
			if got := r.ask(t, headers...); got.Value != 0.0 || got.Metadata["burgee.override"] != true || got.missed() {
				t.Errorf("%s: %+v; want the safe variant", name, got)
			}
		}
		if got := r.ask(t); got.revision != 1 {
			t.Errorf("%+v; want revision 1 until its moment", got)
		}
		h.publish(fmt.Sprintf(two, 2), func(m *bundle.Manifest) { m.ActivateAt = moment })
		time.Sleep(time.Until(moment) + time.Second)
		if got := r.ask(t); got.Value != 2.0 || got.revision != 4 {
			t.Errorf("restored, at the moment: %+v; want revision 4", got)
		}
	})
}

// What comes without a moment does not wait for one that has one: going back acts at once, and the other never does.
func TestGoingBackDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.number(atMoment(2 * time.Minute))
		time.Sleep(time.Minute)
		h.publish(numbered(1))
		time.Sleep(30 * time.Second)
		if got := r.ask(t); got.Value != 1.0 || got.revision != 3 {
			t.Errorf("%+v; want revision 3", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.missed() {
			t.Errorf("pinned to the one that never was: %+v; want revision 2", got)
		}
		time.Sleep(5 * time.Minute)
		if got := r.ask(t); got.Value != 1.0 || got.revision != 3 {
			t.Errorf("past its moment: %+v; want revision 3", got)
		}
	})
}

// Several may wait, each for its own moment.
func TestSeveralWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.number(atMoment(3 * time.Minute))
		time.Sleep(time.Minute)
		h.number(atMoment(4 * time.Minute))
		time.Sleep(time.Minute)
		if pending := r.Status(time.Now()).Pending; len(pending) != 2 {
			t.Errorf("pending %v; want two", pending)
		}
		time.Sleep(time.Minute + time.Second)
		if got := r.ask(t); got.Value != 2.0 {
			t.Errorf("%+v; want revision 2", got)
		}
		time.Sleep(2 * time.Minute)
		if got := r.ask(t); got.Value != 3.0 {
			t.Errorf("%+v; want revision 3", got)
		}
	})
}

// What was published between two polls takes its turn as if it had been seen: the rest of the fleet serves it, and pins to it.
func TestWhatWasMissedTakesItsTurn(t *testing.T) {
	for _, row := range []struct {
		name    string
		missed  []func(*bundle.Manifest)
		restart bool
	}{
		{"before its moment", []func(*bundle.Manifest){atMoment(2 * time.Minute)}, false},
		{"before its moment, across a restart", []func(*bundle.Manifest){atMoment(2 * time.Minute)}, true},
		{"without a moment", nil, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				h.number()
				r := h.rig(func(c *Config) { c.StateDir = state })
				r.start(t)
				defer func() { r.stop() }()
				time.Sleep(time.Minute)
				published := time.Now()
				h.number(row.missed...)
				h.number(atMoment(4 * time.Minute))
				time.Sleep(40 * time.Second)
				if row.restart {
					r.stop()
					h.source.Break(unavailable)
					r = h.rig(func(c *Config) { c.StateDir = state })
					r.start(t)
					time.Sleep(20 * time.Second)
				}
				for revision := int64(2); revision <= 3; revision++ {
					if got := r.ask(t, "Burgee-Snapshot", h.tokens[revision]); got.Value != float64(revision) || got.missed() {
						t.Errorf("pinned to revision %d: %+v", revision, got)
					}
				}
				want := 2.0
				if row.missed != nil {
					want = 1
				}
				if got := r.ask(t); got.Value != want {
					t.Errorf("before any moment: %+v; want revision %v", got, want)
				}
				time.Sleep(time.Until(published.Add(2*time.Minute + time.Second)))
				if got := r.ask(t); got.Value != 2.0 {
					t.Errorf("after the first moment: %+v; want revision 2", got)
				}
				time.Sleep(2 * time.Minute)
				if got := r.ask(t); got.Value != 3.0 {
					t.Errorf("after the second moment: %+v; want revision 3", got)
				}
				if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.missed() {
					t.Errorf("pinned to revision 2, past the second moment: %+v", got)
				}
			})
		})
	}
}

// A pod that starts while a revision waits serves what all others do: from its disk, or from the store. Where there is nothing else it
// does not wait.
func TestStartingWhileARevisionWaits(t *testing.T) {
	for _, row := range []struct {
		name     string
		state    bool
		away     bool
		first    bool
		revision int64
	}{
		{"from disk", true, false, false, 1},
		{"from disk, the store away", true, true, false, 1},
		{"a fresh pod", false, false, false, 1},
		{"a fresh pod and the first revision", false, false, true, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				if !row.first {
					h.number()
				}
				keep := func(c *Config) {
					if row.state {
						c.StateDir = state
					}
				}
				if row.state {
					r := h.rig(keep)
					r.start(t)
					time.Sleep(time.Minute)
					h.number(atMoment(10 * time.Minute))
					time.Sleep(time.Minute)
					r.stop()
				} else {
					h.number(atMoment(10 * time.Minute))
				}
				if row.away {
					h.source.Break(unavailable)
				}
				r := h.rig(keep)
				r.start(t)
				defer r.stop()
				time.Sleep(10 * time.Second)
				if got := r.ask(t); got.revision != row.revision {
					t.Errorf("%+v; want revision %d", got, row.revision)
				}
				if row.first {
					return
				}
				if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.missed() {
					t.Errorf("pinned ahead: %+v; want revision 2", got)
				}
				time.Sleep(10 * time.Minute)
				if got := r.ask(t); got.Value != 2.0 {
					t.Errorf("past the moment: %+v; want revision 2", got)
				}
			})
		})
	}
}

// A clock that is not believed waits for no moment.
func TestASuspectClockDoesNotWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		h := newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.Wall = w.now })
		w.set(-decade)
		h.number(atMoment(time.Hour))
		time.Sleep(time.Minute)
		if got := r.ask(t); got.Value != 2.0 {
			t.Errorf("%+v; want revision 2 on receipt", got)
		}
	})
}
