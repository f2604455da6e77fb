package process

import (
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const (
	manyFlags  = 1000
	wantStart  = 250 * time.Millisecond // from the call of the program to an answer from disk
	wantIdle   = 25 << 10               // KiB resident
	maxIdle    = 30 << 10               // what fails the test: other kernels count the pages of the program otherwise
	startTries = 5                      // the best of them counts: whatever else the machine does only adds
	idleTime   = 3 * time.Second        // thirty polls, and memory has been given back
)

// How soon a sidecar of many flags answers after a restart, and what it holds in memory. Not in parallel with the others: it measures.
func TestFootprint(t *testing.T) {
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, manyFlags-1))
	burgee := shop.Start(t, soon...)
	burgee.Fresh(t, 1)
	<-time.After(idleTime) // nobody asks it anything: that is what is measured
	idle := burgee.Resident(t)
	burgee.Stop(t)

	rename(t, shop.Path("store"), shop.Path("away"))
	best := time.Hour
	for range startTries {
		started := time.Now()
		burgee = shop.Spawn(t, nil, "--store", shop.Store, "--environment", kit.Environment, "--trust-key", shop.Path("team.pub"),
			"--state-dir", shop.Path("state"), "--socket", shop.Path("s.sock"), "--admin", "off")
		burgee.Socket = shop.Path("s.sock")
		burgee.WillServe(t, 1, 1)
		best = min(best, time.Since(started))
		burgee.Kill()
	}
	t.Logf("%d flags: first answer from disk %s after the start, the best of %d (want %s); %d KiB resident when idle (want %d)",
		manyFlags, best.Round(time.Millisecond), startTries, wantStart, idle, wantIdle)
	if kit.Race {
		return // the figures are the race detector's
	}
	if best > wantStart {
		t.Errorf("first answer after %s; want %s", best, wantStart)
	}
	if idle > maxIdle {
		t.Errorf("%d KiB resident when idle; want %d", idle, wantIdle)
	}
}
