package pull

import (
	"container/heap"
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/object"
)

// storeLatency is how long the simulated store takes for each answer.
const storeLatency = 20 * time.Millisecond

// scenario is what befalls a fleet of sidecars, which all start within a second, and their store.
type scenario struct {
	name  string
	pods  int
	poll  time.Duration
	known bool          // they have flags on disk
	until time.Duration // how long it is watched

	capped      int           // requests a second that the store answers, the others getting 503; 0 answers all
	away, back  time.Duration // from and to when it answers nothing but 503
	publishedAt time.Duration // 0 publishes nothing new
}

// second is what the store saw in one second.
type second struct {
	heads, bundles int // answered
	refused        int // with 503
	first          int // of the answered heads, those that were the first after a failure
}

func (s second) asked() int { return s.heads + s.bundles + s.refused }

// herd is a fleet of real loops over one simulated store. What a sidecar does and how long it waits is its loop's own doing.
type herd struct {
	scenario
	made [2]bundletest.Made // revisions 1 and 2
	pods []*pod

	mu      sync.Mutex
	seconds []second
}

// pod is one sidecar: its loop, what the loop asks and is told, and what came of it.
type pod struct {
	herd   *herd
	number int
	random *rand.Rand
	loop   *Loop
	next   time.Duration // when it starts, then of its next poll

	clock func() time.Duration // since the scenario began
	pass  func(time.Duration)  // lets time go by
	now   time.Duration        // where a queue stands for the clock

	asked     []time.Duration // nil unless it is to be remembered
	failures  int
	failing   bool
	recovered time.Duration    // when it last found the store again
	confirmed time.Duration    // when the store last confirmed what it serves
	gap       time.Duration    // the longest time between two confirmations
	has       [2]time.Duration // when it had each revision; negative: not
}

// Get is the store's.
func (p *pod) Get(_ context.Context, key, have string, _ int64) (object.Object, error) {
	p.pass(storeLatency)
	at := p.clock()
	if p.asked != nil {
		p.asked = append(p.asked, at)
	}
	made, tag := p.herd.made[0], "1"
	if p.herd.publishedAt > 0 && at >= p.herd.publishedAt {
		made, tag = p.herd.made[1], "2"
	}
	switch answered := p.herd.count(at, key, p.failing); {
	case !answered:
		p.failures++
		p.failing = true
		return object.Object{}, object.ErrUnavailable
	case key != bundle.HeadKey:
		return object.Object{Body: made.Bundle}, nil
	case p.failing:
		p.failing, p.recovered = false, at
	}
	if have == tag {
		return object.Object{}, object.ErrNotModified
	}
	return object.Object{Body: made.Head, Tag: tag}, nil
}

// count notes a request, and tells whether it is answered.
func (h *herd) count(at time.Duration, key string, failing bool) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := &h.seconds[min(at, h.until)/time.Second]
	switch {
	case at >= h.away && at < h.back, h.capped > 0 && seen.heads+seen.bundles >= h.capped:
		seen.refused++
		return false
	case key != bundle.HeadKey:
		seen.bundles++
	case failing:
		seen.first++
		fallthrough
	default:
		seen.heads++
	}
	return true
}

func (p *pod) Head(bundle.Head) {}

func (p *pod) Bundle(v bundle.Verified) error {
	p.has[v.Head().Manifest().Revision-1] = p.clock()
	return nil
}

func (p *pod) Confirmed(time.Time) {
	now := p.clock()
	p.gap = max(p.gap, now-p.confirmed)
	p.confirmed = now
}

// newHerd makes the fleet; every sidecar starts at a moment of its own within the first second.
func newHerd(t testing.TB, s scenario, seed uint64) *herd {
	t.Helper()
	maker := bundletest.New(t)
	h := &herd{scenario: s, seconds: make([]second, s.until/time.Second+1)}
	h.made = [2]bundletest.Made{maker.Make(1, document, 1), maker.Make(2, document+" ", 1)}
	policy := bundle.Policy{Trust: bundle.AllowUnsigned(), Environment: bundletest.Environment} // signatures set no pace, and take their time
	known := h.onDisk(t, policy)
	for i := range s.pods {
		p := &pod{herd: h, number: i, random: rand.New(rand.NewPCG(seed, uint64(i))), has: [2]time.Duration{-1, -1}}
		p.clock = func() time.Duration { return p.now }
		p.pass = func(d time.Duration) { p.now += d }
		p.next = time.Duration(p.random.Float64() * float64(time.Second))
		loop, err := New(Config{Source: p, Sink: p, Policy: policy, Known: known, Interval: s.poll, Random: p.random.Float64})
		if err != nil {
			t.Fatal(err)
		}
		p.loop = loop
		h.pods = append(h.pods, p)
	}
	return h
}

// onDisk is what the disks hold.
func (h *herd) onDisk(t testing.TB, policy bundle.Policy) Known {
	t.Helper()
	if !h.known {
		return Known{}
	}
	head, err := policy.Open(h.made[0].Head)
	if err != nil {
		t.Fatal(err)
	}
	served, err := head.Open(h.made[0].Bundle)
	if err != nil {
		t.Fatal(err)
	}
	return Known{Head: head, Served: &served}
}

// run drives every loop as its Run would, with a queue of events in the place of timers: one goroutine, always in the same order.
func (h *herd) run(ctx context.Context) {
	queue := queue(h.pods)
	for _, p := range queue {
		p.next += p.loop.begin()
	}
	heap.Init(&queue)
	for queue[0].next < h.until {
		p := queue[0]
		p.now = p.next
		wait := p.loop.poll(ctx)
		p.next = p.now + wait
		heap.Fix(&queue, 0)
	}
}

// queue has the sidecar in front that polls next.
type queue []*pod

func (q queue) Len() int { return len(q) }

func (q queue) Less(i, j int) bool {
	return q[i].next < q[j].next || q[i].next == q[j].next && q[i].number < q[j].number
}

func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q queue) Push(any)      { panic("nobody joins the herd") }
func (q queue) Pop() any      { panic("nobody leaves the herd") }
