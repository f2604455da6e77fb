package chain

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
	"github.com/burgeehq/burgee/test/kit"
)

const (
	clients = 8  // requests at a time
	bare    = 10 // one request of so many has no snapshot, to see how it is without
	probed  = 7  // one of so many asks for the flag that is killed, too

	minPublished = 8 // by the end, however few requests are wanted
	outageEvery  = 6 // publications
)

// load is a number of clients that ask without pause.
type load struct {
	*traffic
	with, without  *chain.Chain
	wanted         int64
	sent           atomic.Int64
	dead           atomic.Bool // the killed flag is, on every hop
	up, down, bare tally
}

// run asks until all was asked that is wanted, and all has happened that must; in the middle somebody kills a flag.
func (l *load) run(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	group.Go(func() { l.flow(ctx, t) })
	for range clients {
		group.Go(func() { l.client(ctx, t) })
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ; !t.Failed(); <-tick.C {
		published, outages, sent := l.published.Load(), l.outages.Load(), l.sent.Load()
		switch {
		case published >= outageEvery*(outages+1):
			l.away(t)
		case sent >= l.wanted/2 && !l.dead.Load():
			l.kill(t)
		case sent >= l.wanted && published >= minPublished && outages > 0:
			return
		}
	}
}

// client asks one request after the other.
func (l *load) client(ctx context.Context, t *testing.T) {
	for n := 0; ctx.Err() == nil; n++ {
		flags := []string{kit.Number}
		if n%probed == 0 {
			flags = append(flags, killed)
		}
		c, passing, dead, phase := l.with, n%bare > 0, l.dead.Load(), l.phase.Load()
		if !passing {
			c = l.without
		}
		hops, err := c.Ask(ctx, "", flags...)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			t.Errorf("a request failed: %v", err)
			return
		case dead && !isDead(hops):
			t.Errorf("a killed flag lives: %s", inJSON(hops))
			return
		case !passing:
			l.bare.add(hops, false)
		case phase%2 == 0 && phase == l.phase.Load():
			l.up.add(hops, true)
		default:
			l.down.add(hops, true)
		}
		if passing {
			l.sent.Add(1)
		}
	}
}

// isDead tells whether the killed flag is so wherever it was asked for.
func isDead(hops chain.Hops) bool {
	for _, hop := range hops {
		if hop.Flag == killed && (!hop.Marks.Override || string(hop.Value) != `"old"`) {
			return false
		}
	}
	return true
}

// kill kills a flag, and wants it dead on every hop once each sidecar has polled twice: of two polls that end after the command, the second
// began after it. Requests with a snapshot from before are no exception, and neither are those without one.
func (l *load) kill(t *testing.T) {
	t.Helper()
	before := ask(t, l.with, "", killed)
	if isDead(before) {
		t.Fatalf("the flag is dead already: %s", inJSON(before))
	}
	l.mu.Lock() // a publication at the same time would be refused: it has not seen the kill
	printed := l.Ctl("kill", killed, "--store", l.Store, "--environment", kit.Environment, "--key", l.Path("team.key"), "--author", "oncall",
		"--message", "made by a test")
	l.mu.Unlock()
	printed.Good(t)
	committed := time.Now()
	var had [services]float64
	for i, burgee := range l.sidecars {
		had[i] = polls(t, burgee)
	}
	kit.Eventually(t, func() error {
		twice := true
		for i, burgee := range l.sidecars {
			twice = twice && polls(t, burgee) >= had[i]+2
		}
		for _, hops := range []chain.Hops{ask(t, l.with, before.Snapshot(), killed), ask(t, l.with, "", killed), ask(t, l.without, "", killed)} {
			switch {
			case isDead(hops):
			case twice:
				t.Fatalf("two polls after the kill it lives: %s", inJSON(hops))
			default:
				return errLives
			}
		}
		return nil
	})
	t.Logf("killed on every hop within %v of the command's end; the slowest sidecar polls every %v", time.Since(committed).Round(time.Millisecond), pollOf(services-1, *poll))
	l.dead.Store(true)
}
