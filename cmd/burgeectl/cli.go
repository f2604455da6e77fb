package main

import "github.com/alecthomas/kong"

// cli declares every flag once. docs/burgeectl.md explains them.
type cli struct {
	Output  output           `help:"How results are printed: text or json." enum:"text,json" default:"text" env:"BURGEE_OUTPUT" placeholder:"FORM"`
	Version kong.VersionFlag `help:"Print the version and stop."`

	Keygen   keygen       `cmd:"" help:"Make a pair of signing keys."`
	Lint     linting      `cmd:"" help:"Check flags; no store is needed."`
	Diff     difference   `cmd:"" help:"Show what publishing flags would change."`
	Publish  publication  `cmd:"" help:"Check flags, and make them the next revision."`
	Kill     killing      `cmd:"" help:"Force a flag to its safe variant, at once."`
	Set      setting      `cmd:"" help:"Force a flag to a variant, for everyone or for a segment."`
	Restore  restoring    `cmd:"" help:"Lift a flag's overrides."`
	Rollback goingBack    `cmd:"" help:"Make the flags of an older revision the next one."`
	Renew    renewal      `cmd:"" help:"Make the store's flags valid for longer."`
	Resign   resigning    `cmd:"" help:"Make the store's flags a new revision under today's keys."`
	Show     show         `cmd:"" help:"Show a revision: the newest, or the one given."`
	History  chronicle    `cmd:"" help:"Show who changed what, when and why: all flags, or the one given."`
	Verify   verification `cmd:"" help:"Check everything that a store holds, back to its first revision."`
	Export   export       `cmd:"" help:"Write the newest revision into a folder, for burgee --bootstrap."`
	Eval     evaluation   `cmd:"" help:"Evaluate a flag offline."`
	Status   status       `cmd:"" help:"Show how one sidecar is."`

	Completion completion `cmd:"" help:"Print a script that lets a shell complete verbs, flags and values."`
}

// output is a form of results.
type output string

const inJSON output = "json"

const description = `Checks feature flags, publishes them to a store, and looks at what is published.

Settings are flags or BURGEE_ variables; flags win. Those of a verb stand after it, before or after its operands.

Exit codes: 0 good, 1 failed, 2 called wrongly, 3 refused (flags, guard, conflict or signature).`
