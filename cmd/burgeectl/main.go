// Command burgeectl checks flags, publishes them, and looks at what is published. Each verb has a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/burgeehq/burgee/cmd/internal/variable"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

// version is set by the linker.
var version = "dev"

// world is what a verb may touch besides files and stores. A test gives its own.
type world struct {
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time
	open           func(ctx context.Context, url string, opts store.Options) (object.Store, error)
}

func main() {
	os.Exit(interruptible(os.Args[1:], &world{os.Stdout, os.Stderr, os.Getenv, time.Now, store.Open}))
}

// interruptible is run with an end that a signal sets. A second one ends the process at once.
func interruptible(args []string, w *world) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return run(ctx, args, w)
}

// run does what the arguments ask for, and gives the exit code.
func run(ctx context.Context, args []string, w *world) int {
	var c cli
	seen, finish := w.painted()
	defer finish()
	verb, err := parse(&c, args, w)
	if err != nil {
		return report(seen.stderr, usage(err))
	}
	if verb == nil {
		return exitGood
	}
	verb.BindTo(ctx, (*context.Context)(nil))
	return report(seen.stderr, verb.Run(seen, c.Output))
}

// painted is the same world with styles on whatever is a terminal. The function comes last.
func (w *world) painted() (seen *world, finish func()) {
	same := *w
	out, outEnds := painted(w.stdout, w.getenv)
	problems, problemsEnd := painted(w.stderr, w.getenv)
	same.stdout, same.stderr = out, problems
	return &same, func() { outEnds(); problemsEnd() }
}

// report prints an error and its way out, and gives the exit code.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return exitGood
	}
	if own := (interface{ print(out io.Writer) })(nil); errors.As(err, &own) {
		own.print(stderr) // what it found, one by one
	}
	code, hint := advise(err)
	for i, one := range joined(err) {
		text := one.Error()
		if i == 0 {
			text = "burgeectl: " + text
		}
		fmt.Fprintln(stderr, oneLine(text))
	}
	if hint != "" {
		fmt.Fprintln(stderr, "hint:", oneLine(hint))
	}
	return code
}

// joined takes apart what errors.Join put together, so that each error has a line. It never cuts a text: what a store or a file wrote into
// one may hold line breaks of its own.
func joined(err error) []error {
	several, ok := err.(interface{ Unwrap() []error }) // those further down are parts of one text
	if !ok {
		return []error{err}
	}
	var all []error
	var texts []string
	for _, one := range several.Unwrap() {
		all, texts = append(all, joined(one)...), append(texts, one.Error())
	}
	if strings.Join(texts, "\n") != err.Error() {
		return []error{err} // it has a text of its own
	}
	return all
}

// parse reads arguments and environment. The verb is nil where all that was asked for is help or the version.
func parse(c *cli, args []string, w *world) (verb *kong.Context, err error) {
	stop := false
	if len(args) > 0 && args[0] == "help" {
		args = append(slices.Clone(args[1:]), "--help")
	}
	variable.DropEmpty("BURGEE_")
	parser, err := kong.New(c, kong.Name("burgeectl"), kong.Description(description), kong.Vars{"version": version}, kong.Help(printHelp),
		kong.Writers(w.stdout, w.stdout), kong.Exit(func(int) { stop = true }))
	if err != nil {
		return nil, err
	}
	if len(args) > 0 && args[0] == completing {
		complete(w.stdout, parser.Model, args[1:])
		return nil, nil
	}
	if verb, err = parser.Parse(withTexts(args)); stop {
		return nil, nil
	}
	return verb, err
}

// withTexts joins a PEM text to the flag before it: kong would take the text for a flag of its own, and print it.
func withTexts(args []string) []string {
	var all []string
	for _, arg := range args {
		if last := len(all) - 1; last >= 0 && all[last] == "--trust-key" && strings.HasPrefix(strings.TrimSpace(arg), "-----BEGIN") {
			all[last] += "=" + arg
			continue
		}
		all = append(all, arg)
	}
	return all
}
