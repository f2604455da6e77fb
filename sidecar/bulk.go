package sidecar

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// bulk answers with every flag, all from one state. The ETag is that of the body: one of the configuration alone would go on saying
// "not modified" to a client whose context changed.
func (s *Sidecar) bulk(ctx *fasthttp.RequestCtx, w *workspace, start time.Time) {
	defer s.meter.bulk.since(start)
	now := s.holder.current.Load()
	if now == nil {
		answerError(ctx, fasthttp.StatusInternalServerError, eval.General, errNoFlags.Error())
		s.meter.failed(eval.General)
		return
	}
	ctx.Response.Header.SetCanonical(revisionHeader, now.header)
	if err := w.context.ParseRequest(ctx.Request.Body()); err != nil {
		answerError(ctx, fasthttp.StatusBadRequest, eval.InvalidContext, err.Error())
		s.meter.failed(eval.InvalidContext)
		return
	}
	body := s.appendAll(make([]byte, 0, now.bulkSize.Load()), now, w, start.Unix())
	now.bulkSize.Store(int64(len(body)) + 1<<10)
	tag := bodyTag(body)
	ctx.Response.Header.SetBytesV(fasthttp.HeaderETag, tag[:])
	if matches(ctx.Request.Header.Peek(fasthttp.HeaderIfNoneMatch), tag[:]) {
		ctx.SetStatusCode(fasthttp.StatusNotModified)
		return
	}
	answerWith(ctx, body)
}

// appendAll evaluates every flag, disabled and broken ones too: each entry says for itself how it stands, as with flagd.
func (s *Sidecar) appendAll(body []byte, now *flagset, w *workspace, unix int64) []byte {
	body = append(body, `{"flags":[`...)
	for i, flag := range now.rules.Flags() {
		if i > 0 {
			body = append(body, ',')
		}
		answer := flag.Evaluate(&w.context, unix)
		s.meter.answered(now, flag, &answer)
		body = append(body, answer.JSON...)
	}
	body = append(body, `],"metadata":`...)
	body = append(body, now.rules.Metadata()...)
	return append(body, '}')
}

// bodyTag is a strong validator: the first half of the body's SHA-256, quoted.
func bodyTag(body []byte) (tag [34]byte) {
	sum := sha256.Sum256(body)
	tag[0], tag[33] = '"', '"'
	hex.Encode(tag[1:33], sum[:16])
	return tag
}

// matches compares an If-None-Match list weakly with a tag (RFC 9110, 13.1.2); a bare tag without quotes is let pass.
func matches(header, tag []byte) bool {
	for part := range bytes.SplitSeq(header, []byte(",")) {
		part = bytes.TrimPrefix(bytes.TrimSpace(part), []byte("W/"))
		if string(part) == "*" || bytes.Equal(part, tag) || len(part) > 0 && bytes.Equal(part, tag[1:len(tag)-1]) {
			return true
		}
	}
	return false
}
