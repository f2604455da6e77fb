package sidecar

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/burgeehq/burgee/eval"
)

// meter counts what the listeners do. Everything on the path of an evaluation is one atomic addition.
type meter struct {
	series       seriesSet
	reasons      [eval.Failed + 1]atomic.Uint64
	codes        [eval.TargetingKeyMissing + 1]atomic.Uint64
	panics       atomic.Uint64
	acceptFaults atomic.Uint64
	bad          [600]atomic.Uint64 // requests that were no evaluation, by HTTP status
	single, bulk timer
}

func newMeter() *meter {
	m := &meter{single: newTimer("single"), bulk: newTimer("bulk")}
	m.series.all = map[series]*atomic.Uint64{}
	return m
}

// answered counts one flag's answer.
func (m *meter) answered(now *flagset, flag *eval.Flag, answer *eval.Answer) {
	m.reasons[answer.Reason].Add(1)
	if answer.Code != eval.NoError {
		m.codes[answer.Code].Add(1)
	}
	now.counts.add(&m.series, flag, answer.Variant)
}

// failed counts a call that reached no flag.
func (m *meter) failed(code eval.ErrorCode) {
	m.reasons[eval.Failed].Add(1)
	m.codes[code].Add(1)
}

// unknown counts a key that does not exist.
func (m *meter) unknown() {
	m.failed(eval.FlagNotFound)
	m.series.unknown.Add(1)
}

// badRequest counts a request that was no evaluation.
func (m *meter) badRequest(status int) { m.bad[status].Add(1) }

// timer measures one kind of call.
type timer struct{ prometheus.Histogram }

func newTimer(call string) timer {
	return timer{prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "burgee_request_seconds", Help: "Time from a request read to its answer made.", ConstLabels: prometheus.Labels{"call": call},
		Buckets: []float64{2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 5e-3, 2e-2, 0.1},
	})}
}

func (t timer) since(start time.Time) { t.Observe(time.Since(start).Seconds()) }
