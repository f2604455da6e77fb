package sidecar

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// latencyBounds are the upper bounds of a latency's buckets.
var latencyBounds = [...]time.Duration{
	2 * time.Microsecond, 5 * time.Microsecond, 10 * time.Microsecond, 20 * time.Microsecond, 50 * time.Microsecond, 100 * time.Microsecond,
	200 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 100 * time.Millisecond,
}

// latency is a histogram of times. Prometheus's own costs as much as the evaluation that it would measure.
type latency struct {
	buckets [len(latencyBounds) + 1]atomic.Uint64 // not cumulative; the last has no bound
	nanos   atomic.Int64                          // all times together
}

func (l *latency) since(start time.Time) {
	took := time.Since(start)
	bucket := 0
	for bucket < len(latencyBounds) && took > latencyBounds[bucket] {
		bucket++
	}
	l.buckets[bucket].Add(1)
	l.nanos.Add(int64(took))
}

// latencyDesc describes them to Prometheus.
var latencyDesc = prometheus.NewDesc("burgee_request_seconds", "Time from a request read to its answer made.", []string{"call"}, nil)

// latencies gives the histogram of one kind of call over all tallies.
func (m *meter) latencies(call string, of func(*tally) *latency) prometheus.Metric {
	cumulative, below, nanos := make(map[float64]uint64, len(latencyBounds)), uint64(0), int64(0)
	for i := range latencyBounds {
		below += m.sum(func(t *tally) uint64 { return of(t).buckets[i].Load() })
		cumulative[latencyBounds[i].Seconds()] = below
	}
	count := below + m.sum(func(t *tally) uint64 { return of(t).buckets[len(latencyBounds)].Load() })
	for i := range m.tallies {
		nanos += of(&m.tallies[i]).nanos.Load()
	}
	return prometheus.MustNewConstHistogram(latencyDesc, count, time.Duration(nanos).Seconds(), cumulative, call)
}
