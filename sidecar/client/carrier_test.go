package client_test

import (
	"net/http"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
)

func TestMessages(t *testing.T) {
	for name, carrier := range map[string]client.Carrier{"a map": client.Map{}, "a header": http.Header{}} {
		client.Inject(t.Context(), carrier)
		if got := carrier.Get(client.Key); got != "" {
			t.Errorf("%s: without a snapshot %q was written", name, got)
		}
		ctx := carrying(t, ours, theirs)
		client.Inject(ctx, carrier)
		want, _ := client.From(ctx)
		if got, found := client.From(client.Extract(t.Context(), carrier)); !found || got != want {
			t.Errorf("%s: %q arrived; want %q", name, got, want)
		}
	}
	if http.CanonicalHeaderKey(client.Key) != client.Header {
		t.Errorf("%s and %s are not the same to HTTP", client.Key, client.Header)
	}
}

func TestMessagesOfOthers(t *testing.T) {
	ctx := carrying(t, ours)
	if got, _ := client.From(client.Extract(ctx, client.Map{"burgee-snapshot": "not a token"})); got.String() != ours {
		t.Errorf("what is malformed left %q; want what was there", got)
	}
	if got, _ := client.From(client.Extract(ctx, client.Map{"Burgee-Snapshot": theirs})); got.String() != theirs {
		t.Errorf("a key in other letters gives %q; want %q", got, theirs)
	}
}
