package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sidecar"
	"github.com/burgeehq/burgee/sync/store"
)

// settings declares every flag once; the environment variable of each is BURGEE_ and its name in capitals. docs/operations.md
// explains them, and a test holds the two together.
type settings struct {
	Store       string `help:"Where the flags are: s3://bucket/prefix or file:///folder." placeholder:"URL" group:"Flags"`
	Environment string `help:"The environment whose flags these must be, such as shop/prod." placeholder:"NAME" group:"Flags"`
	Flags       string `help:"Serve this flag file (JSON or YAML) instead of a store, read again whenever it changes. For development." placeholder:"FILE" group:"Flags"`
	S3PathStyle bool   `help:"Address buckets by path, as many S3 servers beside AWS want it." group:"Flags"`

	TrustKey       []string `help:"Public key (PEM) that flags must be signed with, as a file or as its text; repeatable." placeholder:"FILE" group:"Trust"`
	TrustThreshold int      `help:"How many distinct trust keys must have signed." default:"1" group:"Trust"`
	AllowUnsigned  bool     `help:"Take flags without a signature: checksums alone are checked." group:"Trust"`
	MinRevision    int64    `help:"Take no flags below this revision." default:"0" group:"Trust"`

	StateDir  string `help:"Folder to keep the last known good flags in; without it a restart needs the store." placeholder:"DIR" group:"State"`
	Bootstrap string `help:"Folder with a manifest and its bundle to start from while there is nothing better." placeholder:"DIR" group:"State"`

	Socket      string        `help:"Unix socket to answer evaluations on." placeholder:"PATH" group:"Listeners"`
	SocketMode  fileMode      `help:"Who may connect to the socket, as an octal file mode." default:"0660" group:"Listeners"`
	Listen      string        `help:"TCP address to answer evaluations on; 127.0.0.1:8016 where no socket is given." placeholder:"ADDR" group:"Listeners"`
	Admin       string        `help:"TCP address for /status, /metrics and probes; off for none." default:"127.0.0.1:8014" group:"Listeners"`
	StartupWait time.Duration `help:"How long /startupz holds back a pod that has no flags." default:"10s" group:"Listeners"`

	Poll           time.Duration `help:"How often the store is asked." default:"15s" group:"Pace"`
	StaleAfter     time.Duration `help:"When flags that the store did not confirm count as stale; 4 polls by default." placeholder:"DURATION" group:"Pace"`
	AnswerContract bool          `help:"Answer with the contract's metadata too, such as owner and kind." group:"Pace"`

	Retain    int           `help:"How many distinct bundles requests can be pinned to, that which is served included." default:"16" group:"Pins"`
	PinMaxAge time.Duration `help:"How long requests may be pinned to a revision that another one replaced." default:"15m" group:"Pins"`
	PinWait   time.Duration `help:"How long a request waits whose pin is ahead of this sidecar, while the store is asked; 0 for not at all." default:"100ms" group:"Pins"`

	LogLevel  string `help:"One of trace, debug, info, warn, error." enum:"trace,debug,info,warn,error" default:"info" group:"Logs"`
	LogFormat string `help:"One of text, json." enum:"text,json" default:"text" group:"Logs"`
}

// maxRetain bounds what one sidecar may be told to hold; memory bounds it before.
const maxRetain = 64

// fileMode is written in octal, as chmod takes it.
type fileMode os.FileMode

func (m *fileMode) UnmarshalText(text []byte) error {
	bits, err := strconv.ParseUint(string(text), 8, 32)
	if err != nil || bits == 0 || bits > 0o777 {
		return fmt.Errorf("%q is no file mode; want octal digits such as 0660", text)
	}
	*m = fileMode(bits)
	return nil
}

// loggerOf writes what a program has to say, by the two settings that both have.
func loggerOf(level, format string, out io.Writer) hclog.Logger {
	return hclog.New(&hclog.LoggerOptions{Name: "burgee", Level: hclog.LevelFromString(level), JSONFormat: format == "json", Output: out})
}

// config turns settings into what a sidecar wants, or says what is wrong with them and the way out.
func (s *settings) config(ctx context.Context, log hclog.Logger) (sidecar.Config, error) {
	c := sidecar.Config{
		FlagsFile: s.Flags, Environment: s.Environment, MinRevision: s.MinRevision, StateDir: s.StateDir, Bootstrap: s.Bootstrap,
		Socket: s.Socket, SocketMode: os.FileMode(s.SocketMode), Listen: s.Listen, Admin: s.Admin, StartupWait: s.StartupWait,
		Poll: s.Poll, StaleAfter: s.StaleAfter, Retain: s.Retain, PinMaxAge: s.PinMaxAge, PinWait: s.PinWait, AnswerContract: s.AnswerContract, Version: version, Log: log,
	}
	if c.PinWait == 0 {
		c.PinWait = -1 // not at all
	}
	if c.Admin == "off" {
		c.Admin = ""
	}
	if err := s.check(); err != nil {
		return c, err
	}
	if s.Flags != "" {
		return c, nil
	}
	var err error
	if c.Trust, err = keys.Trust(s.TrustKey, s.TrustThreshold, s.AllowUnsigned); err != nil {
		return c, err
	}
	opened, err := store.Open(ctx, s.Store, store.Options{S3PathStyle: s.S3PathStyle})
	if err != nil {
		return c, err
	}
	c.Source, c.StoreName = opened, opened.String()
	return c, nil
}

// preferFlags lets --flags stand against BURGEE_STORE, and --store against BURGEE_FLAGS: what is typed wins over what is exported.
func (s *settings) preferFlags(typed map[string]bool) {
	switch {
	case typed["flags"] && !typed["store"]:
		s.Store = ""
	case typed["store"] && !typed["flags"]:
		s.Flags = ""
	}
}

func (s *settings) check() error {
	switch {
	case s.Store == "" && s.Flags == "":
		return advice{errors.New("neither --store nor --flags is given"), "burgee --flags FILE serves a file; burgee --store URL --environment NAME --trust-key FILE serves a store"}
	case s.Store != "" && s.Flags != "":
		return advice{errors.New("both --store and --flags are given"), "leave one out (each may also come from BURGEE_STORE or BURGEE_FLAGS)"}
	case s.Store != "" && s.Environment == "":
		return advice{errors.New("--store is given without --environment"), "name the environment that the flags are published for, such as --environment shop/prod"}
	case s.Poll < time.Second/10:
		return advice{fmt.Errorf("--poll %s is too short", s.Poll), "give 100ms or more"}
	case s.Retain < 1 || s.Retain > maxRetain:
		return advice{fmt.Errorf("--retain %d is out of range", s.Retain), fmt.Sprintf("give 1 (nothing but what is served) to %d", maxRetain)}
	case s.PinMaxAge <= 0 || s.PinMaxAge > 24*time.Hour:
		return advice{fmt.Errorf("--pin-max-age %s is out of range", s.PinMaxAge), "give more than 0s, and 24h or less: a pin is for one request"}
	case s.PinWait < 0 || s.PinWait > 5*time.Second:
		return advice{fmt.Errorf("--pin-wait %s is out of range", s.PinWait), "give 0s to 5s"}
	case s.Poll > 24*time.Hour:
		return advice{fmt.Errorf("--poll %s is too long", s.Poll), "give 24h or less"}
	}
	return nil
}
