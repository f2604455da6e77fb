package webhook

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// admin answers probes and Prometheus. It only reads.
func (w *Webhook) admin() http.Handler {
	metrics := promhttp.HandlerFor(w.registry(), promhttp.HandlerOpts{})
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		switch {
		case request.URL.Path != "/livez" && request.URL.Path != "/readyz" && request.URL.Path != "/metrics":
			http.Error(answer, "no such path; there are /livez, /readyz and /metrics", http.StatusNotFound)
		case request.Method != http.MethodGet && request.Method != http.MethodHead:
			answer.Header().Set("Allow", "GET, HEAD")
			http.Error(answer, "this listener only reads: use GET", http.StatusMethodNotAllowed)
		case request.URL.Path == "/metrics":
			metrics.ServeHTTP(answer, request)
		case request.URL.Path == "/livez":
			say(answer, http.StatusOK, "ok")
		default:
			status, why := w.ready(time.Now())
			say(answer, status, why)
		}
	})
}

// ready tells whether the API server may be sent here, and why not. Files that cannot be served do not turn it while the certificate before
// them is valid.
func (w *Webhook) ready(now time.Time) (status int, why string) {
	served := w.pair.now()
	switch problem := w.pair.problem.Load(); {
	case w.stopping.Load():
		return http.StatusServiceUnavailable, "stopping"
	case !served.valid(now):
		return http.StatusServiceUnavailable, "the certificate is " + served.period()
	case problem != nil:
		return http.StatusOK, "ok, but not taken: " + *problem
	}
	return http.StatusOK, "ok"
}

func say(answer http.ResponseWriter, status int, text string) {
	answer.Header().Set("Content-Type", "text/plain; charset=utf-8")
	answer.WriteHeader(status)
	_, _ = answer.Write([]byte(text + "\n")) // a client that went away
}

// What became of a review.
const (
	injected  = "injected"
	unchanged = "unchanged"
	refused   = "refused"
	bad       = "bad"
)

// counts are of what became of reviews.
type counts struct{ *prometheus.CounterVec }

func newCounts() *counts {
	c := &counts{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "burgee_injections_total", Help: "Reviews of pods, by what became of them.",
	}, []string{"result"})}
	for _, result := range []string{injected, unchanged, refused, bad} {
		c.WithLabelValues(result) // so that each is there from the start, as 0
	}
	return c
}

func (c *counts) one(result string) { c.WithLabelValues(result).Inc() }

// registry holds ours and the Go runtime's. docs/operations.md explains each of ours, and a test holds the two together.
func (w *Webhook) registry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	gauge := func(name, help string, labels prometheus.Labels, value func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, value))
	}
	gauge("burgee_build_info", "Version of the running program; always 1.", prometheus.Labels{"version": w.config.Version}, func() float64 { return 1 })
	gauge("burgee_inject_certificate_expiry_timestamp_seconds", "When the certificate that is served expires.", nil,
		func() float64 { return float64(w.pair.now().until.Unix()) })
	gauge("burgee_inject_certificate_not_taken", "1 while the certificate's files hold what cannot be served; /readyz says why.", nil, func() float64 {
		if w.pair.now(); w.pair.problem.Load() != nil {
			return 1
		}
		return 0
	})
	registry.MustRegister(w.counts, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return registry
}
