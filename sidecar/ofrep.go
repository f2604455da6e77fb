package sidecar

import (
	"bytes"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// flagsPath is OFREP's bulk call; a key behind it makes the single one.
const flagsPath = "/ofrep/v1/evaluate/flags"

var (
	flagsPrefix    = []byte(flagsPath)
	revisionHeader = []byte("Burgee-Revision")
	jsonType       = []byte("application/json")
)

// keptBody is how large a request's body may be for its buffer to stay with the connection.
const keptBody = 4 << 10

// evaluation answers what applications ask. It reads one flagset, once.
func (s *Sidecar) evaluation() handler {
	return func(ctx *fasthttp.RequestCtx) {
		w := s.workspaces.get()
		s.evaluate(ctx, w, began(ctx))
		s.workspaces.put(w)
		if len(ctx.Request.Body()) > keptBody {
			ctx.Request.SwapBody(nil)
		}
	}
}

// began is when the request had been read, which fasthttp notes; without a server there is nobody who did.
func began(ctx *fasthttp.RequestCtx) time.Time {
	if at := ctx.Time(); !at.IsZero() {
		return at
	}
	return time.Now()
}

func (s *Sidecar) evaluate(ctx *fasthttp.RequestCtx, w *workspace, start time.Time) {
	path := pathOf(ctx.Request.Header.RequestURI())
	rest, found := bytes.CutPrefix(path, flagsPrefix)
	switch {
	case string(path) == snapshotPath && ctx.IsPost():
		s.snapshot(ctx, w, start)
		w.tally.snapshot.since(start)
	case (!found || len(rest) > 0 && rest[0] != '/') && string(path) != snapshotPath:
		s.meter.badRequest(answerError(ctx, fasthttp.StatusNotFound, eval.General, "no such path; evaluation is POST "+flagsPath+"/{key}"))
	case !ctx.IsPost():
		ctx.Response.Header.Set(fasthttp.HeaderAllow, fasthttp.MethodPost)
		s.meter.badRequest(answerError(ctx, fasthttp.StatusMethodNotAllowed, eval.General, "evaluation is by POST"))
	case len(rest) <= 1:
		s.bulk(ctx, w, start)
		w.tally.bulk.since(start)
	default:
		s.single(ctx, w, rest[1:], start)
		w.tally.single.since(start)
	}
}

// pathOf is the path as it was sent, neither decoded nor cleaned. A target may be absolute (RFC 9112, 3.2.2).
func pathOf(target []byte) []byte {
	path, _, _ := bytes.Cut(target, []byte("?"))
	if _, rest, absolute := bytes.Cut(path, []byte("://")); absolute && path[0] != '/' {
		path = rest[max(bytes.IndexByte(rest, '/'), 0):]
	}
	return path
}

func (s *Sidecar) single(ctx *fasthttp.RequestCtx, w *workspace, rawKey []byte, start time.Time) {
	key := rawKey
	if bytes.IndexByte(rawKey, '%') >= 0 {
		w.key = unescape(w.key[:0], rawKey)
		key = w.key
	}
	now := s.holder.current.Load()
	if now == nil {
		answerKeyError(ctx, fasthttp.StatusInternalServerError, eval.NoAnswer(string(key), eval.General, errNoFlags.Error()))
		w.tally.failed(eval.General)
		return
	}
	err := w.context.ParseRequest(ctx.Request.Body())
	v := s.view(ctx, w, now)
	if err != nil {
		answerKeyError(ctx, fasthttp.StatusBadRequest, eval.NoAnswer(string(key), eval.InvalidContext, err.Error()))
		w.tally.failed(eval.InvalidContext)
		return
	}
	flag, counts := v.lookup(key)
	if flag == nil {
		answerKeyError(ctx, fasthttp.StatusNotFound, v.marked(eval.NotFound(string(key))))
		s.meter.unknown(w.tally)
		return
	}
	answer := v.evaluate(flag, w, s.clock.machine(start).Unix())
	w.tally.reasons[answer.Reason].Add(1)
	s.meter.answered(w, counts, flag, &answer)
	if answer.Code != eval.NoError {
		ctx.SetStatusCode(fasthttp.StatusBadRequest)
	}
	answerWith(ctx, v.marked(answer).JSON)
}

// marked gives an answer with what all from this state carry.
func (a *answering) marked(answer eval.Answer) eval.Answer {
	if a.marks != "" {
		answer.JSON = answer.With(nil, a.marks)
	}
	return answer
}

// evaluate answers one flag. One that fails closed does so too where the pin could not be given, unless an override decides.
func (v *view) evaluate(flag *eval.Flag, w *workspace, unix int64) eval.Answer {
	answer := flag.Evaluate(&w.context, unix)
	if v.missed && !answer.Overridden && !flag.Disabled() {
		if _, closed := flag.FailsClosed(); closed {
			return flag.FailClosed(closedMissed)
		}
	}
	return answer
}

// answerWith sends bytes that nobody changes any more. Raw, because fasthttp would else copy them into a buffer that a connection keeps
// for as long as it lives, at the size of the largest answer it ever had.
func answerWith(ctx *fasthttp.RequestCtx, body []byte) {
	ctx.Response.Header.SetContentTypeBytes(jsonType)
	ctx.Response.SetBodyRaw(body)
}

// unescape decodes a path once. Keys may hold a slash, plain or as %2F; what is not an escape stays as it is.
func unescape(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		if src[i] == '%' && i+2 < len(src) {
			high, low := unhex(src[i+1]), unhex(src[i+2])
			if high < 16 && low < 16 {
				dst = append(dst, high<<4|low)
				i += 2
				continue
			}
		}
		dst = append(dst, src[i])
	}
	return dst
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10
	}
	return 255
}

// answerKeyError answers with OFREP's error for one flag.
func answerKeyError(ctx *fasthttp.RequestCtx, status int, failure eval.Answer) {
	ctx.SetStatusCode(status)
	answerWith(ctx, failure.JSON)
}

// answerError answers with OFREP's error for a call without a flag, and gives the status. There is always a JSON body with details and
// metadata: clients of several languages break without them.
func answerError(ctx *fasthttp.RequestCtx, status int, code eval.ErrorCode, details string) int {
	body := append([]byte(`{"errorCode":"`), code.String()...)
	body = append(body, `","errorDetails":`...)
	body, _ = jsontext.AppendQuote(body, details) // its error only tells that bytes were replaced
	body = append(body, `,"metadata":{}}`...)
	ctx.SetStatusCode(status)
	answerWith(ctx, body)
	return status
}
