package process

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

var outageFor = flag.Duration("outage.for", 2*time.Second, "how long the store stays away: make outage FOR=1h")

// A store that is away, for as long as the flag says, fails no evaluation, and is still asked at the end.
func TestOutage(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 20))
	burgee := shop.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	before := askFor(t, burgee, *outageFor/4)
	rename(t, shop.Path("store"), shop.Path("away"))
	during := askFor(t, burgee, *outageFor)
	st := burgee.Until(t, "stale, and still asking", func(st kit.Status) bool {
		return st.Freshness == "stale" && st.ErrorKind() == "no-store"
	})
	if st.Active.Revision != 1 || st.Sync.Failures == 0 {
		t.Errorf("status after %v without a store: %+v", *outageFor, st)
	}
	burgee.Until(t, "asks once more", func(now kit.Status) bool { return now.Sync.Failures > st.Sync.Failures })
	rename(t, shop.Path("away"), shop.Path("store"))
	shop.Publish(t, kit.Flags(2, 20))
	burgee.WillServe(t, 2, 2)
	t.Logf("with the store: %d evaluations, p50 %v, p99 %v of a tenth of them; %v without: %d, p50 %v, p99 %v, none failed, %d attempts in a row failed",
		10*len(before), quantile(before, 50), quantile(before, 99), *outageFor, 10*len(during), quantile(during, 50), quantile(during, 99), st.Sync.Failures)
}

// askFor evaluates, one request after the other, and gives how long some of them took: an hour of all of them would fill the memory.
func askFor(t *testing.T, burgee *kit.Sidecar, long time.Duration) []time.Duration {
	t.Helper()
	var took []time.Duration
	for begin := time.Now(); time.Since(begin) < long; {
		for range 9 {
			burgee.Serves(t, 1, 1)
		}
		asked := time.Now()
		burgee.Serves(t, 1, 1)
		took = append(took, time.Since(asked))
	}
	return took
}

func quantile(all []time.Duration, percent int) time.Duration {
	slices.Sort(all)
	return all[(len(all)-1)*percent/100]
}
