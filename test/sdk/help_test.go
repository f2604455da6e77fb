package sdk

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/test/kit"
)

// wantPage wants a sidecar that is ready.
func wantPage(t *testing.T, burgee *kit.Sidecar) error {
	if code, body := burgee.Page(t, "/readyz"); code != http.StatusOK {
		return fmt.Errorf("/readyz says %d %s", code, body)
	}
	return nil
}

// pricing says why a German does not get that price.
func pricing(t *testing.T, client *openfeature.Client, want string) error {
	answer, err := ask(t, client, asked{"new_pricing", german, "code"})
	if err != nil || answer.Value != want {
		return fmt.Errorf("new_pricing is %+v, error %w; want %s", answer, err, want)
	}
	return nil
}

func wantPricing(t *testing.T, client *openfeature.Client, want string) {
	t.Helper()
	if err := pricing(t, client, want); err != nil {
		t.Error(err)
	}
}
