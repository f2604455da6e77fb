package provider_test

import (
	"context"
	"fmt"
	"log"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/provider"
)

// Without a sidecar an application has its own defaults, at once.
func ExampleNew() {
	burgee, err := client.New(client.Config{Socket: "/nowhere/burgee.sock"})
	if err != nil {
		log.Fatal(err)
	}
	if err := openfeature.SetNamedProviderWithContextAndWait(context.Background(), "example", provider.New(burgee)); err != nil {
		log.Fatal(err)
	}
	flags := openfeature.NewClient("example")
	fmt.Println(flags.String(context.Background(), "new_pricing", "legacy", openfeature.NewEvaluationContext("u1", nil)))
	// Output: legacy
}
