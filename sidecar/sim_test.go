package sidecar

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/object"
)

var (
	simSeed  = flag.Int64("sim.seed", -1, "run this seed alone")
	simSeeds = flag.Int64("sim.seeds", 60, "how many seeds to run")
)

// recovery bounds how long after the last fault the newest revision is served: the longest pause, and a few deadlines and polls.
const recovery = 2 * time.Minute

// Whatever the store does, the served revision never falls (not even across restarts, nor while revisions wait for their moments), nothing is
// served that was not published, a pinned answer is of exactly its revision or says that it is not, and the sidecar recovers within a bounded
// time. A failing run names its seed: make sim SEED=41.
func TestSimulation(t *testing.T) {
	first, last := int64(0), *simSeeds
	if raced {
		last = min(last, 15)
	}
	if *simSeed >= 0 {
		first, last = *simSeed, *simSeed+1
	}
	for seed := first; seed < last; seed++ {
		t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { simulate(t, seed) })
		})
	}
}

// world is a store that misbehaves, and its publisher.
type world struct {
	maker, attacker *bundletest.Maker
	source          *bundletest.Source
	mu              sync.Mutex // guards random, which faults and steps share
	random          *rand.Rand
	history         []bundletest.Made
	heads           []bundle.Head // of the history
}

func newWorld(t *testing.T, seed int64) *world {
	return &world{
		maker: bundletest.New(t), attacker: bundletest.New(t), source: bundletest.NewSource(),
		random: rand.New(rand.NewPCG(uint64(seed), 1)),
	}
}

func (w *world) roll(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.IntN(n)
}

func (w *world) float() float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.random.Float64()
}

func (w *world) newest() int64 { return int64(len(w.history)) }

func (w *world) publish(change ...func(*bundle.Manifest)) {
	w.source.Publish(w.write(change...))
}

// write makes the next revision, with its copy, as a publisher does before it swings the head.
func (w *world) write(change ...func(*bundle.Manifest)) bundletest.Made {
	revision := w.newest() + 1
	made := w.maker.Make(revision, numbered(revision), 1, append(change, func(m *bundle.Manifest) {
		if revision > 1 {
			m.Follow(w.heads[revision-2])
		}
	})...)
	head, err := w.maker.Policy().Open(made.Head)
	if err != nil {
		panic(err) // our own
	}
	w.history, w.heads = append(w.history, made), append(w.heads, head)
	w.source.Put(bundle.RevisionKey(revision), made.Head)
	w.source.Put(bundle.Key(made.Ref.Digest), made.Bundle)
	return made
}

// token is what pins a revision.
func (w *world) token(revision int64) string { return w.heads[revision-1].Manifest().Snapshot }

// misbehave chooses what the store does from now on.
func (w *world) misbehave() {
	switch w.roll(9) {
	case 0:
		w.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
	case 1:
		w.source.Break(func(ctx context.Context, _ string) (func([]byte) []byte, error) {
			<-ctx.Done()
			return nil, object.Ended(ctx)
		})
	case 2: // corrupt
		w.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return w.spoil, nil })
	case 3: // flapping
		w.source.Break(func(context.Context, string) (func([]byte) []byte, error) {
			if w.roll(2) == 0 {
				return nil, object.ErrForbidden
			}
			return nil, nil
		})
	case 4: // an old head
		w.source.Put(bundle.HeadKey, w.history[w.roll(len(w.history))].Head)
	case 5: // a head of somebody else
		w.source.Publish(w.attacker.Make(w.newest()+5, numbered(666), 1))
	case 6: // the bundle is away
		w.source.Put(bundle.Key(w.history[len(w.history)-1].Ref.Digest), nil)
	case 7: // an emptied document, well signed, without the mark
		w.source.Publish(w.maker.Make(w.newest()+1, `{"flags":{}}`, 0))
		w.write()
	default:
		w.source.Break(nil)
	}
}

// spoil flips one bit, or cuts.
func (w *world) spoil(body []byte) []byte {
	if len(body) == 0 || w.roll(4) == 0 {
		return body[:w.roll(len(body)+1)]
	}
	body[w.roll(len(body))] ^= 1 << w.roll(8)
	return body
}

