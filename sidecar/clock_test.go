package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

const (
	day    = 24 * time.Hour
	decade = 3653 * day
)

// dated has flags of every kind of answer, one that ended before the bubble's time (2000), and one that ends four years after it.
const dated = `{
  "metadata": {"set": "dated"},
  "flags": {
    "on": {"state": "ENABLED", "variants": {"yes": true, "no": false}, "defaultVariant": "yes", "metadata": {"owner": "team"}},
    "split": {"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": "a", "targeting": {"fractional": [["a", 50], ["b", 50]]}},
    "rule": {"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": "a", "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "b"]}},
    "bad": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "targeting": "nothing"},
    "off": {"state": "DISABLED", "variants": {"a": 1}, "defaultVariant": "a"},
    "past": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "metadata": {"kind": "release", "expires": "1999-06-30"}},
    "soon": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "metadata": {"kind": "release", "expires": "2004-06-30"}}
  }
}`

const datedFlags = 7

var year12000 = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)

// wall is a machine's clock that may be set and stopped, whatever the bubble's does.
type wall struct {
	mu      sync.Mutex
	ahead   time.Duration
	stopped time.Time
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.stopped.IsZero() {
		return w.stopped
	}
	return time.Now().Round(0).Add(w.ahead)
}

func (w *wall) set(ahead time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ahead, w.stopped = ahead, time.Time{}
}

func (w *wall) stop() { w.stopAt(w.now()) }

func (w *wall) stopAt(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = at
}

// wrong is how far the clock is from the bubble's.
func (w *wall) wrong() time.Duration { return w.now().Sub(time.Now().Round(0)).Abs() }

// everything is what an application can be told, but for since when the flags are stale: each flag and all of them, with their revision.
func everything(r *rig) string {
	var all strings.Builder
	for _, path := range []string{"", "/on", "/split", "/rule", "/bad", "/off", "/past", "/soon", "/none"} {
		for _, context := range []string{`{"context":{"targetingKey":"u1","plan":"pro"}}`, `{"context":{"targetingKey":"u2"}}`, ""} {
			got := &call(r.answer, "POST", flagsPath+path, context).Response
			fmt.Fprintf(&all, "%d %s %s\n", got.StatusCode(), got.Header.Peek("Burgee-Revision"), ageless(got.Body()))
		}
	}
	return all.String()
}

// doubted is what /status says of the clock, or "".
func doubted(st Status) string {
	for _, d := range st.Degraded {
		if strings.HasPrefix(d, "clock: ") {
			return d
		}
	}
	return ""
}

// faults of a clock, applied at each of twelve steps half a minute apart.
var clockFaults = map[string]func(w *wall, step int){
	"ten years ahead":        func(w *wall, _ int) { w.set(decade) },
	"ten years back":         func(w *wall, _ int) { w.set(-decade) },
	"back and forth":         func(w *wall, step int) { w.set([]time.Duration{decade, 0, -decade, time.Hour}[step%4]) },
	"stopped":                func(w *wall, _ int) { w.stop() },
	"an hour more each time": func(w *wall, step int) { w.set(time.Duration(step) * time.Hour) },
	"an hour less each time": func(w *wall, step int) { w.set(-time.Duration(step) * time.Hour) },
	"a slow drift":           func(w *wall, step int) { w.set(time.Duration(step) * 20 * time.Second) },
	"a slow drift back":      func(w *wall, step int) { w.set(-time.Duration(step) * 20 * time.Second) },
	"in the year 12000":      func(w *wall, _ int) { w.stopAt(year12000) },
}

// Two sidecars stand beside each other; the clock of one goes wrong. It answers as its twin does, byte for byte, is as fresh as that one,
// shows the same times, lets nothing expire by the clock that is wrong, and names it.
func TestAWrongClockChangesNothing(t *testing.T) {
	for fault, turn := range clockFaults {
		for _, valid := range []struct {
			name string
			For  time.Duration
		}{{"for ever", 0}, {"for a year", 365 * day}, {"for three minutes", 4 * time.Minute}, {"no longer", -day}} {
			for _, reachable := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s/valid %s/store answers %v", fault, valid.name, reachable), func(t *testing.T) {
					t.Parallel()
					synctest.Test(t, func(t *testing.T) { besideATwin(t, turn, valid.For, reachable) })
				})
			}
		}
	}
}

