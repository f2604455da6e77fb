package chain

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
	"github.com/burgeehq/burgee/test/kit"
)

// How old the gate may get, and how long after that it may be open. Programs under the race detector start and run ten times as slowly.
var (
	allowed = slowly(5*time.Second, 2)
	late    = slowly(time.Second, 5)
)

func slowly(d time.Duration, times int) time.Duration {
	if kit.Race {
		return d * time.Duration(times)
	}
	return d
}

const (
	killedEarly   = 2 // the sidecar that is killed and started again before the gate is too old there
	stoppedClosed = 3 // the one that is stopped and started again after that
)

// closing is what /status says of flags that fail closed.
type closing struct {
	Freshness     string
	FailingClosed []struct {
		Flag, Why string
		Since     time.Time
	}
	NextClosing *struct {
		At    time.Time
		Flags []string
	}
	Sync struct{ ConfirmedAt time.Time }
}

func closingOf(t *testing.T, burgee *kit.Sidecar) closing {
	t.Helper()
	var c closing
	if _, page := burgee.Page(t, "/status"); json.Unmarshal([]byte(page), &c) != nil {
		t.Fatalf("/status: %s", page)
	}
	return c
}

// The store goes away for longer than the owners of a flag allow. On each sidecar the flag answers its safe variant within a second of the
// moment that the sidecar itself names, and not before; the others go on, and say since when they are stale. Restarts change nothing of it,
// and when the store is back nobody has to do anything.
func TestAFlagFailsClosedOnEveryHop(t *testing.T) {
	t.Parallel()
	f := start(t, *closedPoll, allowed)
	c := f.services(t, true)
	if hops := ask(t, c, "", kit.Number, closed); !open(hops) {
		t.Fatalf("with the store there: %s", inJSON(hops))
	}
	rename(t, f.Path("store"), f.Path("away"))
	for _, burgee := range f.sidecars {
		burgee.Until(t, "no store", func(st kit.Status) bool { return st.ErrorKind() == "no-store" })
	}
	confirmed := closingOf(t, f.sidecars[killedEarly]).Sync.ConfirmedAt
	f.sidecars[killedEarly].Kill()
	f.run(t, killedEarly, *closedPoll)
	if again := closingOf(t, f.sidecars[killedEarly]).Sync.ConfirmedAt; again.IsZero() || again.After(confirmed) {
		t.Errorf("after a restart the store confirmed the flags at %v; before it at %v", again, confirmed)
	}

	f.watch(t, c)
	f.wantClosed(t, c)
	f.sidecars[stoppedClosed].Stop(t)
	f.run(t, stoppedClosed, *closedPoll)
	f.wantClosed(t, c)

	rename(t, f.Path("away"), f.Path("store"))
	kit.Eventually(t, func() error {
		if hops, err := c.Ask(t.Context(), "", kit.Number, closed); err != nil || !open(hops) {
			return fmt.Errorf("with the store back: %s, error %w", inJSON(hops), err)
		}
		return nil
	})
	for i, burgee := range f.sidecars {
		if now := closingOf(t, burgee); now.Freshness != "fresh" || len(now.FailingClosed) > 0 {
			t.Errorf("sidecar %d with the store back: %+v", i+1, now)
		}
	}
}

// open tells whether all is as usual on every hop.
func open(hops chain.Hops) bool {
	for _, hop := range hops {
		if hop.Marks != (chain.Marks{}) || hop.Flag == closed && string(hop.Value) != "true" || hop.Flag == kit.Number && string(hop.Value) != "1" {
			return false
		}
	}
	return true
}

// watch asks until the gate is shut on every hop, and holds each against the moment that its sidecar names.
func (f *fleet) watch(t *testing.T, c *chain.Chain) {
	t.Helper()
	var moments, shut [services]time.Time
	for i, burgee := range f.sidecars {
		now := closingOf(t, burgee)
		moments[i] = now.Sync.ConfirmedAt.Add(allowed)
		if now.NextClosing == nil || len(now.NextClosing.Flags) != 1 || now.NextClosing.At.Sub(moments[i]).Abs() > time.Millisecond {
			t.Errorf("sidecar %d says of what fails closed next: %+v; want the gate at %v", i+1, now.NextClosing, moments[i])
		}
	}
	kit.Eventually(t, func() error {
		asked := time.Now()
		hops, err := c.Ask(t.Context(), "", kit.Number, closed)
		if err != nil {
			return err // a connection to the sidecar that was killed
		}
		answered, all := time.Now(), true
		for _, hop := range hops {
			i := hop.Service - 1
			switch isShut := hop.Marks.FailClosed == "stale" && string(hop.Value) == "false"; {
			case hop.Flag == kit.Number:
				if hop.Marks.FailClosed != "" || string(hop.Value) != "1" {
					t.Fatalf("another flag says %s", inJSON(chain.Hops{hop}))
				}
			case !isShut && (hop.Marks.FailClosed != "" || string(hop.Value) != "true"):
				t.Fatalf("the gate says %s; want it open, or shut for being stale", inJSON(chain.Hops{hop}))
			case !isShut && asked.After(moments[i].Add(late)): // the question was put too late for it, so no slow machine is to blame
				t.Fatalf("the gate is open at service %d, asked %v after the bound", hop.Service, asked.Sub(moments[i]))
			case isShut && answered.Before(moments[i]):
				t.Fatalf("the gate is shut at service %d, %v before the bound", hop.Service, moments[i].Sub(answered))
			case isShut && shut[i].IsZero():
				shut[i] = answered
			}
			all = all && (hop.Flag != closed || hop.Marks.FailClosed != "")
		}
		if !all {
			return errors.New("the gate is open somewhere")
		}
		return nil
	})
	for i := range shut {
		t.Logf("service %d has the gate shut %v after the bound", i+1, shut[i].Sub(moments[i]).Round(time.Millisecond))
	}
}

// wantClosed wants the gate shut on every hop and all else going on, and every sidecar saying so.
func (f *fleet) wantClosed(t *testing.T, c *chain.Chain) {
	t.Helper()
	for i, burgee := range f.sidecars {
		now := closingOf(t, burgee)
		want := now.Sync.ConfirmedAt.Add(allowed)
		if len(now.FailingClosed) != 1 || now.FailingClosed[0].Flag != closed || now.FailingClosed[0].Why != "stale" || now.FailingClosed[0].Since.Sub(want).Abs() > time.Millisecond {
			t.Errorf("sidecar %d says of what fails closed: %+v; want the gate since %v", i+1, now.FailingClosed, want)
		}
		burgee.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" })
	}
	kit.Eventually(t, func() error {
		hops, err := c.Ask(t.Context(), "", kit.Number, closed)
		if err != nil {
			return err // a connection to the sidecar that was stopped
		}
		for _, hop := range hops {
			switch {
			case hop.Flag == closed && (hop.Marks.FailClosed != "stale" || string(hop.Value) != "false"),
				hop.Flag == kit.Number && (hop.Marks.FailClosed != "" || string(hop.Value) != "1"),
				hop.Marks.StaleSince == "", hop.Marks.Pin != "":
				t.Fatalf("long after the bound: %s", inJSON(chain.Hops{hop}))
			}
		}
		return nil
	})
}
