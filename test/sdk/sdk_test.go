// Package sdk asks a real sidecar with an OpenFeature SDK and its OFREP provider, both as their makers publish them.
package sdk

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/open-feature/go-sdk-contrib/providers/ofrep"
	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/test/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

const example = "../../examples/flags.json"

// connect gives an SDK client whose provider dials the socket. Nothing else about either is ours.
func connect(t *testing.T, socket string) *openfeature.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	provider := ofrep.NewProvider("http://burgee", ofrep.WithClient(&http.Client{Transport: transport, Timeout: 5 * time.Second}))
	ctx, cancel := context.WithTimeout(t.Context(), kit.Patience)
	defer cancel()
	if err := openfeature.SetNamedProviderWithContextAndWait(ctx, t.Name(), provider); err != nil {
		t.Fatal(err)
	}
	return openfeature.NewClient(t.Name())
}

// shopWithExample is a shop that has published the examples.
func shopWithExample(t *testing.T) *kit.Shop {
	t.Helper()
	document, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	shop := kit.New(t)
	shop.Publish(t, string(document))
	return shop
}

// start gives a sidecar on the examples that polls fast.
func start(t *testing.T, shop *kit.Shop) *kit.Sidecar {
	t.Helper()
	burgee := shop.Start(t, "--poll", "200ms")
	kit.Eventually(t, func() error { return wantPage(t, burgee) })
	return burgee
}

func about(key string, attributes map[string]any) openfeature.EvaluationContext {
	return openfeature.NewEvaluationContext(key, attributes)
}

// asked is one evaluation of any type.
type asked struct {
	flag    string
	subject openfeature.EvaluationContext
	code    any // the default in the code, whose type is the flag's
}

// got is what an application sees of it.
type got struct {
	Value   any
	Variant string
	Reason  openfeature.Reason
	Code    openfeature.ErrorCode
}

func ask(t *testing.T, client *openfeature.Client, a asked) (g got, err error) {
	t.Helper()
	var detail openfeature.EvaluationDetails
	switch fallback := a.code.(type) {
	case bool:
		answer, e := client.BooleanValueDetails(t.Context(), a.flag, fallback, a.subject)
		g.Value, detail, err = answer.Value, answer.EvaluationDetails, e
	case string:
		answer, e := client.StringValueDetails(t.Context(), a.flag, fallback, a.subject)
		g.Value, detail, err = answer.Value, answer.EvaluationDetails, e
	case int64:
		answer, e := client.IntValueDetails(t.Context(), a.flag, fallback, a.subject)
		g.Value, detail, err = answer.Value, answer.EvaluationDetails, e
	case float64:
		answer, e := client.FloatValueDetails(t.Context(), a.flag, fallback, a.subject)
		g.Value, detail, err = answer.Value, answer.EvaluationDetails, e
	default:
		answer, e := client.ObjectValueDetails(t.Context(), a.flag, fallback, a.subject)
		g.Value, detail, err = answer.Value, answer.EvaluationDetails, e
	}
	g.Variant, g.Reason, g.Code = detail.Variant, detail.Reason, detail.ErrorCode
	return g, err
}

var (
	nobody  = about("", nil)
	german  = about("u1", map[string]any{"country": "DE"})
	swede   = about("u1", map[string]any{"country": "SE"})
	staff   = about("u1", map[string]any{"email": "ana@shop.example", "app_version": "4.2.0"})
	old     = about("u1", map[string]any{"app_version": "4.1.9"})
	noModel = map[string]any{"model": "none"}
)

// answers are the flags of the examples as an application meets them. What an error gives is the code's own default, always.
var answers = []struct {
	name string
	asked
	want got
}{
	{"string, targeting matches", asked{"new_pricing", german, "code"}, got{"dynamic", "dynamic", openfeature.TargetingMatchReason, ""}},
	{"string, no rule matches", asked{"new_pricing", swede, "code"}, got{"legacy", "legacy", openfeature.DefaultReason, ""}},
	{"string, attribute missing", asked{"new_pricing", nobody, "code"}, got{"legacy", "legacy", openfeature.DefaultReason, ""}},
	{"bool, static", asked{"payments_enabled", nobody, false}, got{true, "on", openfeature.StaticReason, ""}},
	{"bool, reference", asked{"new_checkout", staff, false}, got{true, "on", openfeature.TargetingMatchReason, ""}},
	{"bool, version too old", asked{"new_checkout", old, true}, got{false, "off", openfeature.TargetingMatchReason, ""}},
	{"bool, list of attributes", asked{"bulk_export", about("u1", map[string]any{"plan": "business"}), false}, got{true, "allowed", openfeature.TargetingMatchReason, ""}},
	{"bool, bucketed by who it is, who is missing", asked{"new_checkout", nobody, true}, got{true, "", openfeature.ErrorReason, openfeature.TargetingKeyMissingCode}},
	{"int", asked{"search_timeout_ms", nobody, int64(1)}, got{int64(250), "normal", openfeature.StaticReason, ""}},
	{"int asked for as a float", asked{"search_timeout_ms", nobody, 0.5}, got{250.0, "normal", openfeature.StaticReason, ""}},
	{"disabled", asked{"banner_text", nobody, "code"}, got{"code", "", openfeature.DisabledReason, ""}},
	{"missing", asked{"no_such_flag", nobody, "code"}, got{"code", "", openfeature.ErrorReason, openfeature.FlagNotFoundCode}},
	{"missing, with a key that needs escapes", asked{"no/such flag?", nobody, true}, got{true, "", openfeature.ErrorReason, openfeature.FlagNotFoundCode}},
	{"another type than asked for", asked{"new_pricing", german, true}, got{true, "", openfeature.ErrorReason, openfeature.TypeMismatchCode}},
}

