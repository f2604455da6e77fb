package otelbaggage_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/otelbaggage"
)

var (
	ours   = "u1.7." + strings.Repeat("ab", 32)
	theirs = "r1." + strings.Repeat("Z_-9", 32)
)

// wire carries a context to another process, as OpenTelemetry's propagator does.
func wire(ctx context.Context) (context.Context, string) {
	header := http.Header{}
	propagation.Baggage{}.Inject(ctx, propagation.HeaderCarrier(header))
	return propagation.Baggage{}.Extract(context.Background(), propagation.HeaderCarrier(header)), header.Get("baggage")
}

func TestBaggageCarriesASnapshot(t *testing.T) {
	want := client.Parse(ours + "~" + theirs)
	ctx, err := otelbaggage.Inject(client.With(with(t, "user=7"), want))
	if err != nil {
		t.Fatal(err)
	}
	arrived, header := wire(ctx)
	if !strings.Contains(header, "burgee-snapshot="+ours+"~"+theirs) || !strings.Contains(header, "user=7") {
		t.Errorf("baggage: %s; want the tokens as they are, beside what was there", header)
	}
	if got, _ := client.From(otelbaggage.Extract(arrived)); got != want {
		t.Errorf("%q arrived; want %q", got, want)
	}
}

// What came along unasked does not travel on.
func TestInjectTakesOutWhatIsNotTheContexts(t *testing.T) {
	for _, row := range []struct {
		name string
		ctx  context.Context
		want string
	}{
		{"no snapshot", with(t, "user=7,burgee-snapshot="+theirs), ""},
		{"another one", client.With(with(t, "user=7,burgee-snapshot="+theirs), client.Parse(ours)), ours},
		{"nothing at all", with(t, "user=7"), ""},
	} {
		ctx, err := otelbaggage.Inject(row.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if got := baggage.FromContext(ctx).Member(client.Key).Value(); got != row.want {
			t.Errorf("%s: %q travels on; want %q", row.name, got, row.want)
		}
		if got := baggage.FromContext(ctx).Member("user").Value(); got != "7" {
			t.Errorf("%s: user is %q; want 7", row.name, got)
		}
	}
}

// Baggage that is full goes on without: beyond its bounds a receiver would drop members by chance, an application's own among them.
func TestFullBaggage(t *testing.T) {
	var many []string
	for i := range 64 {
		many = append(many, fmt.Sprintf("m%d=x", i))
	}
	for name, row := range map[string]struct {
		members string
		full    bool
	}{
		"64 members":                {strings.Join(many, ","), true},
		"63 members":                {strings.Join(many[1:], ","), false},
		"one byte too many":         {"a=" + strings.Repeat("x", 8192-2-1-len("burgee-snapshot=")-len(ours)+1), true},
		"as long as it may be":      {"a=" + strings.Repeat("x", 8192-2-1-len("burgee-snapshot=")-len(ours)), false},
		"room that a foreign took":  {"burgee-snapshot=" + theirs + ",a=" + strings.Repeat("x", 7900), false},
		"full beside a foreign one": {"burgee-snapshot=x,a=" + strings.Repeat("x", 8150), true},
	} {
		ctx, err := otelbaggage.Inject(client.With(with(t, row.members), client.Parse(ours)))
		if errors.Is(err, otelbaggage.ErrFull) != row.full || !row.full && err != nil {
			t.Errorf("%s: error %v; want ErrFull: %t", name, err, row.full)
		}
		arrived, header := wire(ctx)
		got, _ := client.From(otelbaggage.Extract(arrived))
		if want := map[bool]string{false: ours, true: ""}[row.full]; got.String() != want || len(header) > 8192 {
			t.Errorf("%s: %q arrived in %d bytes; want %q", name, got, len(header), want)
		}
	}
}

func TestExtractOfWhatIsNone(t *testing.T) {
	for _, bag := range []string{"user=7", "burgee-snapshot=", "burgee-snapshot=%21%21"} {
		if got, _ := client.From(otelbaggage.Extract(client.With(with(t, bag), client.Parse(ours)))); got.String() != ours {
			t.Errorf("%s: left %q; want what was there", bag, got)
		}
	}
}

func with(t *testing.T, members string) context.Context {
	t.Helper()
	bag, err := baggage.Parse(members)
	if err != nil {
		t.Fatal(err)
	}
	return baggage.ContextWithBaggage(t.Context(), bag)
}
