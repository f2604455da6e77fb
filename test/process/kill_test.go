package process

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/test/kit"
)

var (
	kills    = flag.Int("kills", 30, "how many sidecars are killed")
	killSeed = flag.Uint64("kill.seed", 0, "seed of the moments; 0 means a new one")
)

// lanes run side by side, each with a store and a state folder of its own: most of a life is waiting.
const lanes = 3

// Killed at any moment while a publisher goes on, a sidecar comes back with what it had said was on disk, or with something newer, and
// never with half of it; and what the kill left lying about is gone. Each start is without the store, so that nothing else can help.
// make crash KILLS=10000 kills more of them.
func TestKilledAtAnyMoment(t *testing.T) {
	seed := *killSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-kills=%d -kill.seed=%d", *kills, seed)
	for lane := range lanes {
		t.Run(fmt.Sprint("lane ", lane), func(t *testing.T) {
			t.Parallel()
			l := newLane(t, rand.New(rand.NewPCG(seed, uint64(lane))))
			for range (*kills + lanes - 1) / lanes {
				l.liveAndDie(t)
			}
			burgee := l.start(t)
			l.press.run(t, func() {
				burgee.Until(t, "a newer revision", func(st kit.Status) bool { return st.Persisted.Revision > l.acked })
			})
			t.Logf("%d kills, up to revision %d; %d left a file lying about, %d hit the folder at work", l.kills, l.acked, l.leftovers, l.aimed)
		})
	}
}

// lane is one state folder over which sidecars live and die.
type lane struct {
	shop   *kit.Shop
	press  *press
	random *rand.Rand
	acked  int // the newest revision that a sidecar said was on disk

	kills, leftovers, aimed int
}

func newLane(t *testing.T, random *rand.Rand) *lane {
	l := &lane{shop: kit.New(t), random: random}
	l.press = newPress(t, l.shop, random)
	burgee := l.shop.Start(t, soon...)
	l.press.run(t, func() {
		burgee.Until(t, "a first revision on disk", func(st kit.Status) bool { return st.Persisted.Revision > 0 })
	})
	l.acked = burgee.Status(t).Persisted.Revision
	burgee.Stop(t)
	return l
}

func (l *lane) folder(name string) string { return l.shop.Path("state", "burgee", name) }

// unfinished are the files that were being written.
func (l *lane) unfinished(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(l.folder(""))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, entry := range entries {
		if strings.HasSuffix(entry.Name(), ".tmp") {
			found = append(found, entry.Name())
		}
	}
	return found
}

