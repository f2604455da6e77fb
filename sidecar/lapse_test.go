package sidecar

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// failing is a document whose flag "revision" fails closed, or "money" with another bound beside it.
func failing(revision int64, bound string) string {
	return fmt.Sprintf(`{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d,"safe":0},"defaultVariant":"it",
		"metadata":{"failMode":"closed","maxStaleness":%q,"safeVariant":"safe"}}}}`, revision, bound)
}

// mixedFailing has flags of every kind of failing.
const mixedFailing = `{"flags":{
	"calm":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"},
	"money":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed","maxStaleness":"2m","safeVariant":"off"}},
	"later":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed","maxStaleness":"10m","safeVariant":"off"}},
	"bare":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed"}},
	"off":{"state":"DISABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed","maxStaleness":"2m","safeVariant":"off"}},
	"forced":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off","metadata":{"failMode":"closed","maxStaleness":"2m","safeVariant":"off"}}}}`

// say tells in a word how a flag answers.
func (r *rig) say(t *testing.T, flag string) string {
	t.Helper()
	got := r.askFor(t, "/"+flag, "")
	text := got.Reason + got.Code
	if got.Variant != "" {
		text += " " + got.Variant
	}
	if why, ok := got.Metadata["burgee.failClosed"]; ok {
		text += fmt.Sprint(" ", why)
	}
	if since, ok := got.Metadata["burgee.staleSince"]; ok {
		text += fmt.Sprint(" since ", since)
	}
	return text
}

// A store that stays away closes each flag at its own bound, by the second; the others go on and say since when they are stale. All of it
// ends with the first good poll.
func TestFlagsFailClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		made := h.maker.Make(1, mixedFailing, 6, func(m *bundle.Manifest) {
			m.Overrides = []bundle.Override{{Flag: "forced", Variant: "on"}}
		})
		h.source.Publish(made)
		r := h.rig(func(c *Config) { c.Random = func() float64 { return 0.5 } })
		r.start(t)
		defer r.stop()
		time.Sleep(50 * time.Second)
		_, _, confirmed := r.freshness.state(time.Now())
		h.source.Break(unavailable)
		since := " since " + confirmed.Add(staleAfterPolls*DefaultPoll).UTC().Format(time.RFC3339)
		well := map[string]string{"calm": "STATIC on", "money": "STATIC on", "later": "STATIC on", "bare": "STATIC on", "off": "DISABLED", "forced": "DEFAULT on"}
		for _, step := range []struct {
			age  time.Duration
			want map[string]string
		}{
			{59 * time.Second, nil},
			{61 * time.Second, map[string]string{
				"calm": "STATIC on" + since, "money": "STATIC on" + since, "later": "STATIC on" + since, "bare": "GENERAL" + since, "off": "DISABLED" + since,
				"forced": "DEFAULT on" + since,
			}},
			{119 * time.Second, map[string]string{"money": "STATIC on" + since}},
			{121 * time.Second, map[string]string{"calm": "STATIC on" + since, "money": "DEFAULT off stale" + since, "later": "STATIC on" + since, "off": "DISABLED" + since, "forced": "DEFAULT on" + since}},
			{599 * time.Second, map[string]string{"later": "STATIC on" + since}},
			{601 * time.Second, map[string]string{"calm": "STATIC on" + since, "later": "DEFAULT off stale" + since}},
		} {
			time.Sleep(time.Until(confirmed.Add(step.age)))
			if step.want == nil {
				step.want = well
			}
			for flag, want := range step.want {
				if got := r.say(t, flag); got != want {
					t.Errorf("after %v %s says %q; want %q", step.age, flag, got, want)
				}
			}
		}
		h.source.Break(nil)
		time.Sleep(2 * time.Minute)
		for flag, want := range well {
			if got := r.say(t, flag); got != want {
				t.Errorf("once the store is back %s says %q; want %q", flag, got, want)
			}
		}
	})
}

// While a pod is down the time goes on; where nobody knows how old the flags are, they count as too old.
func TestFailingClosedSurvivesARestart(t *testing.T) {
	for _, row := range []struct {
		name   string
		down   time.Duration
		forget bool
		want   string
	}{
		{"soon back", 20 * time.Second, false, "STATIC it"},
		{"away for longer than the bound", 3 * time.Minute, false, "DEFAULT safe stale"},
		{"nobody knows", 0, true, "DEFAULT safe stale"},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				h.publish(failing(1, "2m"))
				keep := func(c *Config) { c.StateDir = state }
				r := h.rig(keep)
				r.start(t)
				time.Sleep(time.Minute)
				h.source.Break(unavailable)
				r.stop()
				if row.forget {
					forgetConfirmed(t, state)
				}
				time.Sleep(row.down)
				r = h.rig(keep)
				r.start(t)
				defer r.stop()
				synctest.Wait()
				got := r.askFor(t, "/revision", "")
				text := got.Reason + " " + got.Variant
				if why := got.Metadata["burgee.failClosed"]; why != nil {
					text += fmt.Sprint(" ", why)
				}
				if text != row.want {
					t.Errorf("%+v; want %s", got, row.want)
				}
				h.source.Break(nil)
				time.Sleep(2 * time.Minute)
				if got := r.say(t, "revision"); got != "STATIC it" {
					t.Errorf("once the store is back: %s", got)
				}
			})
		})
	}
}

