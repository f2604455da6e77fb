package sidecar

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
)

// manyFlags is a document whose bulk answer has about as many bytes.
func manyFlags(size int) string {
	var document strings.Builder
	for i := range size / 1000 {
		fmt.Fprintf(&document, `%s"flag-%d":{"state":"ENABLED","variants":{"it":%q},"defaultVariant":"it"}`, strings.Repeat(",", min(i, 1)), i, strings.Repeat("x", 900))
	}
	return `{"flags":{` + document.String() + `}}`
}

const bulkRequest = "POST " + flagsPath + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}"

// Clients that ask for large answers and do not take them do not fill the memory: who comes after them is asked to come again, and once
// they have gone there is an answer.
func TestAnswersThatNobodyTakes(t *testing.T) {
	const size, clients = 3 << 20, 60
	s := develop(t, manyFlags(size))
	for _, one := range serveNarrow(t, s, evaluationLimits, longWaits) {
		before := heap()
		var slow []net.Conn
		refused := 0
		for range clients {
			conn := open(t, one)
			slow = append(slow, conn)
			send(t, conn, bulkRequest)
			from := bufio.NewReaderSize(conn, 16)
			line, err := from.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(line, "HTTP/1.1 503 ") {
				refused++
			}
		}
		if grown := heap() - before; grown > maxUntaken*3/2+2*size || refused < clients-maxUntaken/size-3 {
			t.Errorf("%s: %d clients that take nothing hold %d KiB, %d were refused; want about %d KiB", one.name, clients, grown>>10, refused, maxUntaken>>10)
		}
		late := open(t, one)
		send(t, late, bulkRequest+goodRequest)
		from := bufio.NewReader(late)
		if status, header, body := receive(t, from); status != http.StatusServiceUnavailable || header.Get("Retry-After") != "1" || !json.Valid([]byte(body)) {
			t.Errorf("%s: a bulk call got %d %v %.200s; want 503", one.name, status, header, body)
		}
		if status, _, _ := receive(t, from); status != http.StatusNotFound { // there is no flag "on"
			t.Errorf("%s: behind it a single call got %d; want an answer", one.name, status)
		}
		for _, conn := range slow {
			_ = conn.Close()
		}
		for status := 0; status != http.StatusOK; {
			send(t, late, bulkRequest)
			var body string
			if status, _, body = receive(t, from); status == http.StatusOK && len(body) < size*9/10 {
				t.Fatalf("%s: %d bytes; want all", one.name, len(body))
			}
		}
	}
}

// What was taken for an answer is given back, whatever becomes of it.
func TestNothingStaysHeld(t *testing.T) {
	s := develop(t, shop)
	h := func(headers ...string) string {
		ctx := call(func(ctx *fasthttp.RequestCtx) {
			w := s.workspaces.get()
			defer s.workspaces.put(w)
			s.evaluate(ctx, w, began(ctx))
		}, http.MethodPost, flagsPath, "{}", headers...)
		tag := string(ctx.Response.Header.Peek("ETag"))
		ctx.Response.Reset() // as the server does
		return tag
	}
	tag := h()
	h("If-None-Match", tag)
	for _, part := range s.holder.current.Load().plan {
		part.flags[0] = nil
	}
	func() {
		defer func() { _ = recover() }()
		h()
		t.Error("no panic; want one in the middle of an answer")
	}()
	if held := s.untaken.bytes.Load(); held != 0 || tag == "" {
		t.Errorf("%d bytes are held for nobody, with the tag %q", held, tag)
	}
}