func besideATwin(t *testing.T, turn func(*wall, int), valid time.Duration, reachable bool) {
	maker, source, w := bundletest.New(t), bundletest.NewSource(), &wall{}
	source.Publish(maker.Make(1, dated, datedFlags, func(m *bundle.Manifest) {
		m.PublishedAt = time.Now().UTC().Add(-2 * day)
		if valid != 0 {
			m.ValidUntil = time.Now().UTC().Add(valid)
		}
	}))
	same := func() float64 { return 0.5 }
	twin := newRig(t, maker, source, func(c *Config) { c.Random, c.StateDir = same, t.TempDir() })
	r := newRig(t, maker, source, func(c *Config) { c.Random, c.StateDir, c.Wall = same, t.TempDir(), w.now })
	twin.start(t)
	defer twin.stop()
	r.start(t)
	defer r.stop()
	time.Sleep(time.Minute)
	if !reachable {
		source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
	}
	for step := range 12 {
		turn(w, step)
		time.Sleep(30 * time.Second)
		compareWithTwin(t, fmt.Sprint("step ", step), r, twin, w.wrong() > bundle.ClockSlack)
	}
}

// compareWithTwin holds a sidecar whose clock is perhaps wrong against one whose clock is right.
func compareWithTwin(t *testing.T, when string, r, twin *rig, wrong bool) {
	t.Helper()
	if got, want := everything(r), everything(twin); got != want {
		t.Errorf("%s: answers\n%s\nthose beside it\n%s", when, got, want)
	}
	st, want := r.Status(time.Now()), twin.Status(time.Now())
	if st.Freshness != want.Freshness || st.Behind != want.Behind {
		t.Errorf("%s: %s, behind %v; beside it %s, %v", when, st.Freshness, st.Behind, want.Freshness, want.Behind)
	}
	switch {
	case (doubted(st) != "") != wrong:
		t.Errorf("%s: degraded %q; the clock is wrong: %v", when, st.Degraded, wrong)
	case wrong && (st.Validity != valid || len(st.Expired) > 0):
		t.Errorf("%s: %s, ended %q by a clock that is wrong", when, st.Validity, st.Expired)
	case !wrong && time.Since(r.holder.newest.Load().Manifest().ValidUntil).Abs() <= time.Until(r.config.Wall()).Abs(): // either may be so
	case !wrong && (st.Validity != want.Validity || fmt.Sprint(st.Expired) != fmt.Sprint(want.Expired)):
		t.Errorf("%s: %s, ended %q; beside it %s, %q", when, st.Validity, st.Expired, want.Validity, want.Expired)
	}
	for name, at := range map[string][2]*time.Time{
		"since": {&st.Since, &want.Since}, "activatedAt": {st.Active.ActivatedAt, want.Active.ActivatedAt},
		"lastAttempt": {st.Sync.LastAttempt, want.Sync.LastAttempt}, "confirmedAt": {st.Sync.ConfirmedAt, want.Sync.ConfirmedAt},
		"nextAttempt": {st.Sync.NextAttempt, want.Sync.NextAttempt},
	} {
		if at[0].Sub(*at[1]).Abs() > bundle.ClockSlack {
			t.Errorf("%s: %s is %v; beside it %v", when, name, *at[0], *at[1])
		}
	}
	readable(t, when, r)
}

// readable holds that /status and /metrics answer, and that every time in the former is one of RFC 3339.
func readable(t *testing.T, when string, r *rig) {
	t.Helper()
	got := &call(r.admin(), "GET", "/status", "").Response
	var st Status
	if err := json.Unmarshal(got.Body(), &st); err != nil || got.StatusCode() != 200 {
		t.Errorf("%s: /status answers %d, %v:\n%s", when, got.StatusCode(), err, got.Body())
	}
	if got := call(r.admin(), "GET", "/metrics", "").Response.StatusCode(); got != 200 {
		t.Errorf("%s: /metrics answers %d", when, got)
	}
}

// A rule that asks for the time is told what the machine's clock says, as flagd does: that is declared, and the one exception.
func TestARuleThatAsksTheTimeIsToldTheMachines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const late = `{"flags":{"late":{"variants":{"yes":true,"no":false},"targeting":{"if":[{">=":[{"var":"$flagd.timestamp"},1100000000]},"yes","no"]}}}}`
		maker, source, w := bundletest.New(t), bundletest.NewSource(), &wall{}
		source.Publish(maker.Make(1, late, 1))
		r := newRig(t, maker, source, func(c *Config) { c.Wall = w.now })
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		for ahead, want := range map[time.Duration]string{0: `"no"`, decade: `"yes"`} {
			w.set(ahead)
			for _, path := range []string{"", "/late"} {
				if got := string(call(r.answer, "POST", flagsPath+path, "").Response.Body()); !strings.Contains(got, `"variant":`+want) {
					t.Errorf("%v ahead: %s; want variant %s", ahead, got, want)
				}
			}
		}
	})
}

// restarted is a sidecar that had confirmed flags, and starts again ten seconds later.
type restarted struct {
	maker  *bundletest.Maker
	source *bundletest.Source
	wall   wall
	state  string
}

