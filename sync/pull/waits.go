package pull

import (
	"time"

	"github.com/cenkalti/backoff/v4"
)

const (
	firstRetry = time.Second
	maxRetry   = time.Minute
	spread     = 0.2 // a good poll is early or late by at most this share, so that a fleet does not march in step
)

// waits says how long to wait before the next poll.
type waits struct {
	interval time.Duration
	random   func() float64
	longest  time.Duration // after a failure
	retry    *backoff.ExponentialBackOff
}

func newWaits(c Config) waits {
	longest := min(maxRetry, c.StaleAfter)
	return waits{c.Interval, c.Random, longest, backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(firstRetry, c.StaleAfter)),
		backoff.WithMaxInterval(longest),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0), // jitter is ours, so that a simulation can give the randomness
		backoff.WithMaxElapsedTime(0),      // the library's default stops after 15 minutes; this must not
	)}
}

// start spreads the first poll of a fleet that restarts together.
func (w *waits) start() time.Duration { return w.share(0, 1, w.interval) }

func (w *waits) good() time.Duration {
	w.retry.Reset()
	return w.share(1-spread, 1+spread, w.interval)
}

func (w *waits) bad() time.Duration { return w.share(0.5, 1, w.retry.NextBackOff()) }

// asked is how long a store is left alone that asked for so much: no shorter, and longer by a random part, so that whoever was sent
// away at once does not come back at once. Nobody can ask for more than the longest wait.
func (w *waits) asked(after time.Duration) time.Duration {
	if after <= 0 {
		return 0
	}
	return min(w.share(1, 1+spread, min(after, w.longest)), w.longest)
}

// share is a random part of d, between low and high times it.
func (w *waits) share(low, high float64, d time.Duration) time.Duration {
	return time.Duration(float64(d) * (low + (high-low)*w.random()))
}
