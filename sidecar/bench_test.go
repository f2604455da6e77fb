package sidecar

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
)

const benchBody = `{"context":{"targetingKey":"user-4711","email":"jane@example.com","country":"AT","plan":"enterprise","appVersion":"2.14.1","age":34,"beta":true}}`

// benchFlags are 500 flags of three kinds in turn.
func benchFlags() string {
	kinds := []string{
		`"variants":{"on":true,"off":false},"defaultVariant":"on"`,
		`"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"and":[{"==":[{"var":"plan"},"enterprise"]},` +
			`{"in":[{"var":"country"},["DE","AT","CH","LI","LU"]]},{">=":[{"var":"age"},18]},{"ends_with":[{"var":"email"},"@example.com"]},` +
			`{"sem_ver":[{"var":"appVersion"},">=","2.0.0"]},{"==":[{"var":"beta"},true]}]},"on","off"]}`,
		`"variants":{"blue":"#0000ff","green":"#00ff00","red":"#ff0000"},"defaultVariant":"red","targeting":` +
			`{"if":[{"==":[{"var":"plan"},"enterprise"]},{"fractional":[["blue",50],["green",30],["red",20]]}]}`,
	}
	var doc strings.Builder
	for i := range 500 {
		fmt.Fprintf(&doc, `,"flag-%03d":{"state":"ENABLED",%s}`, i, kinds[i%len(kinds)])
	}
	return `{"flags":{` + doc.String()[1:] + `}}`
}

// BenchmarkHandler is what a request costs behind fasthttp, from its parsed head to the answer.
func BenchmarkHandler(b *testing.B) {
	s := develop(b, benchFlags())
	h := s.evaluation()
	for _, row := range []struct{ name, path string }{{"Static", "/flag-000"}, {"SixConditions", "/flag-001"}, {"Rollout", "/flag-002"}, {"Bulk500", ""}} {
		b.Run(row.name, func(b *testing.B) {
			ctx := received(b, row.path)
			b.ReportAllocs()
			for b.Loop() {
				h(ctx)
				ctx.Response.Reset()
			}
		})
	}
}

// received is a request as it is read from a connection, with further lines in its header.
func received(b *testing.B, path string, header ...string) *fasthttp.RequestCtx {
	b.Helper()
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	text := fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		flagsPath, path, len(benchBody), strings.Join(header, ""), benchBody)
	if err := ctx.Request.Read(bufio.NewReader(strings.NewReader(text))); err != nil {
		b.Fatal(err)
	}
	return &ctx
}

// BenchmarkPin is what a pin adds to that, with sixteen revisions held: finding the state that it means, and the whole request.
func BenchmarkPin(b *testing.B) {
	s := develop(b, benchFlags())
	var tokens []string
	for i := range DefaultRetain {
		if i > 0 {
			s.bench.last = nil
			if err := s.bench.take([]byte(strings.Replace(benchFlags(), `"on":true`, fmt.Sprintf(`"on":true,"r%d":false`, i), 1))); err != nil {
				b.Fatal(err)
			}
		}
		tokens = append(tokens, string(s.holder.current.Load().token))
	}
	for _, row := range []struct{ name, pin string }{{"None", ""}, {"Current", tokens[len(tokens)-1]}, {"Held", tokens[0]}} {
		b.Run("Resolve/"+row.name, func(b *testing.B) {
			w, pin := s.workspaces.get(), []byte(row.pin)
			b.ReportAllocs()
			for b.Loop() {
				v := view{pinned: s.holder.current.Load().own(), now: s.holder.current.Load()}
				if row.pin != "" && s.resolve(pin, w, &v).missed() {
					b.Fatal("missed")
				}
			}
		})
		b.Run("Request/"+row.name, func(b *testing.B) {
			var header []string
			if row.pin != "" {
				header = []string{snapshotHeader + ": " + row.pin + "\r\n"}
			}
			ctx, h := received(b, "/flag-000", header...), s.evaluation()
			b.ReportAllocs()
			for b.Loop() {
				h(ctx)
				ctx.Response.Reset()
			}
		})
	}
}

// BenchmarkConnection is what a request costs over a kept connection on the socket, with the bounds of the listener; its client costs
// but two calls of the system.
func BenchmarkConnection(b *testing.B) {
	s := develop(b, benchFlags())
	s.config.Socket = filepath.Join(b.TempDir(), "s.sock")
	if err := s.listen(); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var group sync.WaitGroup
	group.Go(func() { _ = serveAll(ctx, s.serving) })
	defer group.Wait()
	defer cancel()
	conn, err := net.Dial("unix", s.config.Socket)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	request := fmt.Appendf(nil, "POST %s/flag-000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s", flagsPath, len(benchBody), benchBody)
	answer := make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(request); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(answer); err != nil {
			b.Fatal(err)
		}
	}
}
