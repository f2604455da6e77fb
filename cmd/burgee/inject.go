package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/cmd/internal/file"
	declaration "github.com/burgeehq/burgee/cmd/internal/settings"
	"github.com/burgeehq/burgee/sidecar/inject"
	"github.com/burgeehq/burgee/sidecar/webhook"
)

// injectWord begins the command line of the webhook.
const injectWord = "inject"

// injectSettings declares every flag of the webhook once; the variable of each is BURGEE_INJECT_ and its name in capitals.
type injectSettings struct {
	Config  string `help:"What is added to pods: injection.json of the chart." placeholder:"FILE" group:"Injection"`
	TlsCert string `help:"Certificate (PEM, with its chain) that the API server trusts; read again when it changes." placeholder:"FILE" group:"Injection"`
	TlsKey  string `help:"Its key (PEM)." placeholder:"FILE" group:"Injection"`

	Listen string `help:"TCP address to answer the API server on." default:":8443" group:"Listeners"`
	Admin  string `help:"TCP address for /metrics and probes; off for none." default:":8014" group:"Listeners"`

	LogLevel  string `help:"One of trace, debug, info, warn, error." enum:"trace,debug,info,warn,error" default:"info" group:"Logs"`
	LogFormat string `help:"One of text, json." enum:"text,json" default:"text" group:"Logs"`
}

const injectDescription = `The webhook that puts sidecars into pods: answers the reviews of Kubernetes' API
server at /inject with a patch, or with the reason why a pod gets none. The
chart sets it up.

    burgee inject --config /etc/burgee/injection.json \
      --tls-cert /etc/burgee/tls/tls.crt --tls-key /etc/burgee/tls/tls.key`

// runInject serves reviews until ctx ends, and gives the exit code.
func runInject(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	var s injectSettings
	_, stop, err := parseAny("burgee "+injectWord, injectDescription, declaration.Of("BURGEE_INJECT", &s), args, stdout)
	if stop {
		return exitGood
	}
	if err != nil {
		return report(stderr, injectHint(err), exitUsage)
	}
	log := loggerOf(s.LogLevel, s.LogFormat, stderr)
	config, err := s.config(log)
	if err != nil {
		return report(stderr, injectHint(err), exitUsage)
	}
	hook, err := webhook.New(config)
	if err != nil {
		return report(stderr, advice{err, "give --tls-cert and --tls-key the files of one pair, in PEM, such as a Secret of type kubernetes.io/tls has"}, exitUsage)
	}
	log.Info("starting", "version", version)
	if limit := boundMemory("/"); limit > 0 {
		log.Info("memory bounded by the control group's limit", "bytes", limit)
	}
	if err := hook.Run(ctx); err != nil {
		return report(stderr, advise(err), exitFailed)
	}
	log.Info("stopped")
	return exitGood
}

// injectHint adds the way to this program's own help, unless an error knows a better way out.
func injectHint(err error) error {
	if errors.As(err, new(advice)) {
		return err
	}
	return advice{err, "burgee inject --help shows every setting"}
}

// config turns settings into what a webhook wants, or says what is wrong with them.
func (s *injectSettings) config(log hclog.Logger) (webhook.Config, error) {
	c := webhook.Config{Certificate: s.TlsCert, Key: s.TlsKey, Listen: s.Listen, Admin: s.Admin, Version: version, Log: log}
	if c.Admin == "off" {
		c.Admin = ""
	}
	if err := s.check(); err != nil {
		return c, err
	}
	text, err := file.Read(s.Config, inject.MaxDefinition)
	if err != nil {
		return c, fmt.Errorf("--config: %w", err)
	}
	if c.Definition, err = inject.Parse(text); err != nil {
		return c, advice{fmt.Errorf("%s: %w", s.Config, err), "the chart makes this file, for a program of its own version: helm upgrade writes it anew"}
	}
	return c, nil
}

func (s *injectSettings) check() error {
	for _, given := range []struct{ name, value string }{{"config", s.Config}, {"tls-cert", s.TlsCert}, {"tls-key", s.TlsKey}} {
		if given.value == "" {
			return fmt.Errorf("--%s is not given", given.name)
		}
	}
	for _, given := range []struct{ name, value, example string }{{"listen", s.Listen, ":8443"}, {"admin", s.Admin, ":8014"}} {
		_, port, err := net.SplitHostPort(given.value)
		if given.name == "admin" && given.value == "off" {
			continue
		}
		if _, wrong := strconv.ParseUint(port, 10, 16); err != nil || wrong != nil {
			return fmt.Errorf("--%s %q is no address: want HOST:PORT or :PORT, such as %s", given.name, given.value, given.example)
		}
	}
	return nil
}
