package provider_test

import (
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

func examples(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../../examples/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func about(key string, attributes map[string]any) openfeature.EvaluationContext {
	return openfeature.NewEvaluationContext(key, attributes)
}

// The flags of the examples, asked of a real sidecar, as an application meets them.
func TestAnswersOfASidecar(t *testing.T) {
	_, flags := connect(t, clienttest.Start(t, examples(t)).Socket, clienttest.Patience)
	nobody, german := about("", nil), about("u1", map[string]any{"country": "DE"})
	for _, row := range []struct {
		name string
		asked
		subject openfeature.EvaluationContext
		want    got
	}{
		{"string, targeting matches", asked{"new_pricing", "code"}, german, got{"dynamic", "dynamic", openfeature.TargetingMatchReason, ""}},
		{"string, no rule matches", asked{"new_pricing", "code"}, nobody, got{"legacy", "legacy", openfeature.DefaultReason, ""}},
		{"bool, static", asked{"payments_enabled", false}, nobody, got{true, "on", openfeature.StaticReason, ""}},
		{"bool, false", asked{"new_checkout", true}, about("u1", map[string]any{"app_version": "4.1.9"}), got{false, "off", openfeature.TargetingMatchReason, ""}},
		{"bool, without its subject", asked{"new_checkout", true}, nobody, got{true, "", openfeature.ErrorReason, openfeature.TargetingKeyMissingCode}},
		{"int", asked{"search_timeout_ms", int64(1)}, nobody, got{int64(250), "normal", openfeature.StaticReason, ""}},
		{"int asked for as a float", asked{"search_timeout_ms", 0.5}, nobody, got{250.0, "normal", openfeature.StaticReason, ""}},
		{"disabled", asked{"banner_text", "code"}, nobody, got{"code", "", openfeature.DisabledReason, ""}},
		{"missing", asked{"no_such_flag", "code"}, nobody, got{"code", "", openfeature.ErrorReason, openfeature.FlagNotFoundCode}},
		{"another type than asked for", asked{"new_pricing", true}, german, got{true, "", openfeature.ErrorReason, openfeature.TypeMismatchCode}},
		{"no key", asked{"", true}, nobody, got{true, "", openfeature.ErrorReason, openfeature.FlagNotFoundCode}},
		{"a context that is too deep", asked{"new_pricing", "code"}, about("u1", map[string]any{"deep": nested(200)}), got{"code", "", openfeature.ErrorReason, openfeature.InvalidContextCode}},
		{"a context that is too large", asked{"new_pricing", "code"}, about("u1", map[string]any{"big": strings.Repeat("x", 70_000)}), got{"code", "", openfeature.ErrorReason, openfeature.GeneralCode}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if g, _ := ask(t.Context(), t, flags, row.asked, row.subject); !reflect.DeepEqual(g, row.want) {
				t.Errorf("got %+v; want %+v", g, row.want)
			}
		})
	}
	ranking, _ := ask(t.Context(), t, flags, asked{"basket_ranking", map[string]any{}}, about("u1", nil))
	if object, is := ranking.Value.(map[string]any); !is || object["model"] == nil || ranking.Reason != openfeature.TargetingMatchReason {
		t.Errorf("an object is %+v; want one of basket_ranking's", ranking)
	}
	if _, d := ask(t.Context(), t, flags, asked{"new_pricing", "code"}, german); d.FlagMetadata["flagSetId"] != "shop" {
		t.Errorf("metadata is %v; want the flag set's", d.FlagMetadata)
	}
}

func nested(depth int) any {
	var value any = "end"
	for range depth {
		value = []any{value}
	}
	return value
}

// Keys reach their flags however a path has to spell them, and numbers keep every digit on the whole way.
func TestKeysAndNumbersOfASidecar(t *testing.T) {
	keys := []string{"team/checkout", "two words", "what?", "schöner#1", "50%", "a+b"}
	var document strings.Builder
	for _, key := range keys {
		document.WriteString(`"` + key + `":{"state":"ENABLED","variants":{"it":9223372036854775807},"defaultVariant":"it"},`)
	}
	_, flags := connect(t, clienttest.Start(t, `{"flags":{`+strings.TrimSuffix(document.String(), ",")+`}}`).Socket, clienttest.Patience)
	for _, key := range keys {
		g, _ := ask(t.Context(), t, flags, asked{key, int64(1)}, about("", nil))
		if want := (got{int64(9223372036854775807), "it", openfeature.StaticReason, ""}); g != want {
			t.Errorf("%q: got %+v; want %+v", key, g, want)
		}
	}
}

// A sidecar that was started anew costs no caller its value, though every kept connection has died.
func TestARestartOfTheSidecar(t *testing.T) {
	burgee := clienttest.Start(t, examples(t))
	_, flags := connect(t, burgee.Socket, clienttest.Patience)
	crowd := func() {
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				for range 20 {
					if g, _ := ask(t.Context(), t, flags, asked{"payments_enabled", false}, about("", nil)); g.Value != true {
						t.Errorf("got %+v; want true", g)
					}
				}
			})
		}
		callers.Wait()
	}
	crowd()
	burgee.Stop(t)
	if g, _ := ask(t.Context(), t, flags, asked{"payments_enabled", false}, about("", nil)); g.Value != false || g.Code != openfeature.GeneralCode {
		t.Errorf("without a sidecar: %+v; want the code's default", g)
	}
	burgee.Start(t)
	crowd()
}
