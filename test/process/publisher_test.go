package process

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

var (
	publisherKills = flag.Int("publisher.kills", 10, "how many runs of burgeectl are killed")
	publisherSeed  = flag.Uint64("publisher.seed", 0, "seed of the moments; 0 means a new one")
)

// Killed with kill -9 at any moment, a burgeectl that publishes, kills, sets or restores leaves its revision or none, in a store that is
// clean as burgeectl verify has it; and the next publication goes on from there. make publisher-crash KILLS=1000 kills more of them.
func TestAPublisherKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	seed := *publisherSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-publisher.kills=%d -publisher.seed=%d", *publisherKills, seed)
	v := &victims{shop: kit.New(t), random: rand.New(rand.NewPCG(seed, 0))}
	v.shop.Publish(t, killable(0))
	v.revision = 1
	for n := 1; n <= *publisherKills && !t.Failed(); n++ {
		v.one(t, n)
	}
	t.Logf("%d runs, %d of them killed, up to revision %d; of the killed %d had written their revision, %d without its copy, %d left other objects, %d a file",
		*publisherKills, v.killed, v.revision, v.wrote, v.owed, v.spare, v.aside)
	if *publisherKills >= 100 && (v.killed < *publisherKills/3 || v.wrote == 0 || v.spare == 0) {
		t.Error("too few were killed at work: the test does not try what it should")
	}
}

// victims are runs of burgeectl on one store, one after the other.
type victims struct {
	shop     *kit.Shop
	random   *rand.Rand
	revision int // that the store has

	killed, wrote, owed, spare, aside int
	spareSoFar                        int
}

// one is killed, and then somebody publishes.
func (v *victims) one(t *testing.T, n int) {
	t.Helper()
	message := fmt.Sprintf("victim %d", n)
	printed := v.kill(t, n, message)
	found := verified(t, v.shop)
	wrote := found.Revision == v.revision+1
	switch {
	case printed.Code == -1 && printed.Stderr == "":
		v.killed++
	case printed.Code == 0: // it was through, or had nothing to do
	case printed.Code == 3 && strings.Contains(printed.Stderr, "is not overridden"):
	default:
		t.Errorf("%s: %s", message, printed)
	}
	switch told := strings.Contains(printed.Stdout, fmt.Sprintf("revision %d", v.revision+1)); {
	case found.Revision != v.revision && !wrote:
		t.Errorf("%s: the store is at revision %d; it was at %d", message, found.Revision, v.revision)
	case told && !wrote:
		t.Errorf("%s said that it is written, and the store is at revision %d: %s", message, found.Revision, printed)
	case wrote && v.newest(t) != message:
		t.Errorf("%s: revision %d is by %q", message, found.Revision, v.newest(t))
	}
	if printed.Code == -1 {
		v.count(t, wrote, found)
	}
	next := fmt.Sprintf("after victim %d", n)
	v.revision = found.Revision + 1
	again := v.shop.TryPublish(killable(2*n+1), "--message", next).Good(t)
	if want := fmt.Sprintf("published revision %d of ", v.revision); !strings.HasPrefix(again.Stdout, want) || again.Stderr != "" {
		t.Errorf("%s: %s\nwant %s", next, again, want)
	}
	found = verified(t, v.shop)
	if found.Revision != v.revision || found.Revisions != v.revision || found.Owed != "" || v.newest(t) != next {
		t.Errorf("%s the store is %+v, and its newest revision is by %q; want revision %d", next, found, v.newest(t), v.revision)
	}
	v.spareSoFar = len(found.Spare)
	if left := v.unfinished(t); len(left) > 0 {
		t.Errorf("%s there is still %q", next, left)
	}
}

// kill runs a verb, and kills it: at any moment of the time that such a run takes, or every other time soon after the store began to change.
func (v *victims) kill(t *testing.T, n int, message string) kit.Printed {
	t.Helper()
	args := [][]string{v.publication(t, n), v.publication(t, n), {"kill", "pay"}, {"set", "pay", "--variant", "new"}, {"restore", "pay"}}[v.random.IntN(5)]
	args = append(args, "--store", v.shop.Store, "--environment", kit.Environment, "--key", v.shop.Path("team.key"), "--author", "victim", "--message", message)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if v.random.IntN(2) == 0 {
		timer := time.AfterFunc(time.Duration(v.random.IntN(150))*time.Millisecond, cancel)
		defer timer.Stop()
	} else {
		folder := v.shop.Path("store", []string{"", "bundles", "ledgers", "revisions"}[v.random.IntN(4)])
		wait := time.Duration(v.random.IntN(4000)) * time.Microsecond
		var aiming sync.WaitGroup
		aiming.Go(func() { aim(ctx, folder, wait, cancel) })
		defer aiming.Wait()
		defer cancel()
	}
	return v.shop.CtlUntil(ctx, args...)
}

func (v *victims) publication(t *testing.T, n int) []string {
	t.Helper()
	file := v.shop.Path("victim.json")
	write(t, file, killable(2*n))
	return []string{"publish", file}
}

// aim waits until a folder of the store changes, and then for a moment.
func aim(ctx context.Context, folder string, wait time.Duration, kill func()) {
	was, err := os.Stat(folder)
	for err == nil && ctx.Err() == nil {
		var is os.FileInfo
		if is, err = os.Stat(folder); err == nil && !is.ModTime().Equal(was.ModTime()) {
			<-time.After(wait)
			break
		}
		<-time.After(50 * time.Microsecond)
	}
	kill()
}

func (v *victims) count(t *testing.T, wrote bool, found verdict) {
	t.Helper()
	if wrote {
		v.wrote++
	}
	if found.Owed != "" && wrote {
		v.owed++
	}
	if len(found.Spare) > v.spareSoFar {
		v.spare++
	}
	if len(v.unfinished(t)) > 0 {
		v.aside++
	}
}

// unfinished are the files that no reader of the store sees.
func (v *victims) unfinished(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(v.shop.Path("store"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".burgee-unfinished") {
			found = append(found, entry.Name())
		}
	}
	return found
}

// newest is the message of the head.
func (v *victims) newest(t *testing.T) string {
	t.Helper()
	var told struct{ Revisions []struct{ Message string } }
	text := v.shop.Ctl("history", "--limit", "1", "--output", "json", "--store", v.shop.Store, "--trust-key", v.shop.Path("team.pub")).Good(t).Stdout
	if err := json.Unmarshal([]byte(text), &told); err != nil || len(told.Revisions) != 1 {
		t.Fatalf("history: %s (%v)", text, err)
	}
	return told.Revisions[0].Message
}

// verdict is what burgeectl verify says of a store.
type verdict struct {
	Good                bool
	Revision, Revisions int
	Owed                string
	Spare               []string
}

// verified wants a store to be good.
func verified(t *testing.T, shop *kit.Shop) verdict {
	t.Helper()
	var v verdict
	text := shop.Ctl("verify", "--output", "json", "--store", shop.Store, "--trust-key", shop.Path("team.pub")).Good(t).Stdout
	if err := json.Unmarshal([]byte(text), &v); err != nil || !v.Good {
		t.Fatalf("verify: %s (%v)", text, err)
	}
	return v
}
