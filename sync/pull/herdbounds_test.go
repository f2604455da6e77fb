package pull

import (
	"context"
	"flag"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var (
	herdPods = flag.Int("herd.pods", 10_000, "sidecars in the simulated fleet")
	herdSeed = flag.Uint64("herd.seed", 1, "of the simulated fleet; the figures in docs are of seed 1")
	update   = flag.Bool("update", false, "draw docs/herd.svg and the tables of docs/herds.md anew")
)

// outage is how long the store is away.
const outage = 10 * time.Minute

// s3Rate is what S3 promises for a prefix: requests a second, the others getting 503.
const s3Rate = 5500

// scenarios are those of docs/herds.md. Beyond some 80,000 sidecars a poll of 15 s is more than S3 promises, so a large fleet is shown
// with the poll that it should have, too.
func scenarios(pods int) []scenario {
	const poll, steady = 15 * time.Second, 2 * time.Minute
	all := []scenario{
		{name: "restart", known: true, until: 2 * time.Minute},
		{name: "restart without flags", until: 2 * time.Minute, capped: s3Rate},
		{name: "restart in an outage", known: true, back: outage, until: outage + 3*time.Minute},
		{name: "restart without flags, in an outage", back: outage, until: outage + 3*time.Minute, capped: s3Rate},
		{name: "outage", known: true, away: steady, back: steady + outage, until: steady + outage + 3*time.Minute},
		{name: "publication", known: true, publishedAt: steady, until: steady + time.Minute},
		{name: "outage of 20 s", known: true, away: steady, back: steady + 20*time.Second, until: steady + 2*time.Minute},
	}
	for i := range all {
		all[i].pods, all[i].poll = pods, poll
	}
	if float64(pods) > s3Rate*poll.Seconds() {
		all = append(all,
			scenario{name: "restart, poll 30 s, 5,500/s", pods: pods, poll: 2 * poll, known: true, until: 3 * time.Minute, capped: s3Rate},
			scenario{name: "publication, poll 30 s, 5,500/s", pods: pods, poll: 2 * poll, known: true, publishedAt: steady, until: 2 * steady, capped: s3Rate},
			scenario{name: "publication, poll 15 s, 5,500/s", pods: pods, poll: poll, known: true, publishedAt: steady, until: 2 * steady, capped: s3Rate},
		)
	}
	return all
}

// A fleet that does one thing at one time is no flood: PROMISES of reliability, held against the real loop. make herd runs 100,000.
func TestHerd(t *testing.T) {
	if raced {
		t.Skip("one goroutine drives the fleet: there is nothing to race, and much to wait for")
	}
	herds := runAll(t, scenarios(*herdPods))
	for _, h := range herds {
		t.Run(h.name, func(t *testing.T) { h.check(t) })
	}
	if *herdSeed == 1 {
		t.Run("figures", func(t *testing.T) { checkFigures(t, herds) })
	}
}

func runAll(t *testing.T, all []scenario) []*herd {
	herds, turns := make([]*herd, len(all)), make(chan struct{}, 2)
	var group sync.WaitGroup
	for i, s := range all {
		turns <- struct{}{}
		herds[i] = newHerd(t, s, *herdSeed)
		group.Go(func() {
			herds[i].run(t.Context())
			herds[i].release()
			<-turns
		})
	}
	group.Wait()
	return herds
}

// release lets go of what only running takes.
func (h *herd) release() {
	for _, p := range h.pods {
		p.loop = nil
	}
}

// bound is how many requests a second there may be.
type bound struct {
	what     string
	from, to time.Duration
	most     int
}

// bounds are those of the figure. The steady load is pods/poll; half as much again is what a fleet may come to that did one thing at one
// time (PROMISES.md calls it row 20).
func (h *herd) bounds() []bound {
	pods := len(h.pods)
	steady := int(1.5 * float64(pods) / h.poll.Seconds())
	settled := 10 * time.Second // by then a fleet without flags has them
	switch {
	case h.publishedAt > 0:
		return []bound{{"before the publication", 0, h.publishedAt, steady}, {"heads and bundles", h.publishedAt, h.until, 2 * steady}}
	case h.back == 0 && h.known:
		return []bound{{"all the time", 0, h.until, steady}}
	case h.back == 0 && h.beyond():
		return []bound{{"without flags", 0, h.until, pods * 11 / 10}}
	case h.back == 0:
		return []bound{{"without flags", 0, settled, pods * 11 / 10}, {"with flags", settled, h.until, steady}}
	case !h.known:
		return []bound{{"without flags", 0, settled, pods * 11 / 10}, {"after the outage", h.back, h.until, steady}}
	case h.back-h.away < outage: // it ends before the pauses have spread
		return []bound{{"in the outage", h.away, h.back, pods * 22 / 100}, {"after the outage", h.back, h.until, steady * 4 / 3}}
	default:
		return []bound{{"in the outage", h.away, h.back, pods * 22 / 100}, {"after the outage", h.back, h.until, steady}}
	}
}

// beyond tells whether steady polling is more than the store answers. Then some are refused for ever, and what becomes of the fleet is only
// shown.
func (h *herd) beyond() bool {
	return h.capped > 0 && float64(len(h.pods)) > float64(h.capped)*h.poll.Seconds()
}

// check holds what the fleet did against what is promised.
func (h *herd) check(t *testing.T) {
	for _, b := range h.bounds() {
		if got := h.peak(b.from, b.to, second.asked); got > b.most {
			t.Errorf("%s: %d requests a second; want at most %d", b.what, got, b.most)
		}
	}
	if h.beyond() {
		return
	}
	if got := h.failures(); got > 30 {
		t.Errorf("a sidecar asked %d times in vain; want at most 30", got)
	}
	if h.back-h.away == outage {
		if got, most := h.peak(h.back, h.until, func(s second) int { return s.first }), len(h.pods)*5/100; got > most {
			t.Errorf("%d sidecars a second found the store again; want at most %d", got, most)
		}
	}
	h.checkTimes(t)
}

func (h *herd) checkTimes(t *testing.T) {
	within := func(what string, got, bound time.Duration) {
		t.Helper()
		if got > bound {
			t.Errorf("%s: %v; want at most %v", what, got, bound)
		}
	}
	for _, p := range h.pods {
		switch {
		case p.failing:
			t.Fatalf("sidecar %d does not find the store again", p.number)
		case !h.known && p.has[0] < 0, h.publishedAt > 0 && p.has[1] < 0:
			t.Fatalf("sidecar %d lacks a revision", p.number)
		}
	}
	if h.back > 0 {
		within("until all found the store again", h.last(func(p *pod) time.Duration { return p.recovered })-h.back, maxRetry+time.Second)
	}
	if h.back > 0 && h.back-h.away < outage {
		within("between two confirmations", h.last(func(p *pod) time.Duration { return p.gap }), 4*h.poll) // else a hiccup would make flags stale
	}
	if !h.known && h.back == 0 && len(h.pods) <= 10_000 {
		within("until all have flags", h.last(func(p *pod) time.Duration { return p.has[0] }), 10*time.Second) // --startup-wait
	}
	if h.publishedAt > 0 && h.capped == 0 {
		times := h.arrivals()
		within("half have the new revision", share(times, 0.5), h.poll/2+time.Second)
		within("99 of 100 have the new revision", share(times, 0.99), h.poll*13/10+2*time.Second)
		within("all have the new revision", share(times, 1), 2*h.poll)
	}
}

// peak is the largest number of one kind in a second.
func (h *herd) peak(from, to time.Duration, of func(second) int) (most int) {
	for _, s := range h.seconds[from/time.Second : to/time.Second] {
		most = max(most, of(s))
	}
	return most
}

// failures is how often the unluckiest sidecar asked in vain.
func (h *herd) failures() (most int) {
	for _, p := range h.pods {
		most = max(most, p.failures)
	}
	return most
}

func (h *herd) last(of func(*pod) time.Duration) (last time.Duration) {
	for _, p := range h.pods {
		last = max(last, of(p))
	}
	return last
}

// arrivals are the times from the publication until each sidecar had it, or from the beginning where nothing is published; in order.
func (h *herd) arrivals() []time.Duration {
	var times []time.Duration
	for _, p := range h.pods {
		if h.publishedAt > 0 {
			times = append(times, p.has[1]-h.publishedAt)
		} else {
			times = append(times, p.has[0])
		}
	}
	slices.Sort(times)
	return times
}

// share is the time within which a part of them is done.
func share(times []time.Duration, part float64) time.Duration {
	return times[min(int(float64(len(times))*part), len(times)-1)]
}

// The queue drives loops as their Run does: every request of every sidecar comes at the same time, to the nanosecond.
func TestTheQueueStandsForRealLoops(t *testing.T) {
	for _, known := range []bool{true, false} {
		s := scenario{
			pods: 500, poll: 15 * time.Second, known: known, away: 40 * time.Second, back: 100 * time.Second,
			publishedAt: 130 * time.Second, until: 200 * time.Second,
		}
		queued, run := newHerd(t, s, 7), newHerd(t, s, 7)
		for i := range s.pods {
			queued.pods[i].asked, run.pods[i].asked = []time.Duration{}, []time.Duration{}
		}
		byNumber := slices.Clone(queued.pods) // the queue sorts its own
		queued.run(t.Context())
		synctest.Test(t, func(t *testing.T) { runForReal(t, run) })
		asked := 0
		for i, p := range run.pods {
			asked += len(p.asked)
			if !slices.Equal(p.asked, byNumber[i].asked) {
				t.Fatalf("known %v: sidecar %d asked at %v; in the queue at %v", known, i, p.asked, byNumber[i].asked)
			}
		}
		if asked < 10*s.pods {
			t.Errorf("only %d requests were compared", asked)
		}
	}
}

// runForReal runs every loop in a goroutine of its own, on the bubble's clock.
func runForReal(t *testing.T, h *herd) {
	ctx, cancel := context.WithTimeout(t.Context(), h.until)
	defer cancel()
	var group sync.WaitGroup
	begin := time.Now()
	for _, p := range h.pods {
		p.clock, p.pass = func() time.Duration { return time.Since(begin) }, time.Sleep
		group.Go(func() {
			time.Sleep(p.next)
			p.loop.Run(ctx)
		})
	}
	group.Wait()
}
