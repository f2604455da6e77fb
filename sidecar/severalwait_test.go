package sidecar

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// Pods that start while several revisions wait serve at each moment what all others do: what waits, and what came to its moment while they
// were down, though a newer one waits.
func TestStartingWhileSeveralWait(t *testing.T) {
	for _, row := range []struct {
		name  string
		state bool
		away  bool
		down  time.Duration
		want  int64 // at first
	}{
		{"from disk", true, false, time.Second, 1},
		{"from disk, the store away", true, true, time.Second, 1},
		{"from disk, past a moment", true, true, 2 * time.Minute, 2},
		{"a fresh pod", false, false, time.Second, 1},
		{"a fresh pod past a moment", false, false, 2 * time.Minute, 2},
	} {
		t.Run(row.name, func(t *testing.T) {
			state := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(t)
				keep := func(c *Config) {
					if row.state {
						c.StateDir = state
					}
				}
				h.number()
				old := h.rig(keep)
				old.start(t)
				time.Sleep(time.Minute)
				h.number(atMoment(3 * time.Minute))
				first := h.last.Manifest().ActivateAt
				time.Sleep(time.Minute)
				h.number(atMoment(9 * time.Minute))
				second := h.last.Manifest().ActivateAt
				time.Sleep(time.Minute)
				old.stop()
				time.Sleep(row.down)
				if row.away {
					h.source.Break(unavailable)
				}
				r := h.rig(keep)
				r.start(t)
				defer r.stop()
				time.Sleep(10 * time.Second)
				if got := r.ask(t); got.revision != row.want || got.Value != float64(row.want) {
					t.Errorf("at first: %+v; want revision %d", got, row.want)
				}
				time.Sleep(time.Until(first) + time.Millisecond)
				if got := r.ask(t); got.revision != 2 {
					t.Errorf("past the first moment: %+v; want revision 2", got)
				}
				if got := r.ask(t, "Burgee-Snapshot", h.tokens[3]); got.Value != 3.0 || got.missed() {
					t.Errorf("pinned ahead: %+v; want revision 3", got)
				}
				time.Sleep(time.Until(second) + time.Millisecond)
				if got := r.ask(t); got.revision != 3 {
					t.Errorf("past the second: %+v; want revision 3", got)
				}
			})
		})
	}
}

// A kill takes the place of the head that waits over the same flags; a pod that starts then, and finds both, does not go back to the other.
func TestAKillOfWhatWaitsStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		two := `{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d,"safe":0},"defaultVariant":"it","metadata":{"safeVariant":"safe"}}}}`
		h := newHistory(t)
		h.publish(fmt.Sprintf(two, 1))
		time.Sleep(time.Minute)
		h.publish(fmt.Sprintf(two, 2), atMoment(5*time.Minute))
		moment := h.last.Manifest().ActivateAt
		h.publish(fmt.Sprintf(two, 2), func(m *bundle.Manifest) { m.ActivateAt, m.Overrides = moment, []bundle.Override{{Flag: "revision"}} })
		r := h.follow()
		if st := r.Status(time.Now()); len(st.Pending) != 1 || st.Pending[0].Revision != 3 || st.Active.Revision != 1 || st.Behind {
			t.Errorf("active %d, pending %v, behind %v; want revision 3 to wait", st.Active.Revision, st.Pending, st.Behind)
		}
		h.publish(fmt.Sprintf(two, 2), func(m *bundle.Manifest) { m.ActivateAt, m.Overrides = moment, []bundle.Override{{Flag: "revision"}} })
		time.Sleep(time.Minute)
		if st := r.Status(time.Now()); len(st.Pending) != 1 || st.Pending[0].Revision != 4 {
			t.Errorf("pending %v; want revision 4 in the place of 3", st.Pending)
		}
		time.Sleep(10 * time.Minute)
		if got := r.ask(t); got.revision != 4 || got.Value != 0.0 {
			t.Errorf("%+v; want revision 4, killed", got)
		}
	})
}

