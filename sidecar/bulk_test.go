package sidecar

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

func TestBulk(t *testing.T) {
	h := develop(t, shop).evaluation()
	ctx := call(h, "POST", flagsPath, `{"context":{"plan":"pro"}}`)
	var got struct {
		Flags []struct {
			Key, Variant, ErrorCode string
		}
		Metadata map[string]any
	}
	if err := json.Unmarshal(ctx.Response.Body(), &got); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, f := range got.Flags {
		keys = append(keys, f.Key+"="+f.Variant+f.ErrorCode)
	}
	want := []string{"a/b=it", "bad=GENERAL", "code=", "float=it", "off=", "on=yes", "rule=b"}
	if !slices.Equal(keys, want) || got.Metadata["set"] != "shop" {
		t.Errorf("bulk gave %v and %v; want %v", keys, got.Metadata, want)
	}
	if ctx := call(h, "POST", flagsPath+"/", ""); ctx.Response.StatusCode() != 200 {
		t.Errorf("with a slash behind: %d; want 200", ctx.Response.StatusCode())
	}
}

func TestBulkETag(t *testing.T) {
	h := develop(t, shop).evaluation()
	tagOf := func(body string) string {
		return string(call(h, "POST", flagsPath, body).Response.Header.Peek("ETag"))
	}
	free, pro := tagOf(`{"context":{"plan":"free"}}`), tagOf(`{"context":{"plan":"pro"}}`)
	if free == pro || free == "" {
		t.Fatalf("tags %s and %s; want them to differ with the context", free, pro)
	}
	for _, row := range []struct {
		status  int
		headers []string
	}{
		{304, []string{pro}},
		{304, []string{"W/" + pro}},
		{304, []string{`"x", ` + pro}},
		{304, []string{`W/"x",W/` + pro + `,"y"`}},
		{304, []string{`"a,b", ` + pro}},
		{304, []string{"*"}},
		{304, []string{strings.Trim(pro, `"`)}},
		{304, []string{`"x"`, pro}},
		{200, []string{free}},
		{200, []string{`"x"`}},
		{200, []string{`"x,` + strings.Trim(pro, `"`) + `,y"`}},
		{200, []string{""}},
		{200, []string{`"`}},
		{200, []string{","}},
		{200, nil},
	} {
		var headers []string
		for _, header := range row.headers {
			headers = append(headers, "If-None-Match", header)
		}
		ctx := call(h, "POST", flagsPath, `{"context":{"plan":"pro"}}`, headers...)
		if ctx.Response.StatusCode() != row.status || row.status == 304 && len(ctx.Response.Body()) > 0 {
			t.Errorf("If-None-Match %q: %d; want %d", row.headers, ctx.Response.StatusCode(), row.status)
		}
		if got := string(ctx.Response.Header.Peek("ETag")); got != pro {
			t.Errorf("If-None-Match %q: tag %s; want %s with every answer", row.headers, got, pro)
		}
	}
}

// A client that an event told of another configuration wants the answer, whatever it has cached.
func TestWhatAnEventToldIsHeeded(t *testing.T) {
	s := develop(t, shop)
	h := s.evaluation()
	now := s.holder.current.Load()
	changed := now.changed.Unix()
	for query, status := range map[string]int{
		"":                                   304,
		"?other=1":                           304,
		"?flagConfigEtag=":                   304,
		"?flagConfigEtag=" + now.configTag(): 304,
		"?flagConfigEtag=%22" + now.configTag() + "%22":                                        304,
		"?flagConfigEtag=99.99":                                                                200,
		"?flagConfigLastModified=" + strconv.FormatInt(changed, 10):                            304,
		"?flagConfigLastModified=" + time.Unix(changed, 0).UTC().Format(time.RFC3339):          304,
		"?flagConfigLastModified=" + strconv.FormatInt(changed+1, 10):                          200,
		"?flagConfigLastModified=yesterday":                                                    200,
		"?flagConfigEtag=" + now.configTag() + "&flagConfigLastModified=" + strconv.Itoa(1000): 200,
	} {
		ctx := call(h, "POST", flagsPath+query, "", "If-None-Match", "*")
		if ctx.Response.StatusCode() != status {
			t.Errorf("%s: %d; want %d", query, ctx.Response.StatusCode(), status)
		}
	}
}

