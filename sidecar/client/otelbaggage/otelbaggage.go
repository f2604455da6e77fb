// Package otelbaggage carries snapshots in W3C baggage, for applications that propagate OpenTelemetry's baggage from service to service
// already. Baggage travels wherever it is propagated to, the services of others included: see to it that it is not.
package otelbaggage

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/baggage"

	"github.com/burgeehq/burgee/sidecar/client"
)

// What baggage may hold at least wherever it passes (W3C Baggage, 3.3.2). A receiver drops what is beyond, and which members those are
// is chance.
const (
	maxMembers = 64
	maxBytes   = 8192
)

// ErrFull says that the baggage has no room for a snapshot. It goes on without, as it is.
var ErrFull = errors.New("no room for the snapshot in the baggage")

// Inject gives a context whose baggage names the context's snapshot and no other, for a propagator to write: a member that came from
// elsewhere is taken out, so that what was not trusted does not travel on. The context is good with an error too.
func Inject(ctx context.Context) (context.Context, error) {
	bag := baggage.FromContext(ctx)
	s, found := client.From(ctx)
	if !found && bag.Member(client.Key).Key() == "" {
		return ctx, nil
	}
	bag = bag.DeleteMember(client.Key)
	var err error
	if found {
		bag, err = add(bag, s)
	}
	return baggage.ContextWithBaggage(ctx, bag), err
}

func add(bag baggage.Baggage, s client.Snapshot) (baggage.Baggage, error) {
	member, err := baggage.NewMemberRaw(client.Key, s.String())
	if err != nil {
		return bag, fmt.Errorf("write the snapshot into the baggage: %w", err)
	}
	size := len(bag.String()) + len(",") + len(member.String())
	if bag.Len() >= maxMembers || size > maxBytes {
		return bag, fmt.Errorf("%w: it would be %d members (at most %d) of %d bytes (at most %d)", ErrFull, bag.Len()+1, maxMembers, size, maxBytes)
	}
	with, err := bag.SetMember(member)
	if err != nil {
		return bag, fmt.Errorf("write the snapshot into the baggage: %w", err)
	}
	return with, nil
}

// Extract gives a context with the snapshot that its baggage names, if it names one. Call it for what one's own services sent, and
// [client.Client.Enter] behind it.
func Extract(ctx context.Context) context.Context {
	if s := client.Parse(baggage.FromContext(ctx).Member(client.Key).Value()); !s.IsZero() {
		return client.With(ctx, s)
	}
	return ctx
}
