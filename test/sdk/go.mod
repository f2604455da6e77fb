// The OpenFeature SDK against a real sidecar: a module of its own, so that no client reaches the product's go.mod.
module github.com/burgeehq/burgee/test/sdk

go 1.26.0

require (
	github.com/burgeehq/burgee v0.0.0
	github.com/open-feature/go-sdk v1.20.0
	github.com/open-feature/go-sdk-contrib/providers/ofrep v0.1.7
)

require go.uber.org/mock v0.6.0 // indirect

replace github.com/burgeehq/burgee => ../..
