package pull

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A publication whose pins run ahead of the fleet: every sidecar answers ten requests a second, and from the moment of the publication every
// tenth carries the new pin, as if whoever is called first had it at once. That is the worst that pins can do.
func TestAHerdWithPinsAhead(t *testing.T) {
	if raced {
		t.Skip("what is shared is raced in smaller tests; this one counts")
	}
	for _, capped := range []int{0, s3Rate} {
		s := scenario{pods: min(*herdPods, 10_000), poll: 15 * time.Second, known: true, publishedAt: 10 * time.Second, until: 40 * time.Second, capped: capped}
		h := newHerd(t, s, *herdSeed)
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), h.until)
			defer cancel()
			var group sync.WaitGroup
			for _, p := range h.pods {
				group.Go(func() { p.answer(ctx, h) })
			}
			runForReal(t, h)
			group.Wait()
		})
		h.checkPins(t)
	}
}

// checkPins holds that every sidecar asks early once: for a head, and for a bundle that it needs anyway.
func (h *herd) checkPins(t *testing.T) {
	const burst = 10 * time.Second
	pods, steady := len(h.pods), h.bounds()[0].most
	var sum second
	for _, s := range h.seconds[h.publishedAt/time.Second : (h.publishedAt+burst)/time.Second] {
		sum.heads, sum.bundles, sum.refused = sum.heads+s.heads, sum.bundles+s.bundles, sum.refused+s.refused
	}
	first, times := h.seconds[h.publishedAt/time.Second], h.arrivals()
	t.Logf("%d sidecars, capped at %d: %d requests in the first second, %d refused; within %v %d heads, %d bundles, %d refused; then at most %d a second; half have it after %v, 99 %% after %v, all after %v",
		pods, h.capped, first.asked(), first.refused, burst, sum.heads, sum.bundles, sum.refused, h.peak(h.publishedAt+burst, h.until, second.asked),
		share(times, 0.5), share(times, 0.99), share(times, 1))
	after := steady
	if h.capped > 0 {
		after = 2 * steady // those that were refused come back
	}
	for _, b := range []bound{
		{"before the publication", 0, h.publishedAt, steady},
		{"while the pins are ahead", h.publishedAt, h.publishedAt + burst, 2 * pods},
		{"after it", h.publishedAt + burst, h.until, after},
	} {
		if got := h.peak(b.from, b.to, second.asked); got > b.most {
			t.Errorf("%s: %d requests a second; want at most %d", b.what, got, b.most)
		}
	}
	if h.capped > 0 {
		return // it is the store that says when the rest have it
	}
	if most := pods + steady*int(burst.Seconds()); sum.heads > most || sum.bundles > pods {
		t.Errorf("%d heads and %d bundles within %v; want at most %d and one a sidecar", sum.heads, sum.bundles, burst, most)
	}
	if got := share(times, 0.99); got > 6*time.Second {
		t.Errorf("99 of 100 have the new revision after %v: pins did not hasten them", got)
	}
}

// answer plays the requests of one sidecar until it has what was published.
func (p *pod) answer(ctx context.Context, h *herd) {
	random := rand.New(rand.NewPCG(*herdSeed, uint64(p.number)<<1|1))
	for time.Sleep(h.publishedAt); ctx.Err() == nil; time.Sleep(time.Duration(random.Float64() * float64(200*time.Millisecond))) {
		if random.Float64() >= 0.1 {
			continue
		}
		if over := p.loop.Hasten(); over != nil {
			<-over
		}
		if p.loop.State().HeadRevision > 1 {
			return
		}
	}
}