// A rule that reads the time changes its answer while flags and context stay: nobody is told then that nothing changed.
func TestTimeIsNeverNotModified(t *testing.T) {
	s := develop(t, `{"flags":{"late":{"variants":{"yes":true,"no":false},"targeting":{"if":[{">=":[{"var":"$flagd.timestamp"},1000]},"yes","no"]}}}}`)
	now := s.holder.current.Load()
	sumAt := func(second int64) uint64 {
		w := s.workspaces.get()
		defer s.workspaces.put(w)
		_, sum := s.appendAll(nil, &view{pinned: now.own(), now: now}, w, second)
		return sum
	}
	if sumAt(998) != sumAt(999) {
		t.Error("the same answer has two tags")
	}
	if sumAt(999) == sumAt(1000) {
		t.Error("two answers have one tag")
	}
}

var tornCalls = flag.Int("torn.calls", 20_000, "bulk calls while flags are swapped")

// One bulk answer is of one revision, whoever asks and however often the flags are swapped meanwhile. Flags are shared between revisions
// but for one in ten, overrides come and go, and every value tells the revision that it is of.
func TestBulkIsNeverTorn(t *testing.T) {
	maker := bundletest.New(t)
	r := newRig(t, maker, bundletest.NewSource())
	swap := func(revision int64) {
		made := maker.Make(revision, tornDocument(revision), tornFlags)
		head, err := maker.Policy().Open(made.Head)
		if err != nil {
			t.Fatal(err)
		}
		verified, err := head.Open(made.Bundle)
		if err != nil {
			t.Fatal(err)
		}
		r.holder.Head(head)
		if err := r.holder.Bundle(verified); err != nil {
			t.Fatal(err)
		}
	}
	swap(1)
	var done atomic.Bool
	var swaps int64
	var swapper, callers sync.WaitGroup
	swapper.Go(func() {
		for swaps = 1; !done.Load(); swaps++ {
			swap(swaps + 1)
		}
	})
	for range 4 {
		callers.Go(func() {
			for range *tornCalls / 4 {
				checkWhole(t, call(r.answer, "POST", flagsPath, ""))
			}
		})
	}
	callers.Wait()
	done.Store(true)
	swapper.Wait()
	t.Logf("%d bulk calls over %d swaps", *tornCalls, swaps)
	if swaps < 10 {
		t.Errorf("only %d swaps: nothing was tried", swaps)
	}
}

const tornFlags = 40

// tornDocument has flags that change with each revision, and others between them that do not.
func tornDocument(revision int64) string {
	var doc strings.Builder
	doc.WriteString(`{"flags":{`)
	for i := range tornFlags {
		value := int64(0)
		if i%10 == 0 {
			value = revision
		}
		fmt.Fprintf(&doc, `%s"f%02d":{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it"}`, strings.Repeat(",", min(i, 1)), i, value)
	}
	return doc.String() + `}}`
}

// checkWhole wants all values that change to be of the revision that the header names.
func checkWhole(t *testing.T, ctx *fasthttp.RequestCtx) {
	body := ctx.Response.Body()
	want := append(append([]byte(`"value":`), ctx.Response.Header.Peek("Burgee-Revision")...), ',')
	if n := bytes.Count(body, want); n != tornFlags/10 || bytes.Count(body, []byte(`"value":0,`)) != tornFlags-tornFlags/10 {
		t.Errorf("torn: %d flags are of revision %s: %s", n, ctx.Response.Header.Peek("Burgee-Revision"), body)
	}
}
