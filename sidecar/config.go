package sidecar

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/pull"
)

// Defaults of the settings that a zero value stands for.
const (
	DefaultPoll       = 15 * time.Second
	DefaultListen     = "127.0.0.1:8016" // where OFREP SDKs look by themselves
	DefaultSocketMode = os.FileMode(0o660)
	DefaultRetain     = 16
	DefaultPinMaxAge  = 15 * time.Minute
	DefaultPinWait    = 100 * time.Millisecond
	staleAfterPolls   = 4
)

// Config says what to serve and where. Either Source or FlagsFile is set.
type Config struct {
	Source       pull.Source   // the store that is polled
	StoreName    string        // how /status calls it: without credentials
	Environment  string        // required with Source
	Trust        bundle.Trust  // required with Source
	MinRevision  int64         // nothing below it is taken
	StateDir     string        // where the last known good flags are kept; "" keeps none
	HealthyAfter time.Duration // a process that dies sooner with a bundle may have died of it; 0 means 30s
	Bootstrap    string        // folder with flags to start from; "" is none

	FlagsFile string // a plain flag file instead of a store: for development

	Socket      string        // path of the Unix socket; "" is none
	SocketMode  os.FileMode   // 0 means 0660
	Listen      string        // TCP address, HOST:PORT; "" means none beside a socket, else DefaultListen
	Admin       string        // TCP address of the admin listener; "" is none
	StartupWait time.Duration // how long /startupz holds a pod back that has no flags

	Poll           time.Duration // 0 means 15s
	StaleAfter     time.Duration // 0 means 4 polls
	Retain         int           // distinct bundles that can be answered from, that which is served included; 0 means 16
	PinMaxAge      time.Duration // how long a request may be pinned to a revision that another one replaced; 0 means 15m
	PinWait        time.Duration // how long a request waits that is pinned to a revision which has not come yet; 0 means 100ms, below 0 it does not
	AnswerContract bool          // answers carry the contract's metadata too

	Instance string           // name of this sidecar in /status; "" means the host's
	Version  string           // of the program
	Random   func() float64   // jitter in [0,1); nil means math/rand/v2
	Wall     func() time.Time // what this machine's clock says, for tests that set it; nil means time.Now
	Log      hclog.Logger     // nil logs nothing
}

func (c *Config) complete() error {
	switch {
	case c.Source == nil && c.FlagsFile == "":
		return errors.New("neither a store nor a flag file is given")
	case c.Source != nil && c.FlagsFile != "":
		return errors.New("both a store and a flag file are given; want one")
	case c.Source != nil && c.Environment == "":
		return errors.New("a store needs the name of its environment")
	case c.Source != nil && c.Trust.None():
		return errors.New("a store needs trust keys, or to be told that none are needed")
	case c.MinRevision < 0:
		return fmt.Errorf("min-revision %d is no revision; they begin at 1", c.MinRevision)
	case c.Poll < 0 || c.StaleAfter < 0 || c.StartupWait < 0:
		return errors.New("poll, stale-after and startup-wait must not be negative")
	case c.Retain < 0 || c.PinMaxAge < 0:
		return errors.New("retain and pin-max-age must not be negative")
	case c.HealthyAfter < 0:
		return errors.New("HealthyAfter must not be negative")
	}
	if c.Socket == "" && c.Listen == "" {
		c.Listen = DefaultListen
	}
	if err := checkAddresses(c.Listen, c.Admin); err != nil {
		return err
	}
	if c.Instance == "" {
		c.Instance, _ = os.Hostname()
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	c.SocketMode = orDefault(c.SocketMode, DefaultSocketMode)
	c.HealthyAfter = orDefault(c.HealthyAfter, defaultHealthyAfter)
	c.Poll = orDefault(c.Poll, DefaultPoll)
	c.StaleAfter = orDefault(c.StaleAfter, staleAfterPolls*c.Poll)
	c.Retain = orDefault(c.Retain, DefaultRetain)
	c.PinMaxAge = orDefault(c.PinMaxAge, DefaultPinMaxAge)
	c.PinWait = orDefault(c.PinWait, DefaultPinWait)
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.FlagsFile != "" { // which is looked at at a pace of its own
		c.StaleAfter = max(c.StaleAfter, staleAfterPolls*lookEvery)
	}
	if c.StaleAfter < c.Poll {
		return fmt.Errorf("stale-after %v is shorter than poll %v: the flags would be stale between any two polls", c.StaleAfter, c.Poll)
	}
	return nil
}

func orDefault[T comparable](value, fallback T) T {
	var zero T
	if value == zero {
		return fallback
	}
	return value
}
