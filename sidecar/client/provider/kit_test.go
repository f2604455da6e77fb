package provider_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
	"github.com/burgeehq/burgee/sidecar/client/provider"
)

func TestMain(m *testing.M) { clienttest.Main(m) }

var silent = slog.New(slog.DiscardHandler)

// connect gives a client, and an OpenFeature client whose provider asks through it.
func connect(t testing.TB, socket string, timeout time.Duration) (*client.Client, *openfeature.Client) {
	t.Helper()
	c, err := client.New(client.Config{Socket: socket, Timeout: timeout, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(t.Context(), clienttest.Patience)
	defer cancel()
	if err := openfeature.SetNamedProviderWithContextAndWait(ctx, t.Name(), provider.New(c)); err != nil {
		t.Fatal(err)
	}
	return c, openfeature.NewClient(t.Name())
}

// asked is one evaluation of any type.
type asked struct {
	flag string
	code any // the default in the code, whose type is the flag's
}

// got is what an application sees of it.
type got struct {
	Value   any
	Variant string
	Reason  openfeature.Reason
	Code    openfeature.ErrorCode
}

// ask evaluates, and looks at what holds always: an error and its code come together, and with the code's default.
func ask(ctx context.Context, t testing.TB, flags *openfeature.Client, a asked, subject openfeature.EvaluationContext) (got, openfeature.EvaluationDetails) {
	t.Helper()
	var g got
	var d openfeature.EvaluationDetails
	var err error
	switch code := a.code.(type) {
	case bool:
		answer, e := flags.BooleanValueDetails(ctx, a.flag, code, subject)
		g.Value, d, err = answer.Value, answer.EvaluationDetails, e
	case string:
		answer, e := flags.StringValueDetails(ctx, a.flag, code, subject)
		g.Value, d, err = answer.Value, answer.EvaluationDetails, e
	case int64:
		answer, e := flags.IntValueDetails(ctx, a.flag, code, subject)
		g.Value, d, err = answer.Value, answer.EvaluationDetails, e
	case float64:
		answer, e := flags.FloatValueDetails(ctx, a.flag, code, subject)
		g.Value, d, err = answer.Value, answer.EvaluationDetails, e
	default:
		answer, e := flags.ObjectValueDetails(ctx, a.flag, code, subject)
		g.Value, d, err = answer.Value, answer.EvaluationDetails, e
	}
	g.Variant, g.Reason, g.Code = d.Variant, d.Reason, d.ErrorCode
	if (err != nil) != (g.Code != "") {
		t.Errorf("%s: error %v, code %q; want both or none", a.flag, err, g.Code)
	}
	return g, d
}