// Flags that fail closed do so past the end of their head too, at that moment; a suspect clock ends nothing.
func TestFlagsFailClosedWhenTheyExpire(t *testing.T) {
	for _, wrong := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := &wall{}
			h := newHistory(t)
			h.publish(failing(1, "24h"), func(m *bundle.Manifest) { m.ValidUntil = m.PublishedAt.Add(10 * time.Minute) })
			r := h.rig(func(c *Config) { c.Wall = w.now })
			r.start(t)
			defer r.stop()
			time.Sleep(10*time.Minute - time.Second)
			if wrong {
				w.set(decade)
			}
			if got := r.say(t, "revision"); got != "STATIC it" {
				t.Errorf("before the end: %s", got)
			}
			time.Sleep(2 * time.Second)
			want := "DEFAULT safe expired"
			if wrong {
				want = "STATIC it"
			}
			if got := r.say(t, "revision"); got != want {
				t.Errorf("a second past the end, clock wrong %v: %s; want %s", wrong, got, want)
			}
			if wrong {
				return
			}
			h.publish(failing(2, "24h"), func(m *bundle.Manifest) { m.ValidUntil = time.Now().Add(time.Hour) })
			time.Sleep(time.Minute)
			if got := r.say(t, "revision"); got != "STATIC it" {
				t.Errorf("renewed: %s", got)
			}
		})
	}
}

// Whoever is pinned to what cannot be had gets the safe variant of flags that fail closed; a held pin gets them as they were then, unless
// they are too old here.
func TestPinsAndFailingClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.publish(failing(1, "2m"))
		r := h.follow(func(c *Config) { c.PinWait = -1 })
		h.publish(failing(2, "30m"))
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.ahead(9)); got.Value != 0.0 || !got.missed() || got.Metadata["burgee.failClosed"] != closedMissed {
			t.Errorf("missed: %+v; want the safe variant and both marks", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 1.0 || got.missed() {
			t.Errorf("held: %+v; want revision 1", got)
		}
		h.publish(failing(2, "30m"), func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision", Variant: "it"}} })
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.ahead(9)); got.Value != 2.0 || got.Metadata["burgee.override"] != true || !got.missed() || got.Metadata["burgee.failClosed"] != nil {
			t.Errorf("missed, and set: %+v; want what it is set to, and the pin's mark", got)
		}
		h.publish(failing(2, "30m"))
		time.Sleep(time.Minute)
		h.source.Break(unavailable)
		time.Sleep(4 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 0.0 || got.Metadata["burgee.failClosed"] != closedStale || got.missed() {
			t.Errorf("held, and too old: %+v; want the safe variant, stale", got)
		}
		if got := r.ask(t); got.Value != 2.0 || got.Metadata["burgee.staleSince"] == nil {
			t.Errorf("served, with a longer bound: %+v; want revision 2, stale", got)
		}
	})
}

// /status tells what fails closed, what will next, and which bounds are too short for the pace of polling.
func TestStatusTellsWhatFailsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.source.Publish(h.maker.Make(1, mixedFailing, 6))
		r := h.rig(func(c *Config) { c.Poll, c.StaleAfter = 90*time.Second, 5*time.Minute })
		r.start(t)
		defer r.stop()
		time.Sleep(5 * time.Second)
		_, _, confirmed := r.freshness.state(time.Now())
		h.source.Break(unavailable)
		st := r.Status(time.Now())
		if len(st.FailingClosed) != 0 || st.NextClosing == nil || !st.NextClosing.At.Equal(confirmed.Add(2*time.Minute)) || !slices.Equal(st.NextClosing.Flags, []string{"forced", "money"}) {
			t.Errorf("closed %v, next %+v; want nothing, then money and forced in two minutes", st.FailingClosed, st.NextClosing)
		}
		if want := []ShortBound{{"forced", "2m0s"}, {"money", "2m0s"}}; !slices.Equal(st.ShortBounds, want) {
			t.Errorf("short bounds %v; want %v", st.ShortBounds, want)
		}
		time.Sleep(time.Until(confirmed.Add(3 * time.Minute)))
		st = r.Status(time.Now())
		var closed []string
		for _, f := range st.FailingClosed {
			closed = append(closed, f.Flag+" "+f.Why)
			if !f.Since.Equal(confirmed.Add(2 * time.Minute)) {
				t.Errorf("%s since %v; want %v", f.Flag, f.Since, confirmed.Add(2*time.Minute))
			}
		}
		if !slices.Equal(closed, []string{"forced stale", "money stale"}) || st.NextClosing == nil || !slices.Equal(st.NextClosing.Flags, []string{"bare"}) {
			t.Errorf("closed %v, next %+v; want money and forced, then bare", closed, st.NextClosing)
		}
	})
}

