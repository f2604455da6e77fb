package sidecar

import (
	"bytes"
	"net"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/eval"
)

// onlyLocal guards a loopback listener against pages in a browser: a name that was rebound to loopback shows in Host, a page of
// another site in Origin, be it empty or the second one. A listener that is open to the network is meant to be reached by any name.
func onlyLocal(ln net.Listener, m *meter, next handler) handler {
	address, ok := ln.Addr().(*net.TCPAddr)
	if !ok || !address.IP.IsLoopback() {
		return next
	}
	return func(ctx *fasthttp.RequestCtx) {
		switch {
		case !isLocal(string(ctx.Request.Header.Host()), address.IP) || !targetsLocal(ctx.Request.Header.RequestURI(), address.IP):
			m.badRequest(answerError(ctx, fasthttp.StatusForbidden, eval.General, "Host must be localhost or the listener's own address"))
		case len(ctx.Request.Header.PeekAll(fasthttp.HeaderOrigin)) > 0: // Peek cannot tell an empty one from none
			m.badRequest(answerError(ctx, fasthttp.StatusForbidden, eval.General, "requests of web pages (with Origin) are refused"))
		default:
			next(ctx)
		}
	}
}

func isLocal(host string, own net.IP) bool {
	name := host
	if at := strings.LastIndexByte(host, ':'); at > strings.LastIndexByte(host, ']') {
		if _, err := strconv.ParseUint(host[at+1:], 10, 16); err != nil {
			return false
		}
		name = host[:at]
	}
	return name == "127.0.0.1" || name == "[::1]" || strings.EqualFold(name, "localhost") || name == own.String()
}

// targetsLocal looks at a target that is more than a path: then it is the target that names the host, whatever Host says (RFC 9112, 3.2.2).
func targetsLocal(target []byte, own net.IP) bool {
	if target[0] == '/' {
		return true
	}
	_, rest, absolute := bytes.Cut(target, []byte("://"))
	if !absolute {
		return false
	}
	if end := bytes.IndexAny(rest, "/?#"); end >= 0 {
		rest = rest[:end]
	}
	return isLocal(string(rest), own)
}
