// Package webhook serves the injection of sidecars to Kubernetes' API server: one address with TLS, whose certificate is read again when its
// files change, and one for probes and metrics. It keeps nothing of a pod, asks nobody anything, and has no rights in the cluster.
package webhook

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sidecar/inject"
)

// Bounds of what strangers may take. docs/operations.md lists them.
const (
	maxReview      = 4 << 20 // bytes; the API server itself takes no request of more than 3 MiB
	maxHeader      = 16 << 10
	maxConnections = 256      // of each listener
	maxReviews     = 32       // that are worked on at once; others wait
	maxHeld        = 16 << 20 // bytes of reviews that are coming, wait or are worked on
	readTime       = 5 * time.Second
	writeTime      = 10 * time.Second
	idleTime       = 2 * time.Minute // the API server itself closes what is idle after 90 s
	shutdownWait   = 5 * time.Second // for reviews that are being answered when the grace ends
)

// DefaultGrace is how long reviews are still taken after the end was asked for: until then the API server may be told to come here.
const DefaultGrace = 5 * time.Second

// Config is what a webhook wants.
type Config struct {
	Definition  *inject.Definition // required
	Certificate string             // file with the certificate and its chain, PEM; required
	Key         string             // file with its key, PEM; required
	Listen      string             // TCP address for reviews; required
	Admin       string             // TCP address for probes and metrics; empty for none
	Grace       time.Duration      // 0 means DefaultGrace
	Version     string
	Log         hclog.Logger // required
}

// Webhook answers reviews. Make it with New.
type Webhook struct {
	config   Config
	pair     *pair
	counts   *counts
	held     held
	places   chan struct{}                // one element for each review at work
	warned   struct{ none, other seldom } // of what is no review, and of reviews of something else
	stopping atomic.Bool
	times    times
}

// times are the constants above, unless a test has others.
type times struct {
	read, write, shutdown time.Duration
	after                 func(time.Duration) <-chan time.Time // waits for the grace
}

// New reads the certificate, and refuses one that cannot be served.
func New(c Config) (*Webhook, error) {
	if c.Definition == nil || c.Log == nil {
		return nil, errors.New("a webhook wants a definition and a log")
	}
	if c.Grace == 0 {
		c.Grace = DefaultGrace
	}
	pair, err := newPair(c.Certificate, c.Key, c.Log)
	if err != nil {
		return nil, err
	}
	return &Webhook{
		config: c, pair: pair, counts: newCounts(), places: make(chan struct{}, maxReviews),
		times: times{readTime, writeTime, shutdownWait, time.After},
	}, nil
}

// Run serves until ctx ends. Then it is not ready any more, goes on for the grace, and lets running reviews finish.
func (w *Webhook) Run(ctx context.Context) error {
	all, err := w.listen()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	for _, one := range all {
		group.Go(func() { stop(one.serve()) })
	}
	<-ctx.Done()
	w.stopping.Store(true)
	if cause := context.Cause(ctx); errors.Is(cause, context.Canceled) {
		w.config.Log.Info("stopping", "grace", w.config.Grace.String())
		<-w.times.after(w.config.Grace)
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.times.shutdown)
	defer cancel()
	for _, one := range all {
		group.Go(func() {
			if one.server.Shutdown(last) != nil {
				_ = one.server.Close() // whoever has not ended in time is cut off
			}
		})
	}
	group.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// served is a listener with its server.
type served struct {
	net.Listener
	server *http.Server
	tls    bool
}

func (s served) serve() error {
	if s.tls {
		return s.server.ServeTLS(s.Listener, "", "") // the pair is asked for the certificate
	}
	return s.server.Serve(s.Listener)
}

// listen opens both listeners before anything is served, so that a wrong address is said at once.
func (w *Webhook) listen() ([]served, error) {
	var all []served
	for _, one := range []struct {
		name, address string
		handler       http.Handler
		tls           bool
	}{
		{"injection", w.config.Listen, http.HandlerFunc(w.review), true},
		{"admin", w.config.Admin, w.admin(), false},
	} {
		if one.address == "" {
			continue
		}
		ln, err := net.Listen("tcp", one.address)
		if err != nil {
			for _, open := range all {
				_ = open.Close() // nobody was served yet
			}
			return nil, fmt.Errorf("listen (%s): %w", one.name, err)
		}
		w.config.Log.Info("listening", "for", one.name, "address", ln.Addr().String())
		all = append(all, served{newBounded(ln, maxConnections), w.server(one.handler), one.tls})
	}
	return all, nil
}

func (w *Webhook) server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: w.times.read,
		ReadTimeout:       w.times.read,
		WriteTimeout:      w.times.write,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: w.pair.get},
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 2 * maxReviews},

		// Connections that break off, and clients that do not trust the certificate: the API server tells its users of the latter itself.
		ErrorLog: w.config.Log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}
}
