package sidecar

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

const shop = `{
  "metadata": {"set": "shop"},
  "flags": {
    "on": {"state": "ENABLED", "variants": {"yes": true, "no": false}, "defaultVariant": "yes", "metadata": {"owner": "team", "ticket": "T-1"}},
    "float": {"state": "ENABLED", "variants": {"it": 1.0}, "defaultVariant": "it"},
    "rule": {"state": "ENABLED", "variants": {"a": "A", "b": "B"}, "defaultVariant": "a", "targeting": {"if": [{"==": [{"var": "plan"}, "pro"]}, "b"]}},
    "a/b": {"state": "ENABLED", "variants": {"it": "slash"}, "defaultVariant": "it"},
    "bad": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": "a", "targeting": "nothing"},
    "code": {"state": "ENABLED", "variants": {"a": 1}, "defaultVariant": null},
    "off": {"state": "DISABLED", "variants": {"a": 1}, "defaultVariant": "a"}
  }
}`

// develop serves a flag document as --flags does.
func develop(t testing.TB, document string, change ...func(*Config)) *Sidecar {
	t.Helper()
	path := filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(path, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	c := Config{FlagsFile: path}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		group.Wait()
		s.holder.close()
	})
	if err := s.prepare(ctx, &group); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSingle(t *testing.T) {
	h := develop(t, shop).evaluation()
	for _, row := range []struct {
		name, method, uri, body string
		status                  int
		want                    string // the whole body, or its beginning before an ellipsis
	}{
		{"static", "POST", "/on", `{"context":{"targetingKey":"u"}}`, 200, `{"key":"on","value":true,"reason":"STATIC","variant":"yes","metadata":{"set":"shop","ticket":"T-1"}}`},
		{"a float stays one", "POST", "/float", `{}`, 200, `{"key":"float","value":1.0,"reason":"STATIC","variant":"it","metadata":{"set":"shop"}}`},
		{"rule", "POST", "/rule", `{"context":{"plan":"pro"}}`, 200, `{"key":"rule","value":"B","reason":"TARGETING_MATCH","variant":"b","metadata":{"set":"shop"}}`},
		{"default", "POST", "/rule", `{"context":{"plan":"free"}}`, 200, `{"key":"rule","value":"A","reason":"DEFAULT","variant":"a","metadata":{"set":"shop"}}`},
		{"no body", "POST", "/rule", ``, 200, `{"key":"rule","value":"A","reason":"DEFAULT","variant":"a","metadata":{"set":"shop"}}`},
		{"context that is none", "POST", "/rule", `{"context":"x"}`, 200, `{"key":"rule","value":"A",…`},
		{"query", "POST", "/rule?x=/y", ``, 200, `{"key":"rule","value":"A",…`},
		{"code default", "POST", "/code", ``, 200, `{"key":"code","reason":"DEFAULT","metadata":{"set":"shop"}}`},
		{"disabled", "POST", "/off", ``, 200, `{"key":"off","reason":"DISABLED","metadata":{"set":"shop"}}`},
		{"absolute target", "POST", "!http://burgee/ofrep/v1/evaluate/flags/rule", ``, 200, `{"key":"rule","value":"A",…`},
		{"slash", "POST", "/a/b", ``, 200, `{"key":"a/b","value":"slash",…`},
		{"escaped slash", "POST", "/a%2Fb", ``, 200, `{"key":"a/b","value":"slash",…`},
		{"escaped small", "POST", "/a%2fb", ``, 200, `{"key":"a/b","value":"slash",…`},
		{"escaped once", "POST", "/a%252Fb", ``, 404, `{"key":"a%2Fb","errorCode":"FLAG_NOT_FOUND",…`},
		{"half an escape", "POST", "/on%2", ``, 404, `{"key":"on%2","errorCode":"FLAG_NOT_FOUND",…`},
		{"no such variant", "POST", "/bad", ``, 400, `{"key":"bad","errorCode":"GENERAL",…`},
		{"not found", "POST", "/gone", ``, 404, `{"key":"gone","errorCode":"FLAG_NOT_FOUND",…`},
		{"not UTF-8", "POST", "/%ff", ``, 404, "{\"key\":\"\uFFFD\",…"},
		{"list for a body", "POST", "/on", `[1]`, 400, `{"key":"on","errorCode":"INVALID_CONTEXT",…`},
		{"broken body", "POST", "/on", `{bad`, 400, `{"key":"on","errorCode":"INVALID_CONTEXT",…`},
		{"get", "GET", "/on", ``, 405, `{"errorCode":"GENERAL","errorDetails":"evaluation is by POST","metadata":{}}`},
	} {
		t.Run(row.name, func(t *testing.T) {
			uri, whole := strings.CutPrefix(row.uri, "!")
			if !whole {
				uri = flagsPath + uri
			}
			ctx := call(h, row.method, uri, row.body)
			got := string(ctx.Response.Body())
			begin, cut := strings.CutSuffix(row.want, "…")
			if ctx.Response.StatusCode() != row.status || cut && !strings.HasPrefix(got, begin) || !cut && got != row.want {
				t.Errorf("%d %s; want %d %s", ctx.Response.StatusCode(), got, row.status, row.want)
			}
			if kind := string(ctx.Response.Header.ContentType()); kind != "application/json" || !json.Valid([]byte(got)) {
				t.Errorf("%s: %s; want JSON", kind, got)
			}
			if row.status >= 400 && (!strings.Contains(got, `"errorDetails":"`) || !strings.Contains(got, `"metadata":{}`) && !strings.Contains(got, `"metadata":{"set"`)) {
				t.Errorf("%s; want errorDetails and metadata, which some clients need", got)
			}
		})
	}
}

