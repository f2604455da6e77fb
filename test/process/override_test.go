package process

import (
	"encoding/json"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// killable has the flag that tells documents apart, and one with a safe variant. Its contract is whole.
func killable(number int) string {
	return strings.TrimSuffix(kit.Flags(number, 0), "}}") + `,"pay":{"state":"ENABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new",
		"metadata":{"owner":"tests","kind":"kill-switch","description":"Made by a test.","emergencyAction":"Call nobody.","safeVariant":"old"}}}}`
}

// ctl runs a verb that writes to the shop's store.
func ctl(shop *kit.Shop, args ...string) kit.Printed {
	return shop.Ctl(append(args, "--store", shop.Store, "--environment", kit.Environment, "--key", shop.Path("team.key"),
		"--author", "oncall", "--message", "made by a test")...)
}

func willAnswer(t *testing.T, burgee *kit.Sidecar, variant, revision string) {
	t.Helper()
	kit.Eventually(t, func() error {
		a, err := burgee.Evaluate("pay", "{}")
		if err == nil && (a.Variant != variant || a.Revision != revision) {
			err = fmt.Errorf("pay answers %+v; want the variant %s of revision %s", a, variant, revision)
		}
		return err
	})
}

// A kill acts while the head's bundle is refused, and after a restart with no bundle in the store at all; publications keep it; and a
// restoration ends it.
func TestAKillStandsUntilItIsRestored(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, killable(1))
	shop.Publish(t, killable(2))
	burgee := shop.Start(t, soon...)
	burgee.Fresh(t, 2)
	willAnswer(t, burgee, "new", "2")

	forge(t, shop, 3, forged{document: killable(9), flags: 3}) // it has 2
	burgee.Until(t, "a refusal", func(st kit.Status) bool { return st.Reason() == "flag-count" })
	printed := ctl(shop, "kill", "pay", "--wait", "--targets", burgee.Admin).Good(t)
	if !strings.Contains(printed.Stdout, "1 of 1 at revision 4 after ") {
		t.Errorf("kill --wait: %s", printed)
	}
	a, err := burgee.Evaluate("pay", "{}")
	if err != nil || a.Variant != "old" || a.Revision != "2" {
		t.Errorf("after kill --wait pay answers %+v (%v); want the safe variant over revision 2", a, err)
	}
	if st := burgee.Status(t); st.Reason() != "flag-count" || st.Sync.HeadRevision != 4 || st.Active.Revision != 2 {
		t.Errorf("status after a kill over a bad bundle: %+v", st)
	}
	if n := burgee.Metric(t, `burgee_flag_overrides{flag="pay"}`); n != 1 {
		t.Errorf("%v overrides of pay are counted", n)
	}

	burgee.Kill()
	rename(t, shop.Path("store", "bundles"), shop.Path("bundles"))
	burgee = shop.Start(t, soon...)
	willAnswer(t, burgee, "old", "2")
	ctl(shop, "set", "pay", "--variant", "new", "--wait", "--targets", burgee.Admin).Good(t) // no bundle is needed for that either
	willAnswer(t, burgee, "new", "2")
	ctl(shop, "kill", "pay").Good(t)
	willAnswer(t, burgee, "old", "2")

	rename(t, shop.Path("bundles"), shop.Path("store", "bundles"))
	if printed := shop.TryPublish(killable(7)).Good(t); !strings.Contains(printed.Stdout, "override kept: pay = its safe variant for everyone, by oncall") {
		t.Errorf("publish: %s", printed)
	}
	willAnswer(t, burgee, "old", "7")
	ctl(shop, "restore", "pay", "--wait", "--targets", burgee.Admin).Good(t)
	willAnswer(t, burgee, "new", "8")
}

var (
	killSidecars = flag.Int("kill.sidecars", 5, "how many sidecars TestFromCommandToTheLastSidecar kills a flag on")
	killRounds   = flag.Int("kill.rounds", 2, "how many times it does so, half of them to restore")
)

// From the command to the last sidecar of many on this machine: it takes a poll and not much more. `make kill-time` measures with 100.
func TestFromCommandToTheLastSidecar(t *testing.T) {
	t.Parallel()
	const poll = time.Second
	shop := kit.New(t)
	shop.Publish(t, killable(1))
	var targets []string
	var all []*kit.Sidecar
	for range *killSidecars {
		folder := kit.Folder(t)
		burgee := shop.Run(t, nil, "--store", shop.Store, "--environment", kit.Environment, "--trust-key", shop.Path("team.pub"),
			"--state-dir", folder, "--poll", poll.String(), "--socket", folder+"/s.sock")
		all, targets = append(all, burgee), append(targets, burgee.Admin)
	}
	for _, burgee := range all {
		burgee.WillServe(t, 1, 1)
	}
	for round := range *killRounds {
		verb, want := "kill", "old"
		if round%2 == 1 {
			verb, want = "restore", "new"
		}
		began := time.Now()
		printed := ctl(shop, verb, "pay", "--wait", "--targets", strings.Join(targets, ","), "--output", "json").Good(t)
		took := time.Since(began)
		var result struct {
			Wait struct {
				Reached int
				Targets []struct{ Seconds float64 }
			}
		}
		if err := json.Unmarshal([]byte(printed.Stdout), &result); err != nil || result.Wait.Reached != len(all) {
			t.Fatalf("%s: %s (%v)", verb, printed, err)
		}
		var seconds []float64
		for _, one := range result.Wait.Targets {
			seconds = append(seconds, one.Seconds)
		}
		slices.Sort(seconds)
		t.Logf("%s on %d sidecars, poll %v, %d processors: the command took %.2f s; after the commit half were seen there within %.2f s, the last within %.2f s",
			verb, len(all), poll, runtime.NumCPU(), took.Seconds(), seconds[len(seconds)/2], seconds[len(seconds)-1])
		for _, burgee := range all {
			if a, err := burgee.Evaluate("pay", "{}"); err != nil || a.Variant != want {
				t.Errorf("after %s --wait pay answers %+v (%v); want %s", verb, a, err, want)
			}
		}
		if bound := 10 * time.Second; len(all) <= 5 && took > bound {
			t.Errorf("%s took %v; want less than %v", verb, took, bound)
		}
	}
}
