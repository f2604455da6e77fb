package sidecar

import (
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
			var ctx fasthttp.RequestCtx
			ctx.Init(&fasthttp.Request{}, nil, nil)
			ctx.Request.Header.SetMethod(fasthttp.MethodPost)
			ctx.Request.Header.SetRequestURI(flagsPath + row.path)
			ctx.Request.SetBodyString(benchBody)
			b.ReportAllocs()
			for b.Loop() {
				h(&ctx)
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
