package main

import (
	"fmt"

	"github.com/alecthomas/kong"
)

// exampled is a verb whose help ends with commands to begin from. They are whole command lines, as somebody types them into a shell.
type exampled interface{ examples() []string }

// printHelp adds a verb's examples to what kong makes of its flags.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if err := kong.DefaultHelpPrinter(options, ctx); err != nil {
		return err
	}
	lines := examplesOf(ctx.Selected())
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(ctx.Stdout, "\nExamples:")
	for _, line := range lines {
		fmt.Fprintln(ctx.Stdout, " ", line)
	}
	return nil
}

// examplesOf gives none where no verb was named.
func examplesOf(verb *kong.Node) []string {
	if verb == nil || !verb.Target.CanAddr() {
		return nil
	}
	if own, ok := verb.Target.Addr().Interface().(exampled); ok {
		return own.examples()
	}
	return nil
}
