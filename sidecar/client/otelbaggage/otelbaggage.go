// Package otelbaggage carries snapshots in W3C baggage, for applications that propagate OpenTelemetry's baggage from service to service
// already. Baggage travels wherever it is propagated to, the services of others included: see to it that it is not.
package otelbaggage

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/baggage"

	"github.com/burgeehq/burgee/sidecar/client"
)

// Inject gives a context whose baggage names the context's snapshot, for a propagator to write. Where the context has no snapshot, a
// member that came from elsewhere is taken out, so that what was not trusted does not travel on. An error leaves the context as it was:
// the baggage has no room, and goes on without.
func Inject(ctx context.Context) (context.Context, error) {
	bag := baggage.FromContext(ctx)
	s, found := client.From(ctx)
	if !found {
		if bag.Member(client.Key).Key() == "" {
			return ctx, nil
		}
		return baggage.ContextWithBaggage(ctx, bag.DeleteMember(client.Key)), nil
	}
	member, err := baggage.NewMemberRaw(client.Key, s.String())
	if err != nil {
		return ctx, fmt.Errorf("write the snapshot into baggage: %w", err)
	}
	bag, err = bag.SetMember(member)
	if err != nil {
		return ctx, fmt.Errorf("write the snapshot into baggage: %w", err)
	}
	return baggage.ContextWithBaggage(ctx, bag), nil
}

// Extract gives a context with the snapshot that its baggage names, if it names one. Call it for what one's own services sent, and
// [client.Client.Enter] behind it.
func Extract(ctx context.Context) context.Context {
	if s := client.Parse(baggage.FromContext(ctx).Member(client.Key).Value()); !s.IsZero() {
		return client.With(ctx, s)
	}
	return ctx
}