// start starts a sidecar without a store, and looks at what it found. These kills are no bundle's fault, and whoever removes the trials
// says so: else the second within half a minute would be held against the bundle.
func (l *lane) start(t *testing.T) *kit.Sidecar {
	t.Helper()
	if err := os.Remove(lkg.TrialsFile(l.folder(""))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	left := l.unfinished(t)
	if len(left) > 1 {
		t.Errorf("the kill left %q; want one at most", left)
	}
	l.leftovers += len(left)
	rename(t, l.shop.Path("store"), l.shop.Path("away"))
	burgee, a, st := l.wake(t)
	for tries := 0; a.HTTP != http.StatusOK && slow(burgee) && tries < 10; tries++ { // this machine's disk: a start does not wait for it
		burgee.Kill()
		burgee, a, st = l.wake(t)
	}
	switch {
	case a.HTTP != http.StatusOK || a.Value != float64(st.Active.Revision) || st.Active.From != "disk":
		t.Fatalf("after a kill: answer %+v; status %+v", a, st)
	case st.Active.Revision < l.acked || st.Persisted.Revision < l.acked || len(st.Degraded) > 0 && !strings.Contains(st.Degraded[0], "does not finish in time"):
		t.Fatalf("revision %d was on disk; after a kill there is %d (persisted %d, degraded %q)", l.acked, st.Active.Revision, st.Persisted.Revision, st.Degraded)
	}
	if left := l.unfinished(t); len(left) > 0 && left[0] != "trials.tmp" && left[0] != "confirmed.tmp" {
		t.Errorf("after the start there is still %q", left)
	}
	rename(t, l.shop.Path("away"), l.shop.Path("store"))
	return burgee
}

// wake starts a sidecar, and gives its first answer.
func (l *lane) wake(t *testing.T) (burgee *kit.Sidecar, a kit.Answer, st kit.Status) {
	t.Helper()
	burgee = l.shop.Start(t, "--poll", "100ms", "--stale-after", "100ms")
	kit.Eventually(t, func() (err error) {
		a, err = burgee.Evaluate(kit.Number, "{}")
		return err
	})
	st = burgee.Status(t)
	return burgee, a, st
}

// slow tells whether the start did not wait for the disk.
func slow(burgee *kit.Sidecar) bool {
	return len(burgee.Lines("the state folder does not answer; starting without what it holds")) > 0
}

// liveAndDie lets a sidecar fetch and save, and kills it: at any moment, or every other time in the act.
func (l *lane) liveAndDie(t *testing.T) {
	t.Helper()
	burgee := l.start(t)
	var moment <-chan struct{}
	wait := time.Duration(l.random.IntN(250)) * time.Millisecond
	if l.random.IntN(2) == 0 {
		moment = l.atWork()
		wait = time.Duration(l.random.IntN(12_000)) * time.Microsecond
		l.aimed++
	}
	l.press.run(t, func() {
		ended := make(chan struct{})
		var listening sync.WaitGroup
		listening.Go(func() { l.listen(burgee, ended) })
		if moment != nil {
			<-moment
		}
		<-time.After(wait)
		burgee.Kill()
		close(ended)
		listening.Wait()
	})
	l.kills++
}

// atWork is closed when the folder begins to change, or nothing has come for a while.
func (l *lane) atWork() <-chan struct{} {
	moment := make(chan struct{})
	was := l.changed()
	go func() {
		defer close(moment)
		tick := time.NewTicker(100 * time.Microsecond)
		defer tick.Stop()
		for end := time.Now().Add(kit.Patience); time.Now().Before(end) && l.changed().Equal(was); {
			<-tick.C
		}
	}()
	return moment
}

func (l *lane) changed() time.Time {
	info, err := os.Stat(l.folder(""))
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// listen notes what the sidecar says is on disk.
func (l *lane) listen(burgee *kit.Sidecar, ended <-chan struct{}) {
	for {
		select {
		case <-ended:
			return
		default:
		}
		var st kit.Status
		if _, _, text, err := burgee.Do(http.MethodGet, "http://"+burgee.Admin+"/status", ""); err == nil && json.Unmarshal(text, &st) == nil {
			l.acked = max(l.acked, st.Persisted.Revision)
		}
	}
}

// press publishes one revision after the other; the number of each is its revision.
type press struct {
	shop     *kit.Shop
	key      bundle.PrivateKey
	padding  string // what does not get smaller by packing: so a save takes a while
	revision int64
	stored   []string
}

func newPress(t *testing.T, shop *kit.Shop, random *rand.Rand) *press {
	t.Helper()
	key, err := bundle.ParsePrivateKey([]byte(read(t, shop.Path("team.key"))))
	if err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 30_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	makeFolder(t, shop.Path("store", "bundles"), 0o755)
	return &press{shop: shop, key: key, padding: hex.EncodeToString(noise)}
}

// run publishes for as long as f takes.
func (p *press) run(t *testing.T, f func()) {
	t.Helper()
	ended := make(chan struct{})
	var working sync.WaitGroup
	var failed error
	working.Go(func() {
		tick := time.NewTicker(15 * time.Millisecond)
		defer tick.Stop()
		for failed == nil {
			select {
			case <-ended:
				return
			case <-tick.C:
				failed = p.publish()
			}
		}
	})
	defer func() {
		close(ended)
		working.Wait()
		if failed != nil {
			t.Fatalf("publish: %v", failed)
		}
	}()
	f()
}

func (p *press) publish() error {
	p.revision++
	document := fmt.Sprintf(`{"flags":{%q:{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it","metadata":{"description":%q}}}}`, kit.Number, p.revision, p.padding)
	stored, ref, err := bundle.Pack([]byte(document))
	if err != nil {
		return err
	}
	ref.Flags, ref.PreviousFlags = 1, 1
	sealed, err := bundle.Seal(bundle.Manifest{
		Environment: kit.Environment, Revision: p.revision, Bundle: ref, Ledger: bundle.Sum(nil), OldestPin: 1, PublishedAt: time.Now().UTC(),
	}, p.key)
	if err != nil {
		return err
	}
	key := p.shop.Path("store", bundle.Key(ref.Digest))
	if p.stored = append(p.stored, key); len(p.stored) > 10 {
		if err := os.Remove(p.stored[0]); err != nil {
			return err
		}
		p.stored = p.stored[1:]
	}
	return errors.Join(place(key, stored), place(p.shop.Path("store", bundle.HeadKey), sealed))
}

// place puts a whole file in its place in one step.
func place(name string, data []byte) error {
	if err := os.WriteFile(name+".aside", data, 0o644); err != nil {
		return err
	}
	return os.Rename(name+".aside", name)
}
