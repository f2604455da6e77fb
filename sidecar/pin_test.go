package sidecar

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// A request that is pinned to a revision that was replaced sees exactly that one, by whichever way its pin comes; and is told which.
func TestAHeldRevisionAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.number()
		time.Sleep(time.Minute)
		for name, got := range map[string]said{
			"header":    r.ask(t, "Burgee-Snapshot", h.tokens[1]),
			"attribute": r.askFor(t, "/revision", fmt.Sprintf(`{"context":{"burgee-snapshot":%q}}`, h.tokens[1])),
			"baggage":   r.ask(t, "Baggage", "a=b,burgee-snapshot="+h.tokens[1]+";p=1,c=d"),
			"escaped":   r.ask(t, "Baggage", "burgee-snapshot = "+strings.ReplaceAll(h.tokens[1], ".", "%2E")),
			"list":      r.ask(t, "Burgee-Snapshot", "r1.other~"+h.tokens[1]),
		} {
			if got.Value != 1.0 || got.revision != 1 || got.token != h.tokens[1] || got.missed() {
				t.Errorf("%s: %+v; want revision 1", name, got)
			}
		}
		if got := r.ask(t); got.Value != 2.0 || got.revision != 2 || got.token != h.tokens[2] {
			t.Errorf("without a pin: %+v; want revision 2", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || r.pinned(pinCurrent) != 1 {
			t.Errorf("pinned to what is served: %+v", got)
		}
		if n := r.pinned(pinHeld); n != 5 {
			t.Errorf("%d pins were held; want 5", n)
		}
		bulk := call(r.answer, "POST", flagsPath, "", "Burgee-Snapshot", h.tokens[1])
		if want := `{"flags":[{"key":"revision","value":1,"reason":"STATIC","variant":"it","metadata":{}}],"metadata":{}}`; string(bulk.Response.Body()) != want {
			t.Errorf("bulk: %s", bulk.Response.Body())
		}
		if held := r.Status(time.Now()).Held; fmt.Sprint(held) != "[2 1]" {
			t.Errorf("held %v; want 2 and 1", held)
		}
	})
}

// Of header, context and baggage the first that has a pin counts; that they disagree is counted too.
func TestTheHeaderCountsFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.rig()
		r.start(t)
		defer r.stop()
		for range 2 {
			time.Sleep(time.Minute)
			h.number()
		}
		time.Sleep(time.Minute)
		attribute := fmt.Sprintf(`{"context":{"burgee-snapshot":%q}}`, h.tokens[2])
		if got := r.askFor(t, "/revision", attribute, "Burgee-Snapshot", h.tokens[1], "Baggage", "burgee-snapshot="+h.tokens[3]); got.Value != 1.0 {
			t.Errorf("%+v; want the header's revision 1", got)
		}
		if n := r.meter.pinConflicts.Load(); n != 1 {
			t.Errorf("%d requests were counted whose pins disagree; want 1", n)
		}
		if got := r.askFor(t, "/revision", attribute, "Baggage", "burgee-snapshot="+h.tokens[2]); got.Value != 2.0 || r.meter.pinConflicts.Load() != 1 {
			t.Errorf("%+v; want the context's revision 2, and no disagreement", got)
		}
		if got := r.askFor(t, "/revision", `{"context":{"burgee-snapshot":7}}`); got.Value != 3.0 || got.missed() || r.pinned(pinMalformed) != 1 {
			t.Errorf("%+v; want what is served where the attribute is no text", got)
		}
	})
}

// A pin ahead makes the sidecar ask the store at once, and its request wait for the answer.
func TestAPinAheadIsAwaited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(seldom)
		h.number()
		start := time.Now()
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 || got.revision != 2 || got.missed() {
			t.Errorf("%+v; want revision 2", got)
		}
		if waited := time.Since(start); waited > DefaultPinWait {
			t.Errorf("the request waited %v", waited)
		}
		if r.pinned(pinAwaited) != 1 {
			t.Error("the pin was not counted as awaited")
		}
	})
}

