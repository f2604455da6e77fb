package provider_test

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

// defaults are a code's defaults of every type.
var defaults = []any{true, "code", int64(42), 0.5, map[string]any{"from": "code"}}

// Whatever goes wrong, the application gets its own default, and is told.
func TestEveryFailureGivesTheCodesDefault(t *testing.T) {
	general := openfeature.GeneralCode
	answer := func(status int, body string) func(testing.TB) string {
		return func(t testing.TB) string { return clienttest.Answer(t, status, body) }
	}
	for _, row := range []struct {
		name    string
		at      func(testing.TB) string
		timeout time.Duration
		code    openfeature.ErrorCode
	}{
		{"nobody", func(t testing.TB) string { return filepath.Join(clienttest.Folder(t), "s") }, 0, general},
		{"a hang", func(t testing.TB) string {
			return clienttest.Connect(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		}, 20 * time.Millisecond, general},
		{"half an answer", func(t testing.TB) string {
			return clienttest.Connect(t, func(c net.Conn) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"key\":\"f\",\"value\":")
				_ = c.(*net.UnixConn).CloseWrite()
				_, _ = io.Copy(io.Discard, c)
			})
		}, 0, general},
		{"garbage", answer(200, "\x00\x01"), 0, general},
		{"an answer cut short", answer(200, `{"key":"f","value":tru`), 0, general},
		{"another flag's", answer(200, `{"key":"g","value":true}`), 0, general},
		{"too long", answer(200, `{"key":"f","value":"`+strings.Repeat("x", 2<<20)+`"}`), 0, general},
		{"null", answer(200, `{"key":"f","value":null,"variant":"v","reason":"STATIC"}`), 0, openfeature.TypeMismatchCode},
		{"a proxy's page", answer(502, "<html>Bad Gateway</html>"), 0, general},
		{"full", answer(503, `{"errorCode":"GENERAL","errorDetails":"full","metadata":{}}`), 0, general},
		{"not found", answer(404, `{"key":"f","errorCode":"FLAG_NOT_FOUND","errorDetails":"no"}`), 0, openfeature.FlagNotFoundCode},
		{"parse error", answer(400, `{"key":"f","errorCode":"PARSE_ERROR","errorDetails":"no"}`), 0, openfeature.ParseErrorCode},
		{"no subject", answer(400, `{"key":"f","errorCode":"TARGETING_KEY_MISSING","errorDetails":"no"}`), 0, openfeature.TargetingKeyMissingCode},
		{"bad context", answer(400, `{"key":"f","errorCode":"INVALID_CONTEXT","errorDetails":"no"}`), 0, openfeature.InvalidContextCode},
		{"a code of its own", answer(400, `{"key":"f","errorCode":"BURGEE_TIRED","errorDetails":"no"}`), 0, general},
		{"an error with a value", answer(200, `{"key":"f","errorCode":"GENERAL","errorDetails":"no","value":false,"variant":"v"}`), 0, general},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, flags := connect(t, row.at(t), cmp.Or(row.timeout, clienttest.Patience))
			for _, code := range defaults {
				g, d := ask(t.Context(), t, flags, asked{"f", code}, openfeature.EvaluationContext{})
				if want := (got{code, "", openfeature.ErrorReason, row.code}); !reflect.DeepEqual(g, want) {
					t.Errorf("got %+v; want %+v", g, want)
				}
				if d.ErrorMessage == "" {
					t.Error("the error has no words")
				}
			}
		})
	}
}

func TestAContextThatIsNoJSON(t *testing.T) {
	_, flags := connect(t, filepath.Join(clienttest.Folder(t), "s"), 0)
	subject := openfeature.NewEvaluationContext("u1", map[string]any{"callback": func() {}})
	g, _ := ask(t.Context(), t, flags, asked{"f", "code"}, subject)
	if want := (got{"code", "", openfeature.ErrorReason, openfeature.InvalidContextCode}); g != want {
		t.Errorf("got %+v; want %+v", g, want)
	}
}

