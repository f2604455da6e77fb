// Package eval turns a flagd flag-definition document into answers.
//
// A document goes one way: Parse reads it strictly and within limits, Compile
// makes a Ruleset of it, a Flag of the Ruleset evaluates a Context to an Answer.
// Rules become typed programs once, at compile; every answer that can be known
// beforehand is rendered then too, so that evaluation hands out shared bytes.
//
// The package does no I/O, has no clock of its own and starts no goroutine.
// Semantics are flagd's, in its own dialect of JSONLogic, except where
// testdata/conformance/README.md says otherwise.
package eval