// A pin ahead that does not come within the time is answered from what is served, and told so; after a failure nobody waits.
func TestAPinAheadIsMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(seldom)
		token := h.ahead(5)
		start := time.Now()
		if got := r.ask(t, "Burgee-Snapshot", token); got.Value != 1.0 || got.revision != 1 || got.token != h.tokens[1] || !got.missed() {
			t.Errorf("%+v; want revision 1 and the mark", got)
		}
		if waited := time.Since(start); waited > DefaultPinWait {
			t.Errorf("the request waited %v", waited)
		}
		h.source.Break(unavailable)
		time.Sleep(2 * time.Second)
		_ = r.ask(t, "Burgee-Snapshot", token) // this one finds the store away
		time.Sleep(time.Minute)
		start = time.Now()
		if got := r.ask(t, "Burgee-Snapshot", token); !got.missed() || time.Since(start) != 0 {
			t.Errorf("%+v after %v; want the mark at once", got, time.Since(start))
		}
	})
}

func unavailable(context.Context, string) (func([]byte) []byte, error) {
	return nil, object.ErrUnavailable
}

// ahead is the token of a revision that the store does not have.
func (h *history) ahead(revision int64) string {
	h.t.Helper()
	head, err := h.maker.Policy().Open(h.maker.Make(revision, numbered(revision), 1).Head)
	if err != nil {
		h.t.Fatal(err)
	}
	return head.Manifest().Snapshot
}

// What is no token of this environment's publisher is as none: it changes no answer, marks none and asks nothing of the store.
func TestBadPinsAreNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stranger := newHistory(t), newHistory(t)
		h.number()
		r := h.follow(seldom)
		gets := h.source.Gets(bundle.HeadKey)
		foreign, err := bundle.Policy{Trust: h.maker.Trust}.Open(h.maker.Make(2, numbered(2), 1, func(m *bundle.Manifest) { m.Environment = "shop/staging" }).Head)
		if err != nil {
			t.Fatal(err)
		}
		good := h.ahead(2)
		for name, row := range map[string]struct {
			pin  string
			want pinResult
		}{
			"another key":         {stranger.ahead(2), pinForged},
			"beyond the jump":     {h.ahead(bundle.MaxJump + 2), pinForged},
			"another environment": {foreign.Manifest().Snapshot, pinForeign},
			"unsigned":            {bundle.UnsignedToken(2, h.last.Manifest().Bundle.ContentDigest), pinForged},
			"cut short":           {good[:len(good)-1], pinMalformed},
			"longer":              {good + strings.Repeat("A", 20), pinOversized},
			"five":                {strings.Repeat(good+"~", 4) + good, pinOversized},
			"nothing known":       {"snapshot", pinMalformed},
		} {
			before := r.pinned(row.want)
			if got := r.ask(t, "Burgee-Snapshot", row.pin); got.Value != 1.0 || got.missed() || got.token != h.tokens[1] {
				t.Errorf("%s: %+v; want an answer as without a pin", name, got)
			}
			if r.pinned(row.want) != before+1 {
				t.Errorf("%s: was not counted as %s", name, pinResultNames[row.want])
			}
		}
		if n := h.source.Gets(bundle.HeadKey); n != gets {
			t.Errorf("the store was asked %d times", n-gets)
		}
	})
}

// Signatures cost: no more than a few are looked at in a second, and whoever cannot be told from a good one gets the mark.
func TestFewSignaturesAreChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, stranger := newHistory(t), newHistory(t)
		h.number()
		r := h.follow(seldom)
		for i := range 3 * checksASecond {
			_ = r.ask(t, "Burgee-Snapshot", stranger.ahead(int64(2+i)))
		}
		if forged, rest := r.pinned(pinForged), r.pinned(pinUnchecked); forged != checksASecond || rest != 2*checksASecond {
			t.Errorf("%d were checked and %d were not; want %d and %d", forged, rest, checksASecond, 2*checksASecond)
		}
		time.Sleep(time.Second)
		if got := r.ask(t, "Burgee-Snapshot", stranger.ahead(2)); got.missed() {
			t.Errorf("%+v; want a forged pin to be none a second later", got)
		}
	})
}

