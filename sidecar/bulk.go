package sidecar

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// bulk answers with every flag, all from one state. The ETag is that of the body: one of the configuration alone would go on saying
// "not modified" to a client whose context, or whose time, changed.
func (s *Sidecar) bulk(ctx *fasthttp.RequestCtx, w *workspace, start time.Time) {
	v := s.opened(ctx, w)
	if v == nil {
		return
	}
	s.answerAll(ctx, func(text []byte) (_ []byte, send bool) {
		text, sum := s.appendAll(text, v, w, s.clock.machine(start).Unix())
		tag := bodyTag(sum)
		ctx.Response.Header.SetBytesV(fasthttp.HeaderETag, tag[:])
		if !v.now.vetoes(ctx.Request.URI()) && matches(ctx.Request.Header.PeekAll(fasthttp.HeaderIfNoneMatch), tag[:]) {
			ctx.SetStatusCode(fasthttp.StatusNotModified)
			return text, false
		}
		return text, true
	})
}

// answerAll has an answer with all flags written into memory that is counted until the client has taken it, and sends it unless write says
// that it is not to be.
func (s *Sidecar) answerAll(ctx *fasthttp.RequestCtx, write func(text []byte) (_ []byte, send bool)) {
	body := newBulkBody(&s.bulkBodies, &s.untaken)
	if body == nil {
		s.crammed(ctx)
		return
	}
	send := false
	defer func() {
		if !send {
			_ = body.Close() // gives its memory back
		}
	}()
	body.text, send = write(body.text)
	body.made()
	if send {
		body.answer(ctx)
	}
}

// opened reads a request for several flags and finds the state that it is answered from; where that cannot be it answers why, and gives nil.
func (s *Sidecar) opened(ctx *fasthttp.RequestCtx, w *workspace) *view {
	now := s.holder.current.Load()
	if now == nil {
		answerError(ctx, fasthttp.StatusInternalServerError, eval.General, errNoFlags.Error())
		w.tally.failed(eval.General)
		return nil
	}
	err := w.context.ParseRequest(ctx.Request.Body())
	v := s.view(ctx, w, now)
	if err != nil {
		answerInvalid(ctx, w, err)
		return nil
	}
	return v
}

func answerInvalid(ctx *fasthttp.RequestCtx, w *workspace, err error) {
	answerError(ctx, fasthttp.StatusBadRequest, eval.InvalidContext, err.Error())
	w.tally.failed(eval.InvalidContext)
}

// crammed answers where there is no room for one more large answer.
func (s *Sidecar) crammed(ctx *fasthttp.RequestCtx) {
	s.meter.badRequest(answerBusy(ctx, "clients are slow to take bulk answers, and hold all the memory that there is for these"))
}

// bodyTag is a strong validator: the sum of the body, quoted. It guards a client's own cache against chance, not against an attacker:
// whoever could choose bodies with one sum could choose the bodies.
func bodyTag(sum uint64) (tag [18]byte) {
	tag[0], tag[17] = '"', '"'
	hex.Encode(tag[1:17], binary.BigEndian.AppendUint64(nil, sum))
	return tag
}

// vetoes tells whether the client was told, by an event, of another configuration than this: then it wants the answer, whatever it
// has cached (OFREP's ADR 8; flagConfigEtag and flagConfigLastModified).
func (f *flagset) vetoes(uri *fasthttp.URI) bool {
	if len(uri.QueryString()) == 0 {
		return false
	}
	query := uri.QueryArgs()
	if tag := strings.Trim(string(query.Peek("flagConfigEtag")), `"`); tag != "" && tag != f.configTag() {
		return true
	}
	told := string(query.Peek("flagConfigLastModified"))
	at, ok := parseMoment(told)
	return told != "" && (!ok || at.Unix() != f.changed.Unix())
}

// configTag names the configuration whatever the context: the revision of the bundle, and that of the head whose overrides are in force.
func (f *flagset) configTag() string {
	return strconv.FormatInt(f.revision, 10) + "." + strconv.FormatInt(f.headRevision, 10)
}

// parseMoment reads a time as OFREP's events may write it: Unix seconds, ISO 8601, or a date of HTTP.
func parseMoment(s string) (time.Time, bool) {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.Unix(seconds, 0), true
	}
	if at, err := time.Parse(time.RFC3339, s); err == nil {
		return at, true
	}
	at, err := http.ParseTime(s)
	return at, err == nil
}

// matches compares If-None-Match headers weakly with a tag (RFC 9110, 13.1.2); a bare tag without quotes is let pass.
func matches(headers [][]byte, tag []byte) bool {
	for _, header := range headers {
		for part := range entityTags(header) {
			part = bytes.TrimPrefix(part, []byte("W/"))
			if string(part) == "*" || bytes.Equal(part, tag) || bytes.Equal(part, tag[1:len(tag)-1]) {
				return true
			}
		}
	}
	return false
}

// entityTags cuts a list at its commas, but for those inside a tag.
func entityTags(list []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for start, i, quoted := 0, 0, false; i <= len(list); i++ {
			switch {
			case i < len(list) && list[i] == '"':
				quoted = !quoted
			case i == len(list) || list[i] == ',' && !quoted:
				if !yield(bytes.TrimSpace(list[start:i])) {
					return
				}
				start = i + 1
			}
		}
	}
}
