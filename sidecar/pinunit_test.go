package sidecar

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

func TestMayPin(t *testing.T) {
	for headers, want := range map[string]bool{
		"": true, "Host: x\r\n": false, "Host: burgee\r\nAccept: b\r\n": false, "BAGGAGE: x\r\n": true, "Host: x\r\nburgee-snapshot: y\r\n": true, "Host: x": false,
	} {
		if got := mayPin([]byte(headers)); got != want {
			t.Errorf("%q: %v", headers, got)
		}
	}
}

// A token has to be of its head in every part: a publisher's mistake must not travel.
func TestTokenFits(t *testing.T) {
	h := newHistory(t)
	h.number()
	good := h.last.Manifest()
	for name, row := range map[string]struct {
		change func(*bundle.Manifest)
		fits   bool
	}{
		"as made":             {func(*bundle.Manifest) {}, true},
		"another revision":    {func(m *bundle.Manifest) { m.Revision++ }, false},
		"another environment": {func(m *bundle.Manifest) { m.Environment = "shop/other" }, false},
		"other flags":         {func(m *bundle.Manifest) { m.Bundle.ContentDigest = bundle.Sum(nil) }, false},
		"none":                {func(m *bundle.Manifest) { m.Snapshot = "" }, false},
	} {
		m := good
		if row.change(&m); tokenFits(m) != row.fits {
			t.Errorf("%s: fits %v", name, !row.fits)
		}
	}
}

// What verified once is not verified again, and no more is remembered than there is room for.
func TestGoodTokensAreRemembered(t *testing.T) {
	h, stranger := newHistory(t), newHistory(t)
	p := newPins(Config{Trust: h.maker.Trust, Poll: time.Second})
	now := time.Now()
	var last string
	for i := range int64(maxProven + 9) {
		last = h.ahead(i + 1)
		token, err := bundle.ParseToken([]byte(last))
		if err != nil {
			t.Fatal(err)
		}
		if now = now.Add(time.Second); p.verify([]byte(last), token, now) != pinNone {
			t.Fatalf("revision %d did not verify", i+1)
		}
		if len(p.proven) > maxProven {
			t.Fatalf("%d are remembered", len(p.proven))
		}
	}
	p.trust = stranger.maker.Trust
	token, _ := bundle.ParseToken([]byte(last))
	if got := p.verify([]byte(last), token, now); got != pinNone {
		t.Errorf("it was verified again: %s", pinResultNames[got])
	}
}

// Where several tokens of a pin may be ours, one that is held counts, else the first that is good or may be; what else stands beside it is
// nobody's business. What only looks like a held one is none.
func TestSeveralTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stranger := newHistory(t), newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.Poll = time.Hour })
		good, same := h.ahead(2), stranger.ahead(1)
		for name, row := range map[string]struct {
			pin  string
			want pinResult
		}{
			"good, then garbage":        {good + "~x", pinAhead},
			"garbage, then good":        {"x~" + good, pinAhead},
			"good, then held":           {good + "~" + h.tokens[1], pinCurrent},
			"forged over held flags":    {same, pinForged},
			"forged, then good":         {same + "~" + good, pinAhead},
			"a good one and much space": {h.tokens[1] + strings.Repeat(",", maxPin), pinOversized},
		} {
			time.Sleep(2 * time.Second)
			before := r.pinned(row.want)
			got := r.ask(t, "Burgee-Snapshot", row.pin)
			if r.pinned(row.want) != before+1 || got.token != h.tokens[1] || got.missed() != row.want.missed() {
				t.Errorf("%s: %+v; want %s", name, got, pinResultNames[row.want])
			}
		}
		time.Sleep(2 * time.Second)
		for i := range checksASecond {
			_ = r.ask(t, "Burgee-Snapshot", stranger.ahead(int64(i+2)))
		}
		if got := r.ask(t, "Burgee-Snapshot", stranger.ahead(99)+"~x"); !got.missed() || r.pinned(pinUnchecked) != 1 {
			t.Errorf("unchecked, then garbage: %+v", got)
		}
	})
}

