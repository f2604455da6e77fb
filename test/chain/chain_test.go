// Package chain holds the promise that Burgee is made for: two services of one request do not see two values of a flag, whatever is
// published meanwhile and wherever the store is; and flags fail as they declare, on every hop. Five services in a row (examples/snapshot)
// ask five real sidecars that poll at different paces. The counts are small; make chain has more, make soak the full ones.
package chain

import (
	"errors"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/examples/snapshot/chain"
	"github.com/burgeehq/burgee/test/kit"
)

var (
	requests   = flag.Int("chain.requests", 2000, "requests with a snapshot through the chain, half of them while all sidecars switch at one moment")
	poll       = flag.Duration("chain.poll", 200*time.Millisecond, "how often the first sidecar polls; the second does so half as often again, and so on")
	closedPoll = flag.Duration("chain.closed.poll", 200*time.Millisecond, "the same where a flag is to fail closed")
	pace       = flag.Duration("chain.pace", 0, "how often something is published; 0 means what each test is about")
)

func TestMain(m *testing.M) { kit.Main(m) }

// services is how many there are in a row.
const services = 5

// The flags of the shop.
const (
	killed = "pay"  // the one that is killed; its values are "new" and "old", which is the safe one; it may be a day old
	closed = "gate" // the one that fails closed; its values are true and false, which is the safe one
)

// document has kit.Number at that value, and the other two. How old the gate may get is up to the test.
func document(number int, maxStaleness time.Duration) string {
	const contract = `"owner":"tests","description":"Made by a test.","emergencyAction":"Call nobody."`
	return strings.TrimSuffix(kit.Flags(number, 0), "}}") + fmt.Sprintf(`,
		%q:{"state":"ENABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new",
			"metadata":{"kind":"kill-switch","safeVariant":"old","failMode":"closed","maxStaleness":"24h",%s}},
		%q:{"state":"ENABLED","variants":{"open":true,"shut":false},"defaultVariant":"open",
			"metadata":{"kind":"ops","safeVariant":"shut","failMode":"closed","maxStaleness":%q,%s}}}}`,
		killed, contract, closed, maxStaleness.String(), contract)
}

// fleet is a shop with five sidecars.
type fleet struct {
	*kit.Shop
	sidecars []*kit.Sidecar
	folders  []string
}

// start publishes the first flags and starts the sidecars, the first of which polls that often, the next each half as often again.
func start(t *testing.T, poll, maxStaleness time.Duration) *fleet {
	t.Helper()
	f := &fleet{Shop: kit.New(t), sidecars: make([]*kit.Sidecar, services), folders: make([]string, services)}
	f.Publish(t, document(1, maxStaleness))
	for i := range services {
		f.folders[i] = kit.Folder(t)
		f.run(t, i, poll)
	}
	for _, burgee := range f.sidecars {
		burgee.Fresh(t, 1)
	}
	return f
}

// run starts one sidecar, be it for the first time or again.
func (f *fleet) run(t *testing.T, i int, poll time.Duration) {
	t.Helper()
	f.sidecars[i] = f.Run(t, nil, "--store", f.Store, "--environment", kit.Environment, "--trust-key", f.Path("team.pub"),
		"--state-dir", f.folders[i], "--poll", pollOf(i, poll).String(), "--socket", f.folders[i]+"/s.sock")
}

// pollOf is how often a sidecar polls where the first does so that often.
func pollOf(i int, first time.Duration) time.Duration { return first * time.Duration(2+i) / 2 }

// services starts an application beside the sidecars.
func (f *fleet) services(t *testing.T, passing bool) *chain.Chain {
	t.Helper()
	var sockets []string
	for _, burgee := range f.sidecars {
		sockets = append(sockets, burgee.Socket)
	}
	c, err := chain.Start(sockets, passing)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// ask sends a request that must be answered.
func ask(t *testing.T, c *chain.Chain, snapshot string, flags ...string) chain.Hops {
	t.Helper()
	hops, err := c.Ask(t.Context(), snapshot, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return hops
}

// polls is how often a sidecar has read the store.
func polls(t *testing.T, burgee *kit.Sidecar) float64 {
	t.Helper()
	return burgee.Metric(t, `burgee_polls_total{result="changed"}`) + burgee.Metric(t, `burgee_polls_total{result="unchanged"}`)
}

// awaited is how many requests with a pin ahead had it come while they waited.
func (f *fleet) awaited(t *testing.T) (n float64) {
	t.Helper()
	for _, burgee := range f.sidecars {
		n += burgee.Metric(t, `burgee_pins_total{result="awaited"}`)
	}
	return n
}

var errLives = errors.New("the killed flag lives on some hop")
