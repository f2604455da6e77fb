package pull

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	freshSpread = 2 * time.Second
	firstRetry  = time.Second
	maxRetry    = time.Minute
	spread      = 0.2 // a good poll is early or late by at most this share, so that a fleet does not march in step
)

// waits says how long to wait before the next poll. docs/herds.md shows what a fleet makes of it.
type waits struct {
	interval time.Duration
	random   func() float64
	longest  time.Duration // after a failure
	retry    *backoff.ExponentialBackOff
	failures int  // in a row
	bunched  bool // this process stands in step with all that started when it did
}

func newWaits(c Config) waits {
	longest := min(maxRetry, c.StaleAfter)
	return waits{interval: c.Interval, random: c.Random, longest: longest, bunched: true, retry: backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(firstRetry, c.StaleAfter)),
		backoff.WithMaxInterval(longest),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0), // jitter is ours, so that a simulation can give the randomness
		backoff.WithMaxElapsedTime(0),      // the library's default stops after 15 minutes; this must not
	)}
}

// start is for a process that has answers already, and need not ask at once. It takes its place as if it had been polling for long: then
// a fleet that restarts together is at its steady load from the first second.
func (w *waits) start() time.Duration {
	w.bunched = false
	return w.share(0, 1, w.share(1-spread, 1+spread, w.interval))
}

// fresh is for a process without flags. Applications wait for it, so a fleet of such is spread over little.
func (w *waits) fresh() time.Duration { return w.share(0, 1, min(freshSpread, w.interval)) }

func (w *waits) good() time.Duration {
	w.failures = 0
	w.retry.Reset()
	if w.bunched {
		return w.start()
	}
	return w.share(1-spread, 1+spread, w.interval)
}

// longestGood is the longest wait after a good poll.
func (w *waits) longestGood() time.Duration { return time.Duration(float64(w.interval) * (1 + spread)) }

// bad grows from a second, since most failures are gone by then. Whoever has flags to answer from asks again so soon but once, and then
// no faster than it polls: a fleet that asked a failing store five times as often as a good one would keep it from getting up.
func (w *waits) bad(served bool) time.Duration {
	wait := w.retry.NextBackOff()
	if w.failures++; served && w.failures > 1 {
		wait = max(wait, min(w.interval, w.longest))
	}
	return w.share(0.5, 1, wait)
}

// asked is how long a store is left alone that asked for so much: no shorter, and longer by a random part, so that whoever was sent
// away at once does not come back at once. Nobody can ask for more than the longest wait; who asks for as much gets some of it less.
func (w *waits) asked(after time.Duration) time.Duration {
	if after <= 0 {
		return 0
	}
	if after >= w.longest {
		return w.share(1-spread, 1, w.longest)
	}
	return min(w.share(1, 1+spread, after), w.longest)
}

// share is a random part of d, between low and high times it.
func (w *waits) share(low, high float64, d time.Duration) time.Duration {
	return time.Duration(float64(d) * (low + (high-low)*w.random()))
}