func TestAnswers(t *testing.T) {
	shop := shopWithExample(t)
	client := connect(t, start(t, shop).Socket)
	for _, row := range answers {
		t.Run(row.name, func(t *testing.T) {
			answer, err := ask(t, client, row.asked)
			if !reflect.DeepEqual(answer, row.want) || (err != nil) != (row.want.Code != "") {
				t.Errorf("got %+v, error %v; want %+v", answer, err, row.want)
			}
		})
	}
}

// A key reaches its flag however a path has to spell it.
func TestKeysThatNeedEscapes(t *testing.T) {
	keys := []string{"team/checkout", "two words", "what?", "schöner#1"}
	flags := map[string]any{}
	for _, key := range keys {
		flags[key] = map[string]any{
			"state": "ENABLED", "variants": map[string]any{"it": key}, "defaultVariant": "it",
			"metadata": map[string]any{"owner": "tests", "kind": "permission", "description": "Made by a test."},
		}
	}
	document, err := json.Marshal(map[string]any{"flags": flags})
	if err != nil {
		t.Fatal(err)
	}
	shop := kit.New(t)
	shop.Publish(t, string(document))
	client := connect(t, start(t, shop).Socket)
	for _, key := range keys {
		answer, err := ask(t, client, asked{key, nobody, "code"})
		if want := (got{key, "it", openfeature.StaticReason, ""}); answer != want || err != nil {
			t.Errorf("%q: got %+v, error %v; want %+v", key, answer, err, want)
		}
	}
}

// An experiment gives every user one of its objects, the same at every ask, and all of them to somebody.
func TestObjectsOfAnExperiment(t *testing.T) {
	shop := shopWithExample(t)
	client := connect(t, start(t, shop).Socket)
	var document struct {
		Flags map[string]struct{ Variants map[string]any }
	}
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	variants, seen := document.Flags["basket_ranking"].Variants, map[string]bool{}
	for i := range 100 {
		a := asked{"basket_ranking", about(string(rune('a'+i%26))+string(rune('a'+i/26)), nil), noModel}
		first, err := ask(t, client, a)
		again, errAgain := ask(t, client, a)
		if err != nil || errAgain != nil || !reflect.DeepEqual(first, again) {
			t.Fatalf("two answers for one user: %+v (%v) and %+v (%v)", first, err, again, errAgain)
		}
		if first.Reason != openfeature.TargetingMatchReason || !reflect.DeepEqual(first.Value, variants[first.Variant]) {
			t.Fatalf("got %+v; want the object of the variant: %v", first, variants[first.Variant])
		}
		seen[first.Variant] = true
	}
	if len(seen) != len(variants) {
		t.Errorf("100 users got the variants %v; want all of %v", seen, variants)
	}
}

// Contexts that no sidecar can read give the code's default, and an error that says whose fault it is.
func TestBrokenContexts(t *testing.T) {
	shop := shopWithExample(t)
	burgee := start(t, shop)
	client := connect(t, burgee.Socket)
	for _, row := range []struct {
		name       string
		attributes map[string]any
		code       openfeature.ErrorCode // only what reaches the sidecar can have one that says more
	}{
		{"cannot be written as JSON", map[string]any{"callback": func() {}}, openfeature.GeneralCode},
		{"nested too deep", map[string]any{"deep": nested(200)}, openfeature.InvalidContextCode},
		{"larger than a request may", map[string]any{"big": make([]string, 70_000)}, openfeature.GeneralCode},
	} {
		t.Run(row.name, func(t *testing.T) {
			answer, err := ask(t, client, asked{"new_pricing", about("u1", row.attributes), "code"})
			if want := (got{"code", "", openfeature.ErrorReason, row.code}); answer != want || err == nil {
				t.Errorf("got %+v, error %v; want %+v", answer, err, want)
			}
		})
	}
	if answer, err := ask(t, client, asked{"new_pricing", german, "code"}); err != nil || answer.Value != "dynamic" {
		t.Errorf("after broken contexts: got %+v, error %v; want dynamic", answer, err)
	}
}

func nested(depth int) any {
	var value any = "end"
	for range depth {
		value = []any{value}
	}
	return value
}

// One client, never made anew, through a change, the loss of the store, a restart without it, and a time without a sidecar at all.
func TestOneClientThroughItAll(t *testing.T) {
	shop := shopWithExample(t)
	burgee := start(t, shop)
	client := connect(t, burgee.Socket)
	wantPricing(t, client, "dynamic")

	if err := os.Rename(shop.Path("store"), shop.Path("away")); err != nil {
		t.Fatal(err)
	}
	burgee.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" })
	wantPricing(t, client, "dynamic")

	burgee.Stop(t)
	if answer, err := ask(t, client, asked{"new_pricing", german, "code"}); err == nil || answer.Value != "code" || answer.Code != openfeature.GeneralCode {
		t.Errorf("without a sidecar: got %+v, error %v; want the code's default and GENERAL", answer, err)
	}
	start(t, shop)
	wantPricing(t, client, "dynamic")

	if err := os.Rename(shop.Path("away"), shop.Path("store")); err != nil {
		t.Fatal(err)
	}
	shop.Publish(t, `{"flags":{"new_pricing":{"state":"ENABLED","variants":{"legacy":"legacy","dynamic":"dynamic"},"defaultVariant":"legacy",
		"metadata":{"owner":"tests","kind":"permission","description":"Made by a test."}}}}`, "--allow-shrink")
	kit.Eventually(t, func() error { return pricing(t, client, "legacy") })
}