// Between two moments nothing is exchanged: an hour of good polls serves the flagset that the first one made.
func TestNothingIsExchangedWhileAllIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.publish(failing(1, "2m"))
		r := h.follow()
		before := r.holder.current.Load()
		time.Sleep(time.Hour)
		if r.holder.current.Load() != before {
			t.Error("the flagset was exchanged though nothing happened")
		}
	})
}

// What an override decides for everyone does not fail closed, nor does what is broken, and /status does not say so; one for a segment leaves
// others to fail.
func TestStatusTellsOnlyOfWhatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		document := `{"$evaluators":{"us":{"==":[{"var":"country"},"us"]}},"flags":{
			"forced":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed","maxStaleness":"10s","safeVariant":"off"}},
			"partly":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on","metadata":{"failMode":"closed","maxStaleness":"2m","safeVariant":"off"}},
			"broken":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"none","metadata":{"failMode":"closed","maxStaleness":"2m","safeVariant":"off"}}`
		for i := range 200 { // of few flags none may be broken
			document += fmt.Sprintf(`,"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`, i)
		}
		document += `}}`
		h.source.Publish(h.maker.Make(1, document, 203, func(m *bundle.Manifest) {
			m.Overrides = []bundle.Override{{Flag: "forced", Variant: "on"}, {Flag: "partly", Variant: "on", Segment: "us"}}
		}))
		r := h.rig()
		r.start(t)
		defer r.stop()
		time.Sleep(5 * time.Second)
		if st := r.Status(time.Now()); len(st.FailingClosed) != 0 || st.NextClosing == nil || !slices.Equal(st.NextClosing.Flags, []string{"partly"}) || !slices.Equal(st.ShortBounds, []ShortBound{{"forced", "10s"}}) {
			t.Errorf("closed %v, next %+v, short %v; want partly to be the next", st.FailingClosed, st.NextClosing, st.ShortBounds)
		}
		h.source.Break(unavailable)
		time.Sleep(5 * time.Minute)
		st := r.Status(time.Now())
		if len(st.FailingClosed) != 1 || st.FailingClosed[0].Flag != "partly" || st.NextClosing != nil {
			t.Errorf("closed %v, next %+v; want partly alone", st.FailingClosed, st.NextClosing)
		}
		if got := r.askFor(t, "/forced", ""); got.Variant != "on" || got.Metadata["burgee.failClosed"] != nil {
			t.Errorf("forced: %+v", got)
		}
		if got := r.askFor(t, "/broken", ""); got.Metadata["burgee.failClosed"] != "broken" {
			t.Errorf("broken: %+v", got)
		}
	})
}

// A clock that is not believed ends nothing, so past the end /status does not announce that end.
func TestNoEndIsAnnouncedThatPassed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		h := newHistory(t)
		h.publish(failing(1, "24h"), func(m *bundle.Manifest) { m.ValidUntil = m.PublishedAt.Add(10 * time.Minute) })
		r := h.follow(func(c *Config) { c.Wall = w.now })
		if next := r.Status(time.Now()).NextClosing; next == nil || !next.At.Equal(h.last.Manifest().ValidUntil) {
			t.Errorf("next %+v; want the end", next)
		}
		w.set(decade)
		time.Sleep(20 * time.Minute)
		if next := r.Status(time.Now()).NextClosing; next == nil || next.At.Before(time.Now().Add(23*time.Hour)) {
			t.Errorf("next %+v; want the flag's bound, a day from the last confirmation", next)
		}
		w.set(0)
		time.Sleep(20 * time.Minute)
		if st := r.Status(time.Now()); st.NextClosing != nil || len(st.FailingClosed) != 1 || !st.FailingClosed[0].Since.Equal(h.last.Manifest().ValidUntil) {
			t.Errorf("next %+v, closed %+v; want it closed since the end", st.NextClosing, st.FailingClosed)
		}
	})
}
