package sidecar

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/burgeehq/burgee/eval"
)

// reader emits the values of a metric; st is the sidecar's status at the time of asking.
type reader = func(s *Sidecar, st *Status, emit emitter)

type emitter = func(value float64, labels ...string)

// metric is one line of /metrics: what it is called, and how it is read when Prometheus asks.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	read       reader
}

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// metrics lists them all but the histogram of latencies. docs/operations.md explains each, and a test holds the two together.
var metrics = []metric{
	{"burgee_build_info", "Version of the running program; always 1.", gauge, []string{"version"}, func(s *Sidecar, _ *Status, emit emitter) { emit(1, s.config.Version) }},
	{"burgee_environment_info", "Environment whose flags are served; always 1.", gauge, []string{"burgee_environment"}, func(s *Sidecar, _ *Status, emit emitter) { emit(1, s.config.Environment) }},
	{"burgee_evaluations_total", "Answers by flag and variant.", counter, []string{"flag", "variant"}, readSeries},
	{"burgee_answers_total", "Answers by reason.", counter, []string{"reason"}, readReasons},
	{"burgee_errors_total", "Answers that were errors, by error code.", counter, []string{"code"}, readCodes},
	{"burgee_bad_requests_total", "Requests that were no evaluation, by HTTP status.", counter, []string{"status"}, readBad},
	{"burgee_evicted_connections_total", "Connections that gave way to others, the listener being full.", counter, []string{"listener"}, ofListeners(func(c *crowd) *atomic.Uint64 { return &c.evicted })},
	{"burgee_refused_connections_total", "Connections that found the listener full, and nobody who could give way.", counter, []string{"listener"}, ofListeners(func(c *crowd) *atomic.Uint64 { return &c.turnedAway })},
	{"burgee_accept_faults_total", "Times that the system could not give a connection.", counter, nil, func(s *Sidecar, _ *Status, emit emitter) { emit(float64(s.meter.acceptFaults.Load())) }},
	{"burgee_panics_total", "Requests that hit a mistake of ours.", counter, nil, func(s *Sidecar, _ *Status, emit emitter) { emit(float64(s.meter.panics.Load())) }},
	{"burgee_revision", "Revision of the flags that are served; 0 without flags.", gauge, nil, of(func(st *Status) float64 { return float64(st.Active.Revision) })},
	{"burgee_head_revision", "Revision of the newest accepted head.", gauge, nil, of(func(st *Status) float64 { return float64(st.Sync.HeadRevision) })},
	{"burgee_persisted_revision", "Revision that is safely on disk; 0 for none.", gauge, nil, of(func(st *Status) float64 { return float64(st.Persisted.Revision) })},
	{"burgee_flags", "Flags that are served.", gauge, nil, of(func(st *Status) float64 { return float64(st.Active.Flags) })},
	{"burgee_broken_flags", "Flags that could not be compiled.", gauge, nil, of(func(st *Status) float64 { return float64(len(st.Broken)) })},
	{"burgee_expired_flags", "Flags past the end that their contract sets.", gauge, nil, of(func(st *Status) float64 { return float64(len(st.Expired)) })},
	{"burgee_overrides", "Overrides in force.", gauge, nil, of(func(st *Status) float64 { return inForce(st.Overrides) })},
	{"burgee_flag_overrides", "Overrides of a flag that are in force, for each flag that the newest head overrides.", gauge, []string{"flag"}, readOverrides},
	{"burgee_held_revisions", "Revisions that requests can be pinned to.", gauge, nil, of(func(st *Status) float64 { return float64(len(st.Held)) })},
	{"burgee_pending_revision", "Newest revision that waits for its moment; 0 where none does.", gauge, nil, of(pendingRevision)},
	{"burgee_failing_closed_flags", "Flags that answer their safe variant, since they are older than their owners allow, by why.", gauge, []string{"why"}, readClosing},
	{"burgee_next_closing_timestamp_seconds", "When the next flags will fail closed unless the store confirms them; 0 where none will.", gauge, nil, of(nextClosing)},
	{"burgee_pins_total", "Requests with a pin, by what became of it.", counter, []string{"result"}, readPins},
	{"burgee_pin_conflicts_total", "Requests whose header, context and baggage carry different pins.", counter, nil, func(s *Sidecar, _ *Status, emit emitter) { emit(float64(s.meter.pinConflicts.Load())) }},
	{"burgee_freshness", "1 for the present state of freshness.", gauge, []string{"state"}, readFreshness},
	{"burgee_behind", "1 while the store holds newer flags that are not served.", gauge, nil, of(func(st *Status) float64 { return flag01(st.Behind) })},
	{"burgee_degraded", "1 while something works less well than it should; /status names it.", gauge, nil, of(func(st *Status) float64 { return flag01(len(st.Degraded) > 0) })},
	{"burgee_quarantined", "1 while the newest head's bundle is quarantined: processes died with it.", gauge, nil, of(func(st *Status) float64 { return flag01(st.quarantined) })},
	{"burgee_bundle_expired", "1 while the flags are past their validUntil.", gauge, nil, of(func(st *Status) float64 { return flag01(st.Validity == expired) })},
	{"burgee_valid_until_timestamp_seconds", "When the newest accepted head expires; 0 where it never does.", gauge, nil, of(func(st *Status) float64 { return seconds(stamp(st.validUntil)) })},
	{"burgee_published_timestamp_seconds", "When the flags that are served were published.", gauge, nil, of(func(st *Status) float64 { return seconds(st.Active.PublishedAt) })},
	{"burgee_confirmed_timestamp_seconds", "When the store last confirmed the flags that are served.", gauge, nil, of(func(st *Status) float64 { return seconds(st.Sync.ConfirmedAt) })},
	{"burgee_polls_total", "Polls of the store by result.", counter, []string{"result"}, readPolls},
	{"burgee_poll_failures", "Failed polls in a row.", gauge, nil, of(func(st *Status) float64 { return float64(st.Sync.Failures) })},
	{"burgee_refusals_total", "States of the store that were refused, by reason.", counter, []string{"reason"}, readRefusals},
	{"burgee_not_taken", "Files on disk or in the bootstrap folder that were not taken at the start, by origin and reason.", gauge, []string{"from", "reason"}, readNotTaken},
}