func (w *world) mend() {
	w.source.Break(nil)
	w.publish()
}

func simulate(t *testing.T, seed int64) {
	w := newWorld(t, seed)
	w.publish()
	state := t.TempDir()
	boot := func() *rig {
		r := newRig(t, w.maker, w.source, func(c *Config) { c.StateDir, c.Random = state, w.float })
		r.start(t)
		return r
	}
	r := boot()
	defer func() { r.stop() }()
	last := int64(0)
	check := func() {
		now := r.served(t)
		if now < last || now > w.newest() {
			t.Fatalf("revision %d is served after %d, with %d published", now, last, w.newest())
		}
		last = now
		for range 3 {
			r.checkPin(t, w)
		}
		last = max(last, r.served(t)) // one of them may have had the store asked
	}
	time.Sleep(20 * time.Second)
	for range 150 {
		switch w.roll(12) {
		case 0:
			w.misbehave()
		case 1:
			w.publish()
		case 2:
			if w.roll(4) == 0 {
				r.stop()
				r = boot()
				synctest.Wait() // for what the disk holds
			}
		case 3:
			w.publish(atMoment(time.Duration(w.roll(60)) * time.Second))
		}
		time.Sleep(time.Duration(w.roll(5000)) * time.Millisecond)
		check()
	}
	w.mend()
	time.Sleep(recovery)
	if check(); last != w.newest() {
		t.Errorf("revision %d is served %v after the last fault; want %d. Status: %+v", last, recovery, w.newest(), r.Status(time.Now()))
	}
	if before := w.newest() - 1; w.source.Objects()[bundle.Key(w.history[before-1].Ref.Digest)] != nil {
		if got := r.ask(t, "Burgee-Snapshot", w.token(before)); got.missed() || got.Value != float64(before) {
			t.Errorf("pinned to revision %d, which the store has: %+v. Status: %+v", before, got, r.Status(time.Now()))
		}
	}
}

// checkPin asks for the state of some revision, in some way: the answer is of that one, or says that it is not and of which it is.
func (r *rig) checkPin(t *testing.T, w *world) {
	t.Helper()
	revision := 1 + int64(w.roll(int(w.newest())))
	if w.roll(2) == 0 {
		revision = max(w.newest()-int64(w.roll(4)), 1)
	}
	way := w.roll(3)
	path := []string{flagsPath + "/revision", flagsPath, snapshotPath}[way]
	got := call(r.answer, "POST", path, "", "Burgee-Snapshot", w.token(revision))
	header := &got.Response.Header
	text := string(bodyOf(t, got))
	if got.Response.StatusCode() == fasthttp.StatusInternalServerError && len(header.Peek("Burgee-Revision")) == 0 {
		return // no flags yet
	}
	answered, _ := strconv.ParseInt(string(header.Peek("Burgee-Revision")), 10, 64)
	missed := strings.Contains(text, `"missed"`)
	switch {
	case !strings.Contains(text, fmt.Sprintf(`"value":%d,`, answered)), answered < 1, answered > w.newest(), string(header.Peek("Burgee-Snapshot")) != w.token(answered):
		t.Fatalf("torn: revision %d with %s", answered, text)
	case !missed && answered != revision:
		t.Fatalf("pinned to revision %d, answered from %d without a mark: %s", revision, answered, text)
	}
}

// A store that is away for three days changes no answer, and is still asked at the end.
func TestThreeDaysWithoutAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 1)
		w.publish()
		r := newRig(t, w.maker, w.source, func(c *Config) { c.StateDir = t.TempDir() })
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		w.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
		for range 72 * 60 {
			time.Sleep(time.Minute)
			if got := r.served(t); got != 1 {
				t.Fatalf("revision %d is served; want 1", got)
			}
		}
		st := r.Status(time.Now())
		if st.Freshness != freshStale || time.Since(*st.Sync.LastAttempt) > time.Minute || st.Sync.LastError == nil {
			t.Errorf("status %+v; want stale, and a store that is still asked", st)
		}
		w.mend()
		time.Sleep(recovery)
		if got := r.served(t); got != 2 {
			t.Errorf("revision %d after the outage; want 2", got)
		}
	})
}