func newRestarted(t *testing.T) *restarted {
	s := &restarted{maker: bundletest.New(t), source: bundletest.NewSource(), state: t.TempDir()}
	s.publish(1)
	return s
}

func (s *restarted) publish(revision int64) {
	s.source.Publish(s.maker.Make(revision, dated, datedFlags, func(m *bundle.Manifest) { m.ValidUntil = time.Now().UTC().Add(365 * day) }))
}

// start starts it, over a store that is away where source is nil.
func (s *restarted) start(t *testing.T, source *bundletest.Source) *rig {
	t.Helper()
	if source == nil {
		source = away()
	}
	r := newRig(t, s.maker, source, func(c *Config) { c.StateDir, c.Wall = s.state, s.wall.now })
	r.start(t)
	return r
}

// A clock that jumps leaves no wrong time on disk: after a restart under a clock that is right again, fresh flags are fresh.
func TestAJumpLeavesNoWrongTimeOnDisk(t *testing.T) {
	for _, jump := range []time.Duration{decade, -decade, 4 * time.Minute, -4 * time.Minute} {
		t.Run(jump.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newRestarted(t)
				r := s.start(t, s.source)
				time.Sleep(2 * time.Minute)
				s.wall.set(jump)
				time.Sleep(time.Minute)
				r.stop()
				if jump.Abs() > bundle.ClockSlack {
					s.wall.set(0)
				}
				time.Sleep(10 * time.Second)
				r = s.start(t, nil)
				defer r.stop()
				if st := r.Status(time.Now()); st.Freshness != fresh || doubted(st) != "" {
					t.Errorf("%s, degraded %q; want fresh, and nothing", st.Freshness, st.Degraded)
				}
			})
		})
	}
}

// Under a clock that is wrong from the start, what the disk says of ages is not known; the store's word makes up for it, and nothing
// expires. (A clock that is ahead by little is not found out: docs/decisions/behaviour.md.)
func TestARestartUnderAWrongClock(t *testing.T) {
	for _, ahead := range []time.Duration{decade, -decade, -time.Hour, 25 * decade} {
		t.Run(ahead.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newRestarted(t)
				r := s.start(t, s.source)
				time.Sleep(2 * time.Minute)
				before := everything(r)
				r.stop()
				time.Sleep(10 * time.Second)
				s.wall.set(ahead)
				for range 2 { // the first restart must not hide the fault from the second
					r = s.start(t, s.source)
					if got := everything(r); got != before {
						t.Errorf("answers\n%s\nbefore\n%s", got, before)
					}
					st := r.Status(time.Now())
					if st.Freshness != freshStale || st.Sync.ConfirmedAt != nil || st.Validity != valid || len(st.Expired) > 0 || doubted(st) == "" {
						t.Errorf("%s since %v, confirmed %v, %s, ended %q, degraded %q; want stale, not known, valid, and the clock named",
							st.Freshness, st.Since, st.Sync.ConfirmedAt, st.Validity, st.Expired, st.Degraded)
					}
					readable(t, "at the start", r)
					time.Sleep(time.Minute)
					st = r.Status(time.Now())
					if st.Freshness != fresh || st.Validity != valid || len(st.Expired) > 0 || doubted(st) == "" {
						t.Errorf("with the store's word: %s, %s, ended %q, degraded %q; want fresh, valid, and the clock named", st.Freshness, st.Validity, st.Expired, st.Degraded)
					}
					r.stop()
				}
				s.wall.set(0)
				r = s.start(t, s.source)
				defer r.stop()
				time.Sleep(time.Minute)
				if st := r.Status(time.Now()); doubted(st) != "" || st.Freshness != fresh || len(st.Expired) != 1 {
					t.Errorf("after it was mended: %s, ended %q, degraded %q; want fresh, one, and nothing", st.Freshness, st.Expired, st.Degraded)
				}
			})
		})
	}
}

// A confirmation from the future says that one of two clocks is wrong, and counts for nothing; a head that is published now tells which.
func TestAConfirmationFromTheFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		r := s.start(t, s.source)
		time.Sleep(time.Minute)
		r.stop()
		keepConfirmed(t, s.state, time.Now().Add(decade))
		r = s.start(t, s.source)
		if st := r.Status(time.Now()); st.Freshness != freshStale || doubted(st) == "" {
			t.Errorf("%s, degraded %q; want stale, and the clock named", st.Freshness, st.Degraded)
		}
		time.Sleep(time.Minute)
		s.publish(2)
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); st.Freshness != fresh || doubted(st) != "" || len(st.Expired) != 1 {
			t.Errorf("%s, ended %q, degraded %q after a publication; want fresh, one, and nothing", st.Freshness, st.Expired, st.Degraded)
		}
		r.stop()
		time.Sleep(10 * time.Second)
		r = s.start(t, nil)
		defer r.stop()
		if st := r.Status(time.Now()); st.Freshness != fresh {
			t.Errorf("%s after another restart; want fresh", st.Freshness)
		}
	})
}