// A past differs from what is served in more with each revision, also in what its successor had in common with it; its flags are counted as
// themselves, and its set's metadata is its own.
func TestAPastIsWhatItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		document := `{"metadata":{"at":%d},"flags":{
			"a":{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it"},"revision":{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it"}}}`
		h.publishMany(fmt.Sprintf(document, 1, 1, 1), 2)
		r := h.rig()
		r.start(t)
		defer r.stop()
		for _, next := range []string{fmt.Sprintf(document, 2, 2, 1), fmt.Sprintf(document, 3, 2, 3)} {
			time.Sleep(time.Minute)
			h.publishMany(next, 2)
		}
		time.Sleep(time.Minute)
		_ = r.askFor(t, "/a", "")
		bulk := call(r.answer, "POST", flagsPath, "", "Burgee-Snapshot", h.tokens[2])
		const want = `{"flags":[{"key":"a","value":2,"reason":"STATIC","variant":"it","metadata":{"at":2}},{"key":"revision","value":1,"reason":"STATIC","variant":"it","metadata":{"at":2}}],"metadata":{"at":2}}`
		if got := string(bodyOf(t, bulk)); got != want {
			t.Errorf("revision 2: %s; want %s", got, want)
		}
		first := snap(t, r.answer, "", "Burgee-Snapshot", h.tokens[1])
		if len(first.Flags) != 2 || first.Flags[0].Value != 1.0 || first.Flags[1].Value != 1.0 || first.Metadata["at"] != 1.0 {
			t.Errorf("revision 1: %+v", first)
		}
		_ = r.ask(t, "Burgee-Snapshot", h.tokens[2])
		counted := map[string]uint64{}
		r.meter.series.each(func(flag, _ string, n uint64) { counted[flag] += n })
		if counted["a"] != 3 || counted["revision"] != 3 {
			t.Errorf("counted %v; want three answers of each", counted)
		}
	})
}

// Both marks stand where a missed pin meets stale flags; and flags that wait for their moment are no fresher than those that are served.
func TestMarksOfStaleFlags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.publish(failing(2, "2m"), atMoment(time.Hour))
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || r.pinned(pinHeld) != 1 {
			t.Errorf("ahead: %+v; want revision 2, held", got)
		}
		h.source.Break(unavailable)
		time.Sleep(3 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 0.0 || got.Metadata["burgee.failClosed"] != closedStale || got.revision != 2 {
			t.Errorf("ahead, too old: %+v; want the safe variant of revision 2", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.ahead(9)); !got.missed() || got.Metadata["burgee.staleSince"] == nil {
			t.Errorf("missed: %+v; want both marks", got)
		}
	})
}

// What is held is bounded, and each revision ends at its own moment.
func TestHeldFlags(t *testing.T) {
	r := newHistory(t).rig()
	defer r.stop()
	now := time.Now()
	flags := map[int64]*flagset{}
	for revision := range int64(6) {
		flags[revision+1] = r.flagsOf(t, r.maker.Make(revision+1, numbered(revision+1), 1))
	}
	var h heldFlags
	h.follow(nil, flags[1], now)
	h.follow(flags[1], flags[2], now)
	h.follow(flags[2], flags[3], now.Add(time.Second))
	h.note(flags[6], time.Time{})
	h.follow(flags[3], flags[4], now.Add(2*time.Second))
	if at, _ := byRevision(h.revisions, 6, func(r revision) int64 { return r.number }); !h.revisions[at].until.IsZero() {
		t.Error("what is to come was noted as replaced")
	}
	limit := func(at time.Time, bundles int, oldest int64) heldLimits {
		return heldLimits{bundles: bundles, now: at, age: time.Minute, oldest: oldest}
	}
	numbers := func() (text string) {
		for _, r := range h.revisions {
			text += fmt.Sprint(r.number)
		}
		for _, p := range h.past {
			text += fmt.Sprint(" ", p.revision)
		}
		return text
	}
	check := func(what, want string, next time.Time) {
		t.Helper()
		if got := numbers(); got != want || !h.next.Equal(next) {
			t.Errorf("%s: %s, next %v; want %s and %v", what, got, h.next, want, next)
		}
	}
	h.trim(flags[4], limit(now, 16, 1))
	check("at once", "12346 1 2 3", now.Add(time.Minute))
	if end := now.Add(time.Minute); h.over(end.Add(-1)) || !h.over(end) {
		t.Error("it is not over at its moment")
	}
	h.trim(flags[4], limit(now.Add(time.Minute), 16, 1))
	check("at the first one's moment", "2346 2 3", now.Add(time.Minute+time.Second))
	h.waiting = []*flagset{flags[6]}
	h.trim(flags[4], limit(now, 3, 1))
	check("three bundles, of which one waits", "2346 3", now.Add(time.Minute+time.Second))
	h.trim(flags[4], limit(now, 16, 9))
	check("below the oldest pin", "4", time.Time{})
	for revision := range int64(maxRevisions + 9) {
		f := *flags[1]
		f.revision, f.answering = 100+revision, &answering{token: fmt.Append(nil, revision)}
		h.note(&f, time.Time{})
	}
	if n := len(h.revisions); n != maxRevisions || h.revisions[n-1].number != 100+maxRevisions+8 {
		t.Errorf("%d are known; want the newest %d", n, maxRevisions)
	}
}