// A good token that the store does not bear out for two polls speaks against the store: the sidecar says that it is behind, and does not
// take the store's word for being up to date.
func TestAPinTellsOfAFrozenStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		if st := r.Status(time.Now()); st.Behind || st.Freshness != fresh {
			t.Fatalf("%+v", st)
		}
		_ = r.ask(t, "Burgee-Snapshot", h.ahead(2))
		time.Sleep(2*DefaultPoll + 2*staleAfterPolls*DefaultPoll)
		if st := r.Status(time.Now()); !st.Behind || st.Freshness != freshStale {
			t.Errorf("behind %v, %s; want behind, and stale", st.Behind, st.Freshness)
		}
		h.number()
		time.Sleep(2 * DefaultPoll)
		if st := r.Status(time.Now()); st.Behind || st.Freshness != fresh {
			t.Errorf("behind %v, %s; want neither once the store has it", st.Behind, st.Freshness)
		}
	})
}

// A pin ends a while after its revision was replaced, and where its publisher says so; a kill beats it.
func TestPinsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow(func(c *Config) { c.PinMaxAge = 5 * time.Minute })
		h.number()
		time.Sleep(4 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 1.0 {
			t.Errorf("after four minutes: %+v; want revision 1", got)
		}
		time.Sleep(2 * time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[1]); got.Value != 2.0 || !got.missed() || r.pinned(pinGone) != 1 {
			t.Errorf("after six minutes: %+v; want revision 2 and the mark", got)
		}
		if held := r.Status(time.Now()).Held; len(held) != 1 {
			t.Errorf("held %v; want the served one alone", held)
		}
		h.number()
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 2.0 {
			t.Errorf("%+v; want revision 2", got)
		}
		h.number(func(m *bundle.Manifest) { m.OldestPin = 3 })
		time.Sleep(time.Minute)
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[2]); got.Value != 4.0 || !got.missed() {
			t.Errorf("below the oldest pin: %+v; want revision 4 and the mark", got)
		}
		if got := r.ask(t, "Burgee-Snapshot", h.tokens[3]); got.Value != 3.0 {
			t.Errorf("the oldest pin: %+v; want revision 3", got)
		}
		two := `{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`
		h.publish(fmt.Sprintf(two, 5))
		time.Sleep(time.Minute)
		h.publish(fmt.Sprintf(two, 6))
		time.Sleep(time.Minute)
		h.publish(fmt.Sprintf(two, 6), func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision"}} })
		time.Sleep(time.Minute)
		for _, token := range []string{h.tokens[5], h.tokens[6], h.tokens[7]} {
			if got := r.ask(t, "Burgee-Snapshot", token); got.Value != 0.0 || got.Metadata["burgee.override"] != true || got.missed() {
				t.Errorf("killed: %+v; want the safe variant", got)
			}
		}
	})
}

// A revision over the same flags as another needs no place of its own, and its pin is good though nobody here ever saw its head.
func TestTheSameFlagsAreTheSameState(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHistory(t)
		h.number()
		r := h.follow()
		h.publish(numbered(1)) // unseen: the next one comes before the poll
		h.publish(numbered(1))
		time.Sleep(time.Minute)
		h.publish(numbered(4))
		time.Sleep(time.Minute)
		for revision := int64(1); revision <= 3; revision++ {
			if got := r.ask(t, "Burgee-Snapshot", h.tokens[revision]); got.Value != 1.0 || got.revision != revision || got.token != h.tokens[revision] || got.missed() {
				t.Errorf("revision %d: %+v", revision, got)
			}
		}
	})
}