// of makes a reader of one number in the status.
func of(number func(*Status) float64) reader {
	return func(_ *Sidecar, st *Status, emit emitter) { emit(number(st)) }
}

func readSeries(s *Sidecar, _ *Status, emit emitter) {
	s.meter.series.each(func(flag, variant string, n uint64) { emit(float64(n), flag, variant) })
}

func readReasons(s *Sidecar, _ *Status, emit emitter) {
	for i := range eval.Failed + 1 {
		if n := s.meter.sum(func(t *tally) uint64 { return t.reasons[i].Load() }); n > 0 {
			emit(float64(n), i.String())
		}
	}
}

func readCodes(s *Sidecar, _ *Status, emit emitter) {
	for i := range eval.TargetingKeyMissing + 1 {
		if n := s.meter.sum(func(t *tally) uint64 { return t.codes[i].Load() }); n > 0 {
			emit(float64(n), i.String())
		}
	}
}

func readBad(s *Sidecar, _ *Status, emit emitter) {
	for status := range s.meter.bad {
		if n := s.meter.bad[status].Load(); n > 0 {
			emit(float64(n), strconv.Itoa(status))
		}
	}
}

// ofListeners makes a reader of one count of each listener.
func ofListeners(count func(*crowd) *atomic.Uint64) reader {
	return func(s *Sidecar, _ *Status, emit emitter) {
		for _, one := range s.serving {
			emit(float64(count(&one.patrol.crowd).Load()), one.name)
		}
	}
}

