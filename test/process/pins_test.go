package process

import (
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// couple is two sidecars of one store: the one polls soon, the other once a day, so that nothing but a pin makes it ask. A request waits for
// that for as long as this machine takes.
type couple struct {
	shop          *kit.Shop
	ahead, behind *kit.Sidecar
}

func newCouple(t *testing.T, shop *kit.Shop, trust ...string) *couple {
	t.Helper()
	start := func(poll time.Duration) *kit.Sidecar {
		folder := kit.Folder(t)
		return shop.Run(t, nil, append([]string{
			"--store", shop.Store, "--environment", kit.Environment, "--state-dir", folder, "--socket", folder + "/s.sock",
			"--poll", poll.String(), "--pin-wait", "5s",
		}, trust...)...)
	}
	c := &couple{shop, start(100 * time.Millisecond), start(24 * time.Hour)}
	c.ahead.Fresh(t, 1)
	c.behind.Fresh(t, 1)
	return c
}

// wanted is an answer for a flag.
type wanted struct {
	flag     string
	value    any
	revision string
	missed   bool
	override bool
}

// says asks, under a pin unless that is empty, and gives the token that is offered.
func says(t *testing.T, who string, burgee *kit.Sidecar, pin string, want wanted) (token string) {
	t.Helper()
	subject := "{}"
	if pin != "" {
		subject = kit.Pinned(pin)
	}
	a, err := burgee.Evaluate(want.flag, subject)
	if err != nil || a.Value != want.value || a.Revision != want.revision || (a.Metadata.Pin == "missed") != want.missed || a.Metadata.Override != want.override {
		t.Errorf("%s: %+v (%v); want %+v", who, a, err, want)
	}
	return a.Snapshot
}

// Whatever the one sidecar has and the other has not seen yet, new flags, a kill, its end, the way back: a request that comes to the other
// with the token of the one is answered alike; and where the store does not give it, the answer says so.
func TestAPinTakesTheOtherSidecarAlong(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, killable(1))
	c := newCouple(t, shop, "--trust-key", shop.Path("team.pub"))

	shop.Publish(t, killable(2))
	c.ahead.WillServe(t, 2, 2)
	token := says(t, "ahead", c.ahead, "", wanted{flag: kit.Number, value: 2.0, revision: "2"})
	says(t, "behind, unpinned", c.behind, "", wanted{flag: kit.Number, value: 1.0, revision: "1"})
	says(t, "behind, pinned", c.behind, token, wanted{flag: kit.Number, value: 2.0, revision: "2"})

	ctl(shop, "kill", "pay").Good(t)
	willAnswer(t, c.ahead, "old", "3")
	token = says(t, "ahead, killed", c.ahead, "", wanted{flag: "pay", value: "old", revision: "3", override: true})
	older := says(t, "behind, not killed", c.behind, "", wanted{flag: "pay", value: "new", revision: "2"})
	says(t, "ahead, killed, the older pin", c.ahead, older, wanted{flag: "pay", value: "old", revision: "2", override: true})
	says(t, "behind, killed, pinned", c.behind, token, wanted{flag: "pay", value: "old", revision: "3", override: true})

	ctl(shop, "restore", "pay").Good(t)
	willAnswer(t, c.ahead, "new", "4")
	token = says(t, "ahead, restored", c.ahead, "", wanted{flag: "pay", value: "new", revision: "4"})
	older = says(t, "behind, not restored", c.behind, "", wanted{flag: "pay", value: "old", revision: "3", override: true})
	says(t, "ahead, restored, the older pin", c.ahead, older, wanted{flag: "pay", value: "new", revision: "3"})
	says(t, "behind, restored, pinned", c.behind, token, wanted{flag: "pay", value: "new", revision: "4"})

	ctl(shop, "rollback", "--to", "1").Good(t)
	c.ahead.WillServe(t, 1, 5)
	token = says(t, "ahead, rolled back", c.ahead, "", wanted{flag: kit.Number, value: 1.0, revision: "5"})
	older = says(t, "behind, not rolled back", c.behind, "", wanted{flag: kit.Number, value: 2.0, revision: "4"})
	says(t, "ahead, rolled back, the older pin", c.ahead, older, wanted{flag: kit.Number, value: 2.0, revision: "4"})
	says(t, "behind, rolled back, pinned", c.behind, token, wanted{flag: kit.Number, value: 1.0, revision: "5"})

	ctl(shop, "kill", "pay").Good(t)
	willAnswer(t, c.ahead, "old", "6")
	token = says(t, "ahead, killed again", c.ahead, "", wanted{flag: "pay", value: "old", revision: "6", override: true})
	rename(t, shop.Path("store"), shop.Path("away"))
	says(t, "behind, pinned, the store away", c.behind, token, wanted{flag: "pay", value: "new", revision: "5", missed: true})
}

// Where nothing is signed no pin makes a sidecar ask, and none is answered as if it were had.
func TestUnsignedPins(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, killable(1), "--allow-unsigned")
	c := newCouple(t, shop, "--allow-unsigned")
	override := func(verb string) {
		t.Helper()
		shop.Ctl(verb, "pay", "--store", shop.Store, "--environment", kit.Environment, "--allow-unsigned", "--author", "oncall",
			"--message", "made by a test").Good(t)
	}

	override("kill")
	willAnswer(t, c.ahead, "old", "2")
	token := says(t, "ahead, killed", c.ahead, "", wanted{flag: "pay", value: "old", revision: "2", override: true})
	older := says(t, "behind, not killed", c.behind, "", wanted{flag: "pay", value: "new", revision: "1"})
	says(t, "ahead, killed, the older pin", c.ahead, older, wanted{flag: "pay", value: "old", revision: "1", override: true})
	says(t, "behind, pinned to the killed", c.behind, token, wanted{flag: "pay", value: "new", revision: "1", missed: true})

	shop.Publish(t, killable(3), "--allow-unsigned")
	c.ahead.WillServe(t, 3, 3)
	override("restore")
	willAnswer(t, c.ahead, "new", "4")
	token = says(t, "ahead, restored", c.ahead, "", wanted{flag: kit.Number, value: 3.0, revision: "4"})
	says(t, "behind, pinned to new flags", c.behind, token, wanted{flag: kit.Number, value: 1.0, revision: "1", missed: true})
	says(t, "ahead, pinned to the first", c.ahead, older, wanted{flag: kit.Number, value: 1.0, revision: "1"})
}
