package process

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// room is what a sidecar is given beside what it takes for a small bundle; a bundle of poisonFlags takes several times as much.
const (
	room        = 8 << 10 // KiB
	poisonFlags = 7900
)

// dataLimit starts a sidecar that the kernel gives so much memory, in KiB, and no more: a Go program ends at once then.
func dataLimit(kib int) kit.Prepare {
	return func(cmd *exec.Cmd) {
		cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -d %d && exec "$0" "$@"`, kib), cmd.Path}, cmd.Args[1:]...)
		cmd.Path = "/bin/sh"
	}
}

// A bundle that kills each process that takes it up is taken up twice: after two restarts the one before is served, /status says why,
// and another bundle ends it.
func TestPoisonIsQuarantined(t *testing.T) {
	if kit.Race {
		t.Skip("SKIP: the race detector's own memory is beyond any limit that tells bundles apart")
	}
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	takes := usualData(t, shop)
	if takes == 0 {
		t.Skip("SKIP: there is no /proc to tell what a process takes")
	}

	start := func() *kit.Sidecar { return shop.StartAs(t, dataLimit(takes+room), soon...) }
	burgee := start()
	burgee.Fresh(t, 1)
	shop.Publish(t, kit.Flags(2, poisonFlags), "--allow-growth")
	deaths := 0
	for range 2 {
		if code := burgee.Wait(t); code != 2 || len(burgee.Lines("stopped")) > 0 {
			t.Fatalf("it ended with exit code %d; want 2: a runtime without memory", code)
		}
		deaths++
		burgee = start()
	}
	st := burgee.Until(t, "a refusal", func(st kit.Status) bool { return st.Reason() != "" })
	if st.Reason() != "quarantined" || !st.Behind || st.Active.Revision != 1 || len(st.Degraded) != 1 || !strings.HasPrefix(st.Degraded[0], "quarantine: ") {
		t.Errorf("status after %d deaths: %+v; want the bundle in quarantine", deaths, st)
	}
	burgee.Serves(t, 1, 1)
	wantCounted(t, burgee, "quarantined")
	if n := burgee.Metric(t, "burgee_quarantined"); n != 1 {
		t.Errorf("burgee_quarantined is %v; want 1", n)
	}
	shop.Publish(t, kit.Flags(3, 0), "--allow-shrink")
	burgee.WillServe(t, 3, 3)
	if st := burgee.Fresh(t, 3); len(st.Degraded) != 0 {
		t.Errorf("degraded %q after a good bundle", st.Degraded)
	}
	t.Logf("a limit of %d KiB: %d deaths, then revision 1 again", takes+room, deaths)
}

// usualData is what a sidecar takes that has come to the newest flags: the middle one of three, since now and then one takes some MiB more or
// less, and by that one's measure the poison would do no harm, or a small bundle would.
func usualData(t *testing.T, shop *kit.Shop) int {
	t.Helper()
	var takes []int
	for range 3 {
		burgee := shop.Start(t, soon...)
		burgee.Fresh(t, 1)
		takes = append(takes, data(t, burgee.PID))
		burgee.Stop(t)
	}
	slices.Sort(takes)
	return takes[1]
}

// data is what a process may write to, in KiB; 0 where there is no /proc.
func data(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmData:")
	kib, err := strconv.Atoi(strings.Fields(rest + " 0")[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
