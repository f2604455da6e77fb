// The schema for editors against a JSON Schema library and the linter: a module of its own, so that the library does not reach the product's go.mod.
module github.com/burgeehq/burgee/test/schema

go 1.26.0

require (
	github.com/burgeehq/burgee v0.0.0
	github.com/santhosh-tekuri/jsonschema/v6 v6.0.3
)

require (
	github.com/cespare/xxhash/v2 v2.3.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	github.com/twmb/murmur3 v1.2.2 // indirect
	golang.org/x/mod v0.42.0 // indirect
	golang.org/x/text v0.14.0 // indirect
)

replace github.com/burgeehq/burgee => ../..
