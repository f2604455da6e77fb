package sidecar

import (
	"bytes"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// wellFramed tells whether a request ends where every reader on its way has seen it end, and refuses one that may not: the server takes
// some that RFC 9112 (6.1, 6.3 and 5.2) wants refused. It refuses others by itself: two lengths, two encodings, an encoding with
// HTTP/1.0, other encodings than chunked and identity, spaces before a colon, sizes of chunks that are no plain number.
func wellFramed(ctx *fasthttp.RequestCtx, m *meter) bool {
	problem := framingProblem(ctx.Request.Header.RawHeaders())
	if problem == "" {
		return true
	}
	linger(ctx)
	m.badRequest(answerError(ctx, fasthttp.StatusBadRequest, eval.ParseFailed, problem))
	return false
}

func framingProblem(head []byte) string {
	var length, encoding bool
	for len(head) > 0 {
		line, rest, _ := bytes.Cut(head, []byte("\n"))
		head = rest
		if len(line) == 0 {
			continue
		}
		switch line[0] {
		case ' ', '\t':
			return "a header goes on in a second line"
		case 'c', 'C':
			length = length || isHeader(line, fasthttp.HeaderContentLength)
		case 't', 'T':
			if isHeader(line, fasthttp.HeaderTransferEncoding) {
				encoding = true
				if _, value, _ := bytes.Cut(line, []byte(":")); !bytes.EqualFold(bytes.TrimSpace(value), []byte("chunked")) {
					return "Transfer-Encoding must be chunked"
				}
			}
		}
	}
	if length && encoding {
		return "both Content-Length and Transfer-Encoding"
	}
	return ""
}

// isHeader tells whether a line is the header of that name.
func isHeader(line []byte, name string) bool {
	return len(line) > len(name) && line[len(name)] == ':' && bytes.EqualFold(line[:len(name)], []byte(name))
}

// speaks tells whether a request is in HTTP/1, and answers one that is not. The preface of HTTP/2 reads like a request.
func speaks(ctx *fasthttp.RequestCtx, m *meter) bool {
	head := &ctx.Request.Header
	if head.IsHTTP11() || string(head.Protocol()) == "HTTP/1.0" {
		return true
	}
	linger(ctx)
	m.badRequest(answerError(ctx, fasthttp.StatusHTTPVersionNotSupported, eval.General, "this listener speaks HTTP/1.1, not "+string(head.Protocol())))
	return false
}
