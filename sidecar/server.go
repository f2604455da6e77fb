package sidecar

import (
	"bytes"
	"context"
	"errors"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

type handler = func(*fasthttp.RequestCtx)

// limits bound what one listener's clients can take.
type limits struct {
	connections int
	body        int // bytes
	header      int // bytes
}

// listenerWaits bound slow clients. An idle connection lives longer than SDK pools keep one, so that they do not meet a closed one.
var listenerWaits = waits{request: 5 * time.Second, answer: 5 * time.Second, idle: 180 * time.Second}

var (
	evaluationLimits = limits{connections: 1024, body: 64 << 10, header: 16 << 10}
	adminLimits      = limits{connections: 64, body: 1 << 10, header: 8 << 10}
)

// newServer makes a server with every bound set but those of time, which its listener's patrol keeps. Each listener has its own, so that
// a flood on one leaves the other its workers.
func newServer(m *meter, next handler, l limits) *fasthttp.Server {
	return &fasthttp.Server{
		Handler:               guard(m, next),
		ErrorHandler:          func(ctx *fasthttp.RequestCtx, err error) { m.badRequest(refuseRequest(ctx, err)) },
		ExpectHandler:         func(ctx *fasthttp.RequestCtx) int { return goOn(ctx, m, l.body) },
		Concurrency:           4 * l.connections, // out of reach: the crowd bounds them
		MaxIdleWorkerDuration: idleWorker,
		MaxRequestBodySize:    l.body,
		ReadBufferSize:        l.header,
		CloseOnShutdown:       true,
		NoDefaultServerHeader: true,
		NoDefaultDate:         true,
		NoDefaultContentType:  true,

		DisablePreParseMultipartForm: true, // nobody wants it, and it leaves what follows the form in the connection

		Logger: quiet{},
	}
}

// guard turns a panic into an error of that one request: fasthttp by itself would let it end the process.
func guard(m *meter, next handler) handler {
	return func(ctx *fasthttp.RequestCtx) {
		defer func() {
			if cause := recover(); cause != nil {
				m.panicked(cause, debug.Stack())
				ctx.Response.Reset()
				answerError(ctx, fasthttp.StatusInternalServerError, eval.General, "internal error")
			}
		}()
		if wantsClose(ctx.Request.Header.Peek(fasthttp.HeaderConnection)) {
			ctx.SetConnectionClose()
		}
		if speaks(ctx, m) && wellFramed(ctx, m) {
			next(ctx)
		}
	}
}

// wantsClose reads the options of a Connection header (RFC 9110, 7.6.1); fasthttp knows but the exact word.
func wantsClose(options []byte) bool {
	if len(options) == 0 {
		return false
	}
	for option := range bytes.SplitSeq(options, []byte(",")) {
		if bytes.EqualFold(bytes.TrimSpace(option), []byte("close")) {
			return true
		}
	}
	return false
}

// refuseRequest answers what could not be read as a request, and gives the status. The connection closes after it.
func refuseRequest(ctx *fasthttp.RequestCtx, err error) int {
	var small *fasthttp.ErrSmallBuffer
	state := refusalOf(ctx.Conn())
	if state != gaveWay { // whose place is wanted
		linger(ctx)
	}
	switch {
	case state == refused, state == gaveWay:
		return answerBusy(ctx, "the listener has all the connections that it takes")
	case state == ended:
		return answerError(ctx, fasthttp.StatusRequestTimeout, eval.General, "request did not arrive in time")
	case errors.Is(err, fasthttp.ErrBodyTooLarge), errors.Is(err, errTooLarge):
		return tooLarge(ctx)
	case errors.As(err, &small):
		return answerError(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, eval.General, "request header is larger than the limit")
	default:
		return answerError(ctx, fasthttp.StatusBadRequest, eval.ParseFailed, "not an HTTP request")
	}
}

func tooLarge(ctx *fasthttp.RequestCtx) int {
	return answerError(ctx, fasthttp.StatusRequestEntityTooLarge, eval.General, "request body is larger than the limit")
}

// answerBusy asks a client to come again in a moment.
func answerBusy(ctx *fasthttp.RequestCtx, why string) int {
	ctx.Response.Header.Set(fasthttp.HeaderRetryAfter, "1")
	return answerError(ctx, fasthttp.StatusServiceUnavailable, eval.General, why)
}

// goOn answers a client that asks before it sends its body. fasthttp by itself would have it send what is too large, and say so then.
func goOn(ctx *fasthttp.RequestCtx, m *meter, limit int) int {
	if ctx.Request.Header.ContentLength() <= limit {
		return fasthttp.StatusContinue
	}
	linger(ctx)
	m.badRequest(tooLarge(ctx))
	return fasthttp.StatusRequestEntityTooLarge
}

// quiet drops fasthttp's own lines: they carry bytes of requests, one line for each broken connection. The meter counts these.
type quiet struct{}

func (quiet) Printf(string, ...any) {}

// served is a listener with its server.
type served struct {
	net.Listener
	name   string
	server *fasthttp.Server
	patrol *patrol
}

// newServed makes a listener sturdy and bounds its clients.
func newServed(name string, ln net.Listener, m *meter, h handler, l limits) served {
	p := newPatrol(listenerWaits, l)
	return served{&crowded{newSturdy(ln, m), p}, name, newServer(m, onlyLocal(ln, m, h), l), p}
}

func closeAll(all []served) {
	for _, s := range all {
		_ = s.Close()
	}
}

// serveAll serves until ctx ends or a listener breaks, then lets running requests finish.
func serveAll(ctx context.Context, all []served) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	defer patrolAll(ctx, all)()
	var group sync.WaitGroup
	for _, s := range all {
		group.Go(func() { stop(s.server.Serve(s.Listener)) })
	}
	<-ctx.Done()
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWait)
	defer cancel()
	for _, s := range all {
		group.Go(func() {
			_ = s.server.ShutdownWithContext(last) // what does not end in time is cut off below
			_ = s.Close()                          // a server that never got to serve leaves its listener open
		})
	}
	group.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// patrolAll bounds the clients of all listeners until the function that it gives is called, after the last requests: whatever is still
// connected is cut off then.
func patrolAll(ctx context.Context, all []served) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	for _, s := range all {
		group.Go(func() { s.patrol.run(ctx) })
	}
	return func() {
		cancel()
		group.Wait()
		for _, s := range all {
			s.patrol.closeAll()
		}
	}
}
