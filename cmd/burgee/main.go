// Command burgee is the sidecar: it serves an environment's flags to the applications beside it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	declaration "github.com/burgeehq/burgee/cmd/internal/settings"
	"github.com/burgeehq/burgee/cmd/internal/variable"
	"github.com/burgeehq/burgee/sidecar"
)

// version is set by the linker.
var version = "dev"

// Exit codes.
const (
	exitGood   = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	runtime.MemProfileRate = 0     // nothing reads the profile, and its table would be a twentieth of an idle sidecar
	signal.Ignore(syscall.SIGPIPE) // a reader of the log that goes away must not take the flags with it
	variable.DropEmpty("BURGEE_")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run serves until ctx ends, and gives the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	if len(args) > 0 && args[0] == injectWord {
		return runInject(ctx, args[1:], stdout, stderr)
	}
	var s settings
	stop, err := parse(&s, args, stdout)
	if stop {
		return exitGood
	}
	if err != nil {
		return report(stderr, err, exitUsage)
	}
	log := loggerOf(s.LogLevel, s.LogFormat, stderr)
	config, err := s.config(ctx, log)
	if err != nil {
		return report(stderr, err, exitUsage)
	}
	daemon, err := sidecar.New(config)
	if err != nil {
		return report(stderr, err, exitUsage)
	}
	log.Info("starting", "version", version)
	if limit := boundMemory("/"); limit > 0 {
		log.Info("memory bounded by the control group's limit", "bytes", limit)
	}
	if err := daemon.Run(ctx); err != nil {
		return report(stderr, advise(err), exitFailed)
	}
	log.Info("stopped")
	return exitGood
}

func report(stderr io.Writer, err error, code int) int {
	fmt.Fprintln(stderr, "burgee:", err)
	var advised advice
	if errors.As(err, &advised) {
		fmt.Fprintln(stderr, "hint:", advised.hint)
	} else if code == exitUsage {
		fmt.Fprintln(stderr, "hint: burgee --help shows every setting")
	}
	return code
}

// advise adds the way out of what only the system finds wrong.
func advise(err error) error {
	where, tcp := (*net.OpError)(nil), false
	if errors.As(err, &where) {
		tcp = where.Net == "tcp" // what is wrong with a socket names its own
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return advice{err, "something else listens there: stop it, or give another --listen or --admin (--admin off for none)"}
	case tcp && errors.Is(err, syscall.EADDRNOTAVAIL), tcp && errors.As(err, new(*net.DNSError)):
		return advice{err, "this machine has no such address: give --listen or --admin one that it has, such as 127.0.0.1"}
	case tcp && errors.Is(err, syscall.EACCES):
		return advice{err, "this user may not listen on that port: give --listen or --admin one of 1024 or more"}
	}
	return err
}

// advice is an error with the way out.
type advice struct {
	error
	hint string
}

func (a advice) Unwrap() error { return a.error }

// parse fills the settings from arguments and environment. It tells to stop where all that was asked for is help or the version.
func parse(s *settings, args []string, stdout io.Writer) (stop bool, err error) {
	asked, stop, err := parseAny("burgee", description, declaration.Of("BURGEE", s), args, stdout)
	if !stop && err == nil {
		s.preferFlags(asked.Typed)
	}
	return stop, err
}

// parseAny is parse for either program.
func parseAny(program, about string, all []declaration.Setting, args []string, stdout io.Writer) (asked declaration.Asked, stop bool, err error) {
	asked, err = declaration.Parse(all, args, os.LookupEnv)
	switch {
	case err != nil:
		return asked, false, err
	case asked.Help:
		return asked, true, declaration.Help(stdout, program, about, all)
	case asked.Version:
		_, err := fmt.Fprintln(stdout, version)
		return asked, true, err
	}
	return asked, false, nil
}

const description = `The feature-flag sidecar: pulls an environment's signed flags from a store,
keeps them on disk, and answers OpenFeature clients (OFREP) over a Unix socket
and loopback TCP, whatever happens to the store.

To try it:

    burgee --flags flags.json

In a pod:

    burgee --store s3://bucket/shop/prod --environment shop/prod \
      --trust-key prod.pub --state-dir /var/lib/burgee \
      --socket /run/burgee/burgee.sock

"burgee inject" is another program: the webhook that puts sidecars into pods.
See burgee inject --help.`
