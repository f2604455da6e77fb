package provider_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
	"github.com/burgeehq/burgee/sidecar/client/provider"
)

// What one evaluation costs an application, by what it asks with: the whole SDK, the provider, the client, and a bare http.Client that
// sends the same and reads the answer as bytes, which is the floor.
func BenchmarkEvaluation(b *testing.B) {
	socket := clienttest.Start(b, examples(b)).Socket
	c, flags := connect(b, socket, clienttest.Patience)
	subject := about("u1", map[string]any{"country": "DE"})
	attributes := map[string]any{"targetingKey": "u1", "country": "DE"}
	ctx := client.With(b.Context(), client.Parse("u1.1.5f1d"))
	b.Run("sdk", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			if flags.String(ctx, "new_pricing", "code", subject) != "dynamic" {
				b.Fatal("not dynamic")
			}
		}
	})
	b.Run("provider", func(b *testing.B) {
		p := provider.New(c)
		defer measure(b)()
		for b.Loop() {
			if p.StringEvaluation(ctx, "new_pricing", "code", openfeature.FlattenedContext(attributes)).Value != "dynamic" {
				b.Fatal("not dynamic")
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			if _, err := c.Evaluate(ctx, "new_pricing", attributes); err != nil {
				b.Fatal(err)
			}
		}
	})
	bare := dial(b, socket)
	b.Run("floor", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			post(b, bare, "/ofrep/v1/evaluate/flags/new_pricing", `{"context":{"country":"DE","targetingKey":"u1"}}`)
		}
	})
}

// What the middleware costs a request: the call that opens a snapshot, against a bare http.Client that makes the same call; and a request
// that brings the snapshot along, which is let in unasked.
func BenchmarkMiddleware(b *testing.B) {
	socket := clienttest.Start(b, examples(b)).Socket
	c, _ := connect(b, socket, clienttest.Patience)
	opened, err := c.Open(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	handle := func(trust func(*http.Request) bool) http.Handler {
		return client.Middleware{Client: c, TrustIncoming: trust}.Wrap(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			if _, found := client.From(r.Context()); !found {
				b.Error("no snapshot")
			}
		}))
	}
	request := httptest.NewRequest(http.MethodGet, "/", nil)
	brings := request.Clone(b.Context())
	brings.Header.Set(client.Header, opened.String())
	b.Run("opens", func(b *testing.B) {
		defer measure(b)()
		for h := handle(nil); b.Loop(); {
			h.ServeHTTP(nil, request)
		}
	})
	b.Run("adopts", func(b *testing.B) {
		defer measure(b)()
		for h := handle(func(*http.Request) bool { return true }); b.Loop(); {
			h.ServeHTTP(nil, brings)
		}
	})
	bare := dial(b, socket)
	b.Run("floor", func(b *testing.B) {
		defer measure(b)()
		for b.Loop() {
			post(b, bare, "/v1/snapshot", `{"flags":[]}`)
		}
	})
}

// measure reports beside the time what this process's processors did, which a busy machine leaves as it is.
func measure(b *testing.B) func() {
	b.ReportAllocs()
	before := processorTime(b)
	return func() { b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/op") }
}

func processorTime(b *testing.B) int64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func dial(b *testing.B, socket string) *http.Client {
	b.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	b.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: clienttest.Patience}
}

func post(b *testing.B, c *http.Client, path, body string) {
	response, err := c.Post("http://burgee"+path, "application/json", bytes.NewReader([]byte(body)))
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		b.Fatal(err)
	}
	_ = response.Body.Close()
}