// A key is what its bytes say once they are decoded, whatever letters it has; SDKs encode more or less of it.
func TestKeysOfAllLetters(t *testing.T) {
	h := develop(t, `{"flags":{"grün/100 % ✓":{"state":"ENABLED","variants":{"it":1},"defaultVariant":"it"}}}`).evaluation()
	for _, path := range []string{"/grün/100 % ✓", "/gr%C3%BCn/100%20%25%20%E2%9C%93", "/gr%c3%bcn%2F100%20%%20%E2%9C%93"} {
		ctx := call(h, "POST", flagsPath+path, "")
		if got := string(ctx.Response.Body()); ctx.Response.StatusCode() != 200 || !strings.HasPrefix(got, `{"key":"grün/100 % ✓","value":1,`) {
			t.Errorf("%s: %d %s", path, ctx.Response.StatusCode(), got)
		}
	}
}

func TestOtherPathsAreNotFound(t *testing.T) {
	h := develop(t, shop).evaluation()
	for _, uri := range []string{"/", "/ofrep/v1/evaluate/flagsx", "/ofrep/v1/configuration", "*", "/status", "http://burgee", "://", "/x://ofrep"} {
		if ctx := call(h, "POST", uri, ""); ctx.Response.StatusCode() != 404 {
			t.Errorf("%s: %d; want 404", uri, ctx.Response.StatusCode())
		}
	}
}

func TestContractIsAnsweredWhereAskedFor(t *testing.T) {
	s := develop(t, shop)
	s.holder.options.AnswerContract = true
	s.bench.last = nil
	if err := s.bench.look(); err != nil {
		t.Fatal(err)
	}
	if got := string(call(s.evaluation(), "POST", flagsPath+"/on", "").Response.Body()); !strings.Contains(got, `"owner":"team"`) {
		t.Errorf("%s; want the owner", got)
	}
}

func TestWithoutFlags(t *testing.T) {
	r := newRig(t, bundletest.New(t), bundletest.NewSource())
	for uri, want := range map[string]string{
		flagsPath + "/on": `{"key":"on","errorCode":"GENERAL","errorDetails":"no verified flags yet","metadata":{}}`,
		flagsPath:         `{"errorCode":"GENERAL","errorDetails":"no verified flags yet","metadata":{}}`,
	} {
		ctx := call(r.answer, "POST", uri, "")
		if got := string(ctx.Response.Body()); ctx.Response.StatusCode() != 500 || got != want || len(ctx.Response.Header.Peek("Burgee-Revision")) > 0 {
			t.Errorf("%s: %d %s; want 500 %s and no revision", uri, ctx.Response.StatusCode(), got, want)
		}
	}
}

// An override acts with its head, even while the bundle of that head is refused, and answers keep the revision of their bundle.
func TestAnOverrideActsWithoutItsBundle(t *testing.T) {
	synctest.Test(t, actWithoutBundle)
}

func actWithoutBundle(t *testing.T) {
	maker, source := bundletest.New(t), bundletest.NewSource()
	r := newRig(t, maker, source)
	source.Publish(maker.Make(1, shop, 7))
	r.start(t)
	defer r.stop()
	time.Sleep(time.Minute)
	source.Publish(maker.Make(2, shop, 99, func(m *bundle.Manifest) {
		m.Overrides = []bundle.Override{{Flag: "on", Variant: "no", Author: "oncall"}, {Flag: "gone", Variant: "x"}}
	}))
	time.Sleep(time.Minute)
	ctx := call(r.answer, "POST", flagsPath+"/on", "")
	want := `{"key":"on","value":false,"reason":"DEFAULT","variant":"no","metadata":{"set":"shop","ticket":"T-1","burgee.override":true}}`
	if got := string(ageless(ctx.Response.Body())); got != want || string(ctx.Response.Header.Peek("Burgee-Revision")) != "1" {
		t.Errorf("%s at revision %s; want %s at 1", got, ctx.Response.Header.Peek("Burgee-Revision"), want)
	}
	st := r.Status(time.Now())
	if !st.Behind || st.Rejected == nil || st.Rejected.Reason != bundle.ReasonCount || st.Sync.HeadRevision != 2 || st.Active.Revision != 1 {
		t.Errorf("status %+v; want behind, head 2 refused for its count, 1 active", st)
	}
	if len(st.Overrides) != 2 || st.Overrides[0].Problem != "" || st.Overrides[1].Problem == "" {
		t.Errorf("overrides %+v; want the second one named as without effect", st.Overrides)
	}
}