// flagsOf makes a flagset of a rig's holder, as the disk or the store would bring it.
func (r *rig) flagsOf(t testing.TB, made bundletest.Made) *flagset {
	t.Helper()
	f, err := r.holder.compile(verifiedOf(t, r.maker, made), fromStore, r.holder.roomForNewest(0))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Whatever order they come in, those that wait are served in that of their revisions, of several at one moment the newest alone; and what a
// disk brings too late, when something newer is served, is not served any more.
func TestOrderOfWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		defer r.stop()
		moment := func(m *bundle.Manifest) { m.ActivateAt = time.Now().Add(time.Minute).Truncate(time.Second) }
		made := []bundletest.Made{r.maker.Make(1, numbered(1), 1), r.maker.Make(2, numbered(2), 1, moment), r.maker.Make(3, numbered(3), 1, moment)}
		first, second, third := r.flagsOf(t, made[0]), r.flagsOf(t, made[1]), r.flagsOf(t, made[2])
		r.holder.take(first)
		r.holder.take(third)
		r.holder.take(second)
		if pending := r.Status(time.Now()).Pending; len(pending) != 2 || pending[0].Revision != 2 {
			t.Errorf("pending %v; want 2 and 3", pending)
		}
		time.Sleep(time.Until(third.head.Manifest().ActivateAt))
		if synctest.Wait(); r.served(t) != 3 {
			t.Errorf("revision %d; want 3 at once", r.served(t))
		}
		r.holder.take(first)
		if got := r.served(t); got != 3 {
			t.Errorf("revision %d after an earlier one came late; want 3", got)
		}
		if held := fmt.Sprint(r.Status(time.Now()).Held); held != "[3 2 1]" {
			t.Errorf("held %s", held)
		}
	})
}

// Where nothing else can be served until its moment, the newest that waits is.
func TestTheNewestThatWaitsIsServedForWantOfAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		defer r.stop()
		made := r.maker.Make(3, numbered(3), 1, atMoment(time.Hour))
		later, earlier := r.flagsOf(t, made), r.flagsOf(t, r.maker.Make(2, numbered(2), 1, atMoment(time.Hour)))
		r.holder.take(later)
		r.holder.take(earlier)
		r.holder.settle()
		if got := r.served(t); got != 3 {
			t.Errorf("revision %d; want 3", got)
		}
		r.holder.settle() // nothing is left to settle
		if got := r.served(t); got != 3 {
			t.Errorf("revision %d; want 3", got)
		}
	})
}

// Flags that come before any head, as a held file's do, come with the overrides of their own.
func TestTheFirstHeadActs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		defer r.stop()
		r.holder.take(r.flagsOf(t, r.maker.Make(1, failing(1, "1h"), 1, func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision"}} })))
		if got := r.ask(t); got.Value != 0.0 || got.Metadata["burgee.override"] != true {
			t.Errorf("%+v; want it killed", got)
		}
	})
}

// A head that is taken up while something earlier is served for the first time stays the newest.
func TestTheNewestHeadStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		defer r.stop()
		head, err := r.maker.Policy().Open(r.maker.Make(5, numbered(5), 1).Head)
		if err != nil {
			t.Fatal(err)
		}
		r.holder.Head(head)
		r.holder.take(r.flagsOf(t, r.maker.Make(3, numbered(3), 1)))
		if got := r.holder.newestRevision(); got != 5 {
			t.Errorf("the newest head is %d; want 5", got)
		}
	})
}

// What is only to be held does not push out what waits to be served: nobody would bring that again. What is newer does.
func TestRoomIsMadeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHistory(t).rig()
		defer r.stop()
		r.holder.take(r.flagsOf(t, r.maker.Make(3, numbered(3), 1)))
		before := r.holder.current.Load()
		r.holder.makeRoom(4, 64<<20)
		if r.holder.current.Load() != before {
			t.Error("the flagset was exchanged though there was room")
		}
		r.holder.take(r.flagsOf(t, r.maker.Make(4, weighty(4, 3500), weightyFlags+1)))
		r.holder.take(r.flagsOf(t, r.maker.Make(6, weighty(6, 3500), weightyFlags+1, atMoment(time.Hour))))
		if st := r.Status(time.Now()); fmt.Sprint(st.Held) != "[6 4]" || len(st.Pending) != 1 {
			t.Fatalf("held %v, pending %v; weights %d and %d", st.Held, st.Pending, r.holder.weight(), r.holder.held.weight(r.holder.served()))
		}
		r.holder.makeRoom(2, 64<<20)
		if st := r.Status(time.Now()); fmt.Sprint(st.Held) != "[6 4]" || len(st.Pending) != 1 {
			t.Errorf("for an earlier one: held %v, pending %v; want 6 and 4", st.Held, st.Pending)
		}
		r.holder.makeRoom(7, 64<<20)
		if st := r.Status(time.Now()); fmt.Sprint(st.Held) != "[4]" || len(st.Pending) != 0 {
			t.Errorf("for a newer one: held %v, pending %v; want 4 alone", st.Held, st.Pending)
		}
	})
}

const weightyFlags = 1000

// weighty has flags with values of such a size: 3500 characters take most of the memory that there is for flags.
func weighty(revision int64, size int) string {
	var doc strings.Builder
	doc.WriteString(`{"flags":{"revision":{"variants":{"it":` + fmt.Sprint(revision) + `},"defaultVariant":"it"}`)
	for i := range weightyFlags {
		fmt.Fprintf(&doc, `,"f%d":{"variants":{"on":"%d%s"},"defaultVariant":"on"}`, i, revision, strings.Repeat("x", size))
	}
	return doc.String() + "}}"
}