// inForce counts the overrides that have an effect.
func inForce(overrides []Override) float64 {
	n := 0.0
	for _, o := range overrides {
		n += flag01(o.InForce)
	}
	return n
}

// readOverrides has at most as many series as a head has overrides.
func readOverrides(_ *Sidecar, st *Status, emit emitter) {
	flags := map[string]float64{}
	for _, o := range st.Overrides {
		flags[o.Flag] += flag01(o.InForce)
	}
	for flag, n := range flags {
		emit(n, flag)
	}
}

func pendingRevision(st *Status) (newest float64) {
	for _, p := range st.Pending {
		newest = max(newest, float64(p.Revision))
	}
	return newest
}

func readClosing(_ *Sidecar, st *Status, emit emitter) {
	flags := map[string]float64{closedStale: 0, closedExpired: 0}
	for _, f := range st.FailingClosed {
		flags[f.Why]++
	}
	for why, n := range flags {
		emit(n, why)
	}
}

func nextClosing(st *Status) float64 {
	if st.NextClosing == nil {
		return 0
	}
	return seconds(&st.NextClosing.At)
}

func readPins(s *Sidecar, _ *Status, emit emitter) {
	for i := pinNone + 1; i < pinResults; i++ {
		if n := s.meter.sum(func(t *tally) uint64 { return t.pins[i].Load() }); n > 0 {
			emit(float64(n), pinResultNames[i])
		}
	}
}

func readFreshness(_ *Sidecar, st *Status, emit emitter) {
	for _, state := range []string{freshEmpty, fresh, freshStale} {
		emit(flag01(state == st.Freshness), state)
	}
}

func readPolls(s *Sidecar, _ *Status, emit emitter) {
	if s.loop == nil {
		return
	}
	st := s.loop.State()
	emit(float64(st.Unchanged), "unchanged")
	emit(float64(st.Changed), "changed")
	emit(float64(st.Failed), "failed")
}

func readRefusals(s *Sidecar, _ *Status, emit emitter) {
	if s.loop == nil {
		return
	}
	for reason, n := range s.loop.State().Refusals {
		emit(float64(n), string(reason))
	}
}

func readNotTaken(_ *Sidecar, st *Status, emit emitter) {
	files := map[[2]string]float64{}
	for _, n := range st.NotTaken {
		files[[2]string{n.From, string(n.Reason)}]++
	}
	for labels, n := range files {
		emit(n, labels[0], labels[1])
	}
}

func flag01(set bool) float64 {
	if set {
		return 1
	}
	return 0
}

func seconds(at *time.Time) float64 {
	if at == nil {
		return 0
	}
	return float64(at.UnixMilli()) / 1000
}

// exporter reads the metrics when they are asked for.
type exporter struct {
	sidecar *Sidecar
	descs   []*prometheus.Desc
}

func newExporter(s *Sidecar) *exporter {
	e := &exporter{sidecar: s}
	for _, m := range metrics {
		e.descs = append(e.descs, prometheus.NewDesc(m.name, m.help, m.labels, nil))
	}
	return e
}

func (e *exporter) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range e.descs {
		out <- desc
	}
	out <- latencyDesc
}

func (e *exporter) Collect(out chan<- prometheus.Metric) {
	m := e.sidecar.meter
	out <- m.latencies("single", func(t *tally) *latency { return &t.single })
	out <- m.latencies("bulk", func(t *tally) *latency { return &t.bulk })
	out <- m.latencies("snapshot", func(t *tally) *latency { return &t.snapshot })
	st := e.sidecar.Status(time.Now())
	for i, m := range metrics {
		m.read(e.sidecar, &st, func(value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(e.descs[i], m.kind, value, labels...)
		})
	}
}

// metricsHandler serves ours and the Go runtime's.
func (s *Sidecar) metricsHandler() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(newExporter(s), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}