func TestRequestsAreCounted(t *testing.T) {
	s := develop(t, shop)
	h := s.evaluation()
	for _, uri := range []string{"/on", "/on", "/off", "/gone", "/bad", ""} {
		call(h, "POST", flagsPath+uri, "")
	}
	call(h, "POST", flagsPath+"/on", "[")
	call(h, "GET", flagsPath+"/on", "")
	page := string(call(s.admin(), "GET", "/metrics", "").Response.Body())
	for _, want := range []string{
		`burgee_evaluations_total{flag="on",variant="yes"} 3`, `burgee_evaluations_total{flag="off",variant=""} 2`,
		`burgee_evaluations_total{flag="_unknown",variant=""} 1`, `burgee_answers_total{reason="STATIC"} 5`,
		`burgee_errors_total{code="FLAG_NOT_FOUND"} 1`, `burgee_errors_total{code="INVALID_CONTEXT"} 1`, `burgee_errors_total{code="GENERAL"} 2`,
		`burgee_bad_requests_total{status="405"} 1`, `burgee_request_seconds_count{call="single"} 6`, `burgee_request_seconds_count{call="bulk"} 1`,
		`burgee_flags 7`, `burgee_revision 1`, `burgee_freshness{state="fresh"} 1`,
	} {
		if !strings.Contains(page, want+"\n") {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// A flag may have the name of a label that stands for others.
func TestMetricsOutliveOddNames(t *testing.T) {
	s := develop(t, `{"flags":{"_unknown":{"state":"ENABLED","variants":{"":1},"defaultVariant":null},"_other":{"state":"ENABLED","variants":{"":1},"defaultVariant":null}}}`)
	h := s.evaluation()
	for _, key := range []string{"_unknown", "_other", "gone"} {
		call(h, "POST", flagsPath+"/"+key, "")
	}
	if ctx := call(s.admin(), "GET", "/metrics", ""); ctx.Response.StatusCode() != 200 {
		t.Errorf("/metrics: %d %s", ctx.Response.StatusCode(), ctx.Response.Body())
	}
}

func TestConfigIsChecked(t *testing.T) {
	maker, store := bundletest.New(t), bundletest.NewSource()
	good := Config{Source: store, Environment: "e", Trust: maker.Trust}
	for name, spoil := range map[string]func(*Config){
		"nothing to serve":         func(c *Config) { c.Source = nil },
		"two things to serve":      func(c *Config) { c.FlagsFile = "flags.json" },
		"no environment":           func(c *Config) { c.Environment = "" },
		"no trust":                 func(c *Config) { c.Trust = bundle.Trust{} },
		"stale between two polls":  func(c *Config) { c.Poll, c.StaleAfter = time.Hour, time.Second },
		"a poll before the last":   func(c *Config) { c.Poll = -1 },
		"a revision that is none":  func(c *Config) { c.MinRevision = -1 },
		"a wait that never began":  func(c *Config) { c.StartupWait = -1 },
		"stale before it was read": func(c *Config) { c.StaleAfter = -1 },
	} {
		c := good
		spoil(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s, err := New(good); err != nil || s.config.Listen != DefaultListen || s.config.StaleAfter != time.Minute {
		t.Errorf("config %+v, error %v; want the defaults", s, err)
	}
}

func TestStartupHoldsNoPodBackForEver(t *testing.T) {
	r := newRig(t, bundletest.New(t), bundletest.NewSource(), func(c *Config) { c.StartupWait = time.Minute })
	if r.mayStart(r.started) || r.mayStart(r.started.Add(59*time.Second)) || !r.mayStart(r.started.Add(time.Minute)) {
		t.Error("want a pod held back for a minute, and no longer")
	}
	r.config.StartupWait = 0
	if !r.mayStart(r.started) {
		t.Error("want no pod held back by a wait of 0")
	}
}

func TestAPanicIsAnErrorOfOneRequest(t *testing.T) {
	s := develop(t, shop)
	h := guard(s.meter, func(*fasthttp.RequestCtx) { panic("ours") })
	for range 2 {
		if ctx := call(h, "POST", flagsPath, ""); ctx.Response.StatusCode() != 500 {
			t.Errorf("a panic gave %d; want 500", ctx.Response.StatusCode())
		}
	}
	if n := s.meter.panics.Load(); n != 2 {
		t.Errorf("%d panics counted; want 2", n)
	}
}
