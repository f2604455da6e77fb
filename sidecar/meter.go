package sidecar

import (
	"sync"
	"sync/atomic"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/eval"
)

// meter counts what the listeners do. Everything on the path of an evaluation is an atomic addition.
type meter struct {
	series       seriesSet
	tallies      [tallies]tally
	given        atomic.Uint32
	panics       atomic.Uint64
	acceptFaults atomic.Uint64
	pinConflicts atomic.Uint64      // requests whose header, context and baggage carry different pins
	bad          [600]atomic.Uint64 // requests that were no evaluation, by HTTP status

	log      hclog.Logger
	reported sync.Once // of the panics
}

func newMeter(log hclog.Logger) *meter {
	m := &meter{log: log}
	m.series.all = map[series]*atomic.Uint64{}
	return m
}

// tallies is how many there are of what every request counts in: so many that processors rarely meet in one, and few to add up.
const tallies = 8

// tally is a share of the counts that all requests have in common.
type tally struct {
	reasons      [eval.Failed + 1]atomic.Uint64
	codes        [eval.TargetingKeyMissing + 1]atomic.Uint64
	pins         [pinResults]atomic.Uint64
	single, bulk latency
	snapshot     latency
	_            [128]byte // keeps the next one's counters out of this one's cache lines
}

// tally gives one to count in from now on.
func (m *meter) tally() *tally { return &m.tallies[m.given.Add(1)%tallies] }

// failed counts a call that reached no flag.
func (t *tally) failed(code eval.ErrorCode) {
	t.reasons[eval.Failed].Add(1)
	t.codes[code].Add(1)
}

// unknown counts a key that does not exist.
func (m *meter) unknown(t *tally) {
	t.failed(eval.FlagNotFound)
	m.series.unknown.Add(1)
}

// answered counts one flag's answer, but for its reason: a bulk call adds those up first.
func (m *meter) answered(w *workspace, counts *counts, flag *eval.Flag, answer *eval.Answer) {
	if answer.Code != eval.NoError {
		w.tally.codes[answer.Code].Add(1)
	}
	if p := w.context.TakePanic(); p != nil {
		m.panicked(p.Cause, p.Stack, "flag", flag.Key())
	}
	counts.add(&m.series, flag, answer.Variant)
}

// answeredAll counts the answers of a stretch, but for their reasons.
func (m *meter) answeredAll(w *workspace, now *flagset, part *stretch) {
	for code, n := range part.known.codes {
		if n > 0 && eval.ErrorCode(code) != eval.NoError {
			w.tally.codes[code].Add(n)
		}
	}
	for i, flag := range part.flags {
		now.counts.add(&m.series, flag, int(part.known.variants[i]))
	}
}

// panicked counts a mistake of ours, and reports the first.
func (m *meter) panicked(cause any, stack []byte, where ...any) {
	m.panics.Add(1)
	m.reported.Do(func() {
		m.log.Error("a request met a mistake of ours; further ones are only counted", append(where, "panic", cause, "stack", string(stack))...)
	})
}

// badRequest counts a request that was no evaluation.
func (m *meter) badRequest(status int) { m.bad[status].Add(1) }

// sum adds up one count over all tallies.
func (m *meter) sum(of func(*tally) uint64) (total uint64) {
	for i := range m.tallies {
		total += of(&m.tallies[i])
	}
	return total
}