// Two honest clocks may be apart by a little; a confirmation that lies ahead by no more tells no age, and speaks against nobody.
func TestAConfirmationFromTheNearFuture(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		r := s.start(t, s.source)
		time.Sleep(time.Minute)
		r.stop()
		keepConfirmed(t, s.state, time.Now().Add(2*time.Minute))
		r = s.start(t, nil)
		defer r.stop()
		if st := r.Status(time.Now()); st.Freshness != freshStale || doubted(st) != "" {
			t.Errorf("%s, degraded %q; want stale, and nothing", st.Freshness, st.Degraded)
		}
	})
}

// A head that is published now vouches for a clock that agrees with it, and for no other.
func TestAPublicationTellsTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		s.wall.set(2 * day) // from the start: nothing speaks against it
		r := s.start(t, s.source)
		defer r.stop()
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); doubted(st) != "" {
			t.Fatalf("degraded %q", st.Degraded)
		}
		s.wall.set(0) // and now it is mended, which looks like a jump
		want := "clock: this machine's time moved -48h0m0s against its own counting since 2000-01-03T00:00:00Z"
		if st := r.Status(time.Now()); !strings.HasPrefix(doubted(st), want) {
			t.Errorf("degraded %q; want %q", st.Degraded, want)
		}
		s.publish(2)
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); doubted(st) != "" || time.Since(*st.Sync.LastAttempt).Abs() > time.Minute || len(st.Expired) != 1 {
			t.Errorf("last attempt %v, ended %q, degraded %q after a publication; want times of today", st.Sync.LastAttempt, st.Expired, st.Degraded)
		}
		s.wall.set(decade)
		s.publish(3)
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); st.Active.Revision != 3 || doubted(st) == "" {
			t.Errorf("revision %d, degraded %q; want the clock named, whatever was published", st.Active.Revision, st.Degraded)
		}
	})
}

// A clock cannot be before the program that reads it.
func TestAClockBeforeTheProgramWasBuilt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, bundletest.New(t), away())
		r.clock.built = time.Now().Add(day)
		r.start(t)
		defer r.stop()
		if st := r.Status(time.Now()); doubted(st) == "" {
			t.Errorf("degraded %q; want the clock named", st.Degraded)
		}
	})
}

// Nor can it be before the flags that it shows were published: a fresh pod has nothing else to go by.
func TestAClockBeforeThePublication(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		s.wall.set(-decade)
		r := s.start(t, s.source)
		defer r.stop()
		time.Sleep(time.Minute)
		want := "before the time at which its flags were published"
		if st := r.Status(time.Now()); !strings.Contains(doubted(st), want) || st.Freshness != fresh {
			t.Errorf("%s, degraded %q; want fresh, and %q", st.Freshness, st.Degraded, want)
		}
	})
}

// While the clock cannot be true the disk keeps the last confirmation that could be.
func TestAnImpossibleTimeIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		r := s.start(t, s.source)
		time.Sleep(time.Minute)
		r.stop()
		kept := func() time.Time {
			folder := lkg.Open(lkg.Path(s.state), nil)
			defer func() { _ = folder.Close() }()
			at, _ := folder.Confirmed()
			return at
		}
		before := kept()
		s.wall.set(-decade)
		r = s.start(t, s.source)
		time.Sleep(time.Minute)
		r.stop()
		if after := kept(); before.IsZero() || !after.Equal(before) {
			t.Errorf("confirmed %v on disk after %v", after, before)
		}
	})
}

// A clock that is beyond what JSON has a time for, from the start, keeps nobody from reading the status.
func TestAStartInTheYear12000(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newRestarted(t)
		s.wall.stopAt(year12000)
		r := s.start(t, s.source)
		defer r.stop()
		time.Sleep(time.Hour)
		readable(t, "in the year 12000", r)
	})
	w := &wall{}
	w.stopAt(year12000)
	s := develop(t, dated, func(c *Config) { c.Wall = w.now })
	readable(t, "in development", &rig{Sidecar: s})
}

// In development there is nothing to expire: the machine's clock is followed, and nothing is said of it.
func TestDevelopmentFollowsTheClock(t *testing.T) {
	w := &wall{}
	s := develop(t, dated, func(c *Config) { c.Wall = w.now })
	for _, ahead := range []time.Duration{decade, -decade, 0} {
		w.set(ahead)
		st := s.Status(time.Now())
		if doubted(st) != "" || st.Active.ActivatedAt.Sub(w.now()).Abs() > time.Minute {
			t.Errorf("%v ahead: active since %v, degraded %q; want the machine's time, and nothing", ahead, st.Active.ActivatedAt, st.Degraded)
		}
	}
}