// Types are the client's to know: a value is given as asked for, exactly, or not at all.
func TestTypes(t *testing.T) {
	object := map[string]any{"from": "code"}
	for _, row := range []struct {
		value string
		code  any
		want  any // nil: TYPE_MISMATCH
	}{
		{`true`, false, true},
		{`false`, true, false},
		{`"true"`, false, nil},
		{`1`, false, nil},
		{`"ü\u00e4\n"`, "code", "üä\n"},
		{`""`, "code", ""},
		{`1`, "code", nil},
		{`{}`, "code", nil},
		{`250`, int64(1), int64(250)},
		{`-7`, int64(1), int64(-7)},
		{`9007199254740993`, int64(1), int64(9007199254740993)},
		{`9223372036854775807`, int64(1), int64(9223372036854775807)},
		{`-9223372036854775808`, int64(1), int64(-9223372036854775808)},
		{`9223372036854775808`, int64(1), nil},
		{`250.0`, int64(1), int64(250)},
		{`2.5e2`, int64(1), int64(250)},
		{`9007199254740993.0`, int64(1), nil},
		{`1e400`, int64(1), nil},
		{`0.5`, int64(1), nil},
		{`"7"`, int64(1), nil},
		{`true`, int64(1), nil},
		{`1`, 0.5, 1.0},
		{`1.0`, 0.5, 1.0},
		{`-2.5e-3`, 0.5, -0.0025},
		{`1e400`, 0.5, nil},
		{`"1.5"`, 0.5, nil},
		{
			`{"weight":0.75,"n":3,"list":[1,"a",null,{"deep":true}]}`, object,
			map[string]any{"weight": 0.75, "n": 3.0, "list": []any{1.0, "a", nil, map[string]any{"deep": true}}},
		},
		{`{"id":9007199254740993}`, object, map[string]any{"id": int64(9007199254740993)}},
		{`[1,2]`, object, []any{1.0, 2.0}},
		{`{}`, object, map[string]any{}},
		{`"text"`, object, nil},
		{`7`, object, nil},
	} {
		t.Run(fmt.Sprintf("%s as %T", row.value, row.code), func(t *testing.T) {
			socket := clienttest.Answer(t, 200, fmt.Sprintf(`{"key":"f","value":%s,"variant":"v","reason":"STATIC","metadata":{}}`, row.value))
			_, flags := connect(t, socket, clienttest.Patience)
			want := got{row.want, "v", openfeature.StaticReason, ""}
			if row.want == nil {
				want = got{row.code, "", openfeature.ErrorReason, openfeature.TypeMismatchCode}
			}
			if g, _ := ask(t.Context(), t, flags, asked{"f", row.code}, openfeature.EvaluationContext{}); !reflect.DeepEqual(g, want) {
				t.Errorf("got %#v; want %#v", g, want)
			}
		})
	}
}

// What the sidecar says beside the value reaches the application, with errors too.
func TestMetadata(t *testing.T) {
	const metadata = `"metadata":{"owner":"shop","burgee.pin":"missed","burgee.override":true,"id":9007199254740993,"weight":0.5}`
	for _, body := range []string{
		`{"key":"f","value":true,"variant":"v","reason":"STATIC",` + metadata + `}`,
		`{"key":"f","errorCode":"PARSE_ERROR","errorDetails":"broken",` + metadata + `}`,
		`{"key":"f","reason":"DEFAULT",` + metadata + `}`,
		`{"key":"f","value":"of another type","variant":"v","reason":"STATIC",` + metadata + `}`,
	} {
		_, flags := connect(t, clienttest.Answer(t, 200, body), clienttest.Patience)
		_, d := ask(t.Context(), t, flags, asked{"f", false}, openfeature.EvaluationContext{})
		pin, errPin := d.FlagMetadata.GetString("burgee.pin")
		override, errOverride := d.FlagMetadata.GetBool("burgee.override")
		id, errID := d.FlagMetadata.GetInt("id")
		weight, errWeight := d.FlagMetadata.GetFloat("weight")
		if pin != "missed" || !override || id != 9007199254740993 || weight != 0.5 {
			t.Errorf("%s: metadata is %v; %v, %v, %v, %v", body, d.FlagMetadata, errPin, errOverride, errID, errWeight)
		}
	}
}

// Where the flag leaves the value to the code, that is no error.
func TestTheCodesDefaultByDesign(t *testing.T) {
	for body, reason := range map[string]openfeature.Reason{
		`{"key":"f","reason":"DISABLED","metadata":{}}`: openfeature.DisabledReason,
		`{"key":"f","reason":"DEFAULT","metadata":{}}`:  openfeature.DefaultReason,
		`{"key":"f"}`: openfeature.UnknownReason,
	} {
		_, flags := connect(t, clienttest.Answer(t, 200, body), clienttest.Patience)
		for _, code := range defaults {
			g, _ := ask(t.Context(), t, flags, asked{"f", code}, openfeature.EvaluationContext{})
			if want := (got{code, "", reason, ""}); !reflect.DeepEqual(g, want) {
				t.Errorf("%s: got %+v; want %+v", body, g, want)
			}
		}
	}
}
