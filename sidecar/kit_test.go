package sidecar

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/valyala/fasthttp"
	"go.uber.org/goleak"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"), // its cleaner sleeps out its turn
	)
}

// numbered is a document whose one flag, "revision", has its revision for a value.
func numbered(revision int64) string {
	return fmt.Sprintf(`{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it"}}}`, revision)
}

// rig is a sidecar without listeners over a store in memory.
type rig struct {
	*Sidecar
	maker  *bundletest.Maker
	source *bundletest.Source
	cancel context.CancelFunc
	group  *sync.WaitGroup
	answer handler
}

func newRig(t testing.TB, maker *bundletest.Maker, source *bundletest.Source, change ...func(*Config)) *rig {
	t.Helper()
	c := Config{Source: source, StoreName: "memory", Environment: bundletest.Environment, Trust: maker.Trust}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Sidecar: s, maker: maker, source: source, answer: s.evaluation(), cancel: func() {}, group: &sync.WaitGroup{}}
}

// start begins to follow the store.
func (r *rig) start(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	if err := r.prepare(ctx, r.group); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) stop() {
	r.cancel()
	r.group.Wait()
	r.holder.close()
}

// call sends one request through a handler, as a client would.
func call(h handler, method, uri, body string, headers ...string) *fasthttp.RequestCtx {
	var ctx fasthttp.RequestCtx
	ctx.Init(&fasthttp.Request{}, nil, nil)
	ctx.Request.Header.SetMethod(method)
	ctx.Request.Header.SetRequestURI(uri)
	ctx.Request.SetBodyString(body)
	for i := 0; i+1 < len(headers); i += 2 {
		ctx.Request.Header.Add(headers[i], headers[i+1])
	}
	h(&ctx)
	return &ctx
}

// served gives the revision that the flag "revision" and the header agree on, 0 where there are no flags yet.
func (r *rig) served(t *testing.T) int64 {
	t.Helper()
	ctx := call(r.answer, "POST", flagsPath+"/revision", "")
	if ctx.Response.StatusCode() == fasthttp.StatusInternalServerError && len(ctx.Response.Header.Peek("Burgee-Revision")) == 0 {
		return 0
	}
	var answer struct {
		Value  int64  `json:"value"`
		Reason string `json:"reason"`
	}
	if err := json.Unmarshal(ctx.Response.Body(), &answer); err != nil || ctx.Response.StatusCode() != 200 || answer.Reason != "STATIC" {
		t.Fatalf("evaluation failed: %d %s (%v)", ctx.Response.StatusCode(), ctx.Response.Body(), err)
	}
	if header := string(ctx.Response.Header.Peek("Burgee-Revision")); header != strconv.FormatInt(answer.Value, 10) {
		t.Fatalf("value of revision %d under header %q", answer.Value, header)
	}
	return answer.Value
}