// A token below the oldest pin is not good by its flags either.
func TestTheOldestPinBoundsByContent(t *testing.T) {
	h := newHistory(t)
	token, err := bundle.ParseToken([]byte(h.ahead(2)))
	if err != nil {
		t.Fatal(err)
	}
	table := pinTable{oldest: 2, contents: []pinnedContent{{digest: bundle.Sum([]byte(numbered(2)))}}}
	if _, ok := table.find(token); !ok {
		t.Error("the oldest itself is not found")
	}
	table.oldest = 3
	if _, ok := table.find(token); ok {
		t.Error("one below it is")
	}
}

// A flag of the past that differs from the served one is counted as itself, not as what has its place in the served flags.
func TestFlagsOfThePastAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		document := `{"flags":{"a":{"state":"ENABLED","variants":{"it":0},"defaultVariant":"it"},"revision":{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it"}}}`
		h.publishMany(fmt.Sprintf(document, 1), 2)
		r := h.follow()
		h.publishMany(fmt.Sprintf(document, 2), 2)
		time.Sleep(time.Minute)
		_ = r.askFor(t, "/a", "")
		_ = r.ask(t, "Burgee-Snapshot", h.tokens[1])
		_ = snap(t, r.answer, "", "Burgee-Snapshot", h.tokens[1])
		counted := map[string]uint64{}
		r.meter.series.each(func(flag, _ string, n uint64) { counted[flag] += n })
		if counted["a"] != 2 || counted["revision"] != 2 {
			t.Errorf("counted %v; want two answers of each", counted)
		}
		h.publishMany(strings.Replace(fmt.Sprintf(document, 2), `{"it":0}`, `{"it":9}`, 1), 2)
		time.Sleep(time.Minute)
		for revision, want := range map[int64][2]any{1: {0.0, 1.0}, 2: {0.0, 2.0}, 3: {9.0, 2.0}} {
			got := snap(t, r.answer, "", "Burgee-Snapshot", h.tokens[revision])
			if a, b := got.Flags[0].Value, got.Flags[1].Value; a != want[0] || b != want[1] {
				t.Errorf("revision %d: %v and %v; want %v", revision, a, b, want)
			}
		}
	})
}

// A head whose bundle cannot be had acts by its overrides alone: answers and tokens stay those of the flags that are served, and a pin to a
// revision up to it is good by its flags, but one to itself is not.
func TestAHeadWithoutItsBundle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		one := `{"flags":{"revision":{"state":"ENABLED","variants":{"it":1,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`
		h.publish(one)
		r := h.follow()
		h.publish(one)
		h.publish(numbered(3), func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision"}} })
		h.source.Put(bundle.Key(h.last.Manifest().Bundle.Digest), nil)
		time.Sleep(5 * time.Minute)
		if got := r.ask(t); got.Value != 0.0 || got.revision != 1 || got.token != h.tokens[1] {
			t.Errorf("served: %+v; want revision 1, killed", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 0.0 || got.revision != 2 || got.token != h.tokens[2] || got.missed() {
			t.Errorf("pinned to the same flags: %+v; want revision 2, killed", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[3]); got.Value != 0.0 || got.revision != 1 || !got.missed() {
			t.Errorf("pinned to it: %+v; want revision 1, killed, and the mark", got)
		}
		if st := r.Status(time.Now()); !st.Behind || st.Freshness != freshStale {
			t.Errorf("behind %v, %s; want behind, and stale", st.Behind, st.Freshness)
		}
	})
}

// Where nothing is signed, anybody can make tokens: none has the store asked.
func TestUnsignedTokensAskForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.Trust, c.Poll = bundle.AllowUnsigned(), time.Hour })
		gets := h.source.Gets(bundle.HeadKey)
		content := h.last.Manifest().Bundle.ContentDigest
		for token, missed := range map[string]bool{
			h.tokens[1]: false, bundle.UnsignedToken(1, content): false, bundle.UnsignedToken(9, content): true, h.ahead(2): true, bundle.UnsignedToken(7, bundle.Sum(nil)): true,
		} {
			if got := r.ask(t, "Burgee-Snapshot", token); got.missed() != missed || got.Value != 1.0 {
				t.Errorf("%s: %+v; want missed %v", token, got, missed)
			}
		}
		time.Sleep(time.Minute)
		if n := h.source.Gets(bundle.HeadKey); n != gets {
			t.Errorf("the store was asked %d times", n-gets)
		}
	})
}
