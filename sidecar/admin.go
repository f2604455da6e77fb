package sidecar

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttpadaptor"

	"github.com/burgeehq/burgee/eval"
)

// admin answers on-call, probes and Prometheus. It only reads, and shows no secret.
func (s *Sidecar) admin() handler {
	metrics := fasthttpadaptor.NewFastHTTPHandler(s.metricsHandler())
	pages := map[string]handler{
		"/status":   s.statusPage,
		"/metrics":  metrics,
		"/livez":    func(ctx *fasthttp.RequestCtx) { probe(ctx, true, "") },
		"/readyz":   func(ctx *fasthttp.RequestCtx) { probe(ctx, s.holder.current.Load() != nil, errNoFlags.Error()) },
		"/startupz": func(ctx *fasthttp.RequestCtx) { probe(ctx, s.mayStart(time.Now()), errNoFlags.Error()) },
	}
	return func(ctx *fasthttp.RequestCtx) {
		page := pages[string(ctx.Path())]
		switch {
		case page == nil:
			answerError(ctx, fasthttp.StatusNotFound, eval.General, "no such path; there are /status, /metrics, /livez, /readyz and /startupz")
		case !ctx.IsGet() && !ctx.IsHead():
			ctx.Response.Header.Set(fasthttp.HeaderAllow, "GET, HEAD")
			answerError(ctx, fasthttp.StatusMethodNotAllowed, eval.General, "this listener only reads: use GET")
		default:
			page(ctx)
		}
	}
}

// mayStart tells whether an application may be let start: with flags, or without them when it has waited long enough.
func (s *Sidecar) mayStart(now time.Time) bool {
	return s.holder.current.Load() != nil || now.Sub(s.started) >= s.config.StartupWait
}

func probe(ctx *fasthttp.RequestCtx, good bool, why string) {
	ctx.SetContentType("text/plain; charset=utf-8")
	if !good {
		ctx.SetStatusCode(fasthttp.StatusServiceUnavailable)
		ctx.SetBodyString(why + "\n")
		return
	}
	ctx.SetBodyString("ok\n")
}

func (s *Sidecar) statusPage(ctx *fasthttp.RequestCtx) {
	body, err := json.Marshal(s.Status(time.Now()), jsontext.WithIndent("  "))
	if err != nil {
		answerError(ctx, fasthttp.StatusInternalServerError, eval.General, err.Error())
		return
	}
	answerWith(ctx, append(body, '\n'))
}
