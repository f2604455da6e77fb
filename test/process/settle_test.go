package process

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/test/kit"
)

// fleet is many sidecars of one shop, each with a state folder of its own.
type fleet struct {
	shop *kit.Shop
	all  []*kit.Sidecar
}

// newFleet starts sidecars over the first flags; the last of them polls five times as seldom as the first.
func newFleet(t *testing.T, sidecars int, poll time.Duration) *fleet {
	t.Helper()
	f := &fleet{shop: kit.New(t)}
	f.shop.Publish(t, killable(1))
	for i := range sidecars {
		f.all = append(f.all, f.start(t, kit.Folder(t), poll+4*poll*time.Duration(i)/time.Duration(max(1, sidecars-1))))
	}
	for _, burgee := range f.all {
		burgee.Fresh(t, 1)
	}
	return f
}

func (f *fleet) start(t *testing.T, folder string, poll time.Duration, more ...string) *kit.Sidecar {
	t.Helper()
	return f.shop.Run(t, nil, append([]string{
		"--store", f.shop.Store, "--environment", kit.Environment, "--trust-key", f.shop.Path("team.pub"),
		"--state-dir", folder, "--poll", poll.String(), "--socket", folder + "/s.sock",
	}, more...)...)
}

func admins(sidecars []*kit.Sidecar) string {
	var addresses []string
	for _, burgee := range sidecars {
		addresses = append(addresses, burgee.Admin)
	}
	return strings.Join(addresses, ",")
}

// headOf is what the store holds.
func headOf(t *testing.T, shop *kit.Shop) bundle.Manifest {
	t.Helper()
	opened, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open([]byte(read(t, shop.Path("store", bundle.HeadKey))))
	if err != nil {
		t.Fatal(err)
	}
	return opened.Manifest()
}

// holds waits until a sidecar has a revision that is for later, and gives its moment.
func holds(t *testing.T, burgee *kit.Sidecar, revision int) time.Time {
	t.Helper()
	st := burgee.Until(t, fmt.Sprintf("revision %d pending", revision), func(st kit.Status) bool {
		return len(st.Pending) == 1 && st.Pending[0].Revision == revision
	})
	if st.Active.Revision != 1 || st.Behind {
		t.Errorf("while revision %d waits: %+v", revision, st)
	}
	return st.Pending[0].ActivateAt
}

// wantPinned asks for what a token names.
func wantPinned(t *testing.T, burgee *kit.Sidecar, token string, number int) {
	t.Helper()
	if a, err := burgee.Evaluate(kit.Number, kit.Pinned(token)); err != nil || a.Value != float64(number) || a.Metadata.Pin != "" {
		t.Errorf("pinned: %+v (%v); want %d, and no mark", a, err, number)
	}
}

// lookout asks sidecars again and again whether they serve new flags before their moment.
type lookout struct {
	moment  time.Time
	looking sync.WaitGroup
	mu      sync.Mutex
	asked   int
	early   []string
}

func (l *lookout) look(ctx context.Context, sidecars ...*kit.Sidecar) {
	l.looking.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			for _, burgee := range sidecars {
				a, err := burgee.Evaluate(kit.Number, "{}")
				now := time.Now()
				if err != nil || !now.Before(l.moment) {
					continue // it is being killed, or may have switched
				}
				l.mu.Lock()
				if l.asked++; a.Value != 1.0 {
					l.early = append(l.early, fmt.Sprintf("process %d answers %+v, %s before the moment", burgee.PID, a, l.moment.Sub(now)))
				}
				l.mu.Unlock()
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// end waits for those who look, and wants nothing of what they look for.
func (l *lookout) end(t *testing.T) {
	t.Helper()
	l.looking.Wait()
	if l.asked == 0 || len(l.early) > 0 {
		t.Errorf("%d answers before the moment, of which too new: %q", l.asked, l.early)
	}
}

// Ten sidecars that poll at different paces hold a revision until its moment, whatever befalls them meanwhile: a kill, which acts at once; a
// kill -9 with their state, and without it. Pins to it hit before. One that has nothing else serves it as it comes.
func TestAFleetSettles(t *testing.T) {
	t.Parallel()
	const settle = 15 * time.Second // all that comes before the moment takes one or two, where nothing else is at work
	f := newFleet(t, 10, 100*time.Millisecond)
	stay, restarted, fresh := f.all[:8], f.all[8], f.all[9]
	published := make(chan kit.Printed, 1)
	go func() {
		published <- f.shop.TryPublish(killable(2), "--settle", settle.String(), "--wait", "--targets", admins(stay))
	}()
	moment := holds(t, stay[0], 2)
	looking, enough := context.WithCancel(t.Context())
	defer enough()
	look := &lookout{moment: moment}
	look.look(looking, stay...)
	token := headOf(t, f.shop).Snapshot
	for _, burgee := range f.all {
		if at := holds(t, burgee, 2); !at.Equal(moment) {
			t.Errorf("the moment is %s here and %s there", at, moment)
		}
		wantPinned(t, burgee, token, 2)
	}

	restarted.Kill()
	fresh.Kill()
	folder := strings.TrimSuffix(restarted.Socket, "/s.sock")
	restarted = f.start(t, folder, time.Second)
	fresh = f.start(t, kit.Folder(t), time.Second)
	for _, burgee := range []*kit.Sidecar{restarted, fresh} {
		burgee.WillServe(t, 1, 1)
		holds(t, burgee, 2)
		wantPinned(t, burgee, token, 2)
	}
	look.look(looking, restarted, fresh)

	flat := f.shop.Path("flat")
	f.shop.Ctl("export", flat, "--store", f.shop.Store, "--trust-key", f.shop.Path("team.pub")).Good(t)
	lonely := f.start(t, kit.Folder(t), time.Second, "--bootstrap", flat, "--store", f.shop.URL("nowhere"))
	lonely.WillServe(t, 2, 2)
	if st := lonely.Status(t); !st.Active.ActivatedAt.Before(moment) {
		t.Fatalf("with nothing else to serve, it waited until %s", st.Active.ActivatedAt)
	}

	ctl(f.shop, "kill", "pay").Good(t)
	all := append([]*kit.Sidecar{restarted, fresh}, stay...)
	for _, burgee := range all {
		willAnswer(t, burgee, "old", "1")
		if at := holds(t, burgee, 3); !at.Equal(moment) {
			t.Errorf("after the kill the moment is %s; it was %s", at, moment)
		}
		if a, err := burgee.Evaluate("pay", kit.Pinned(token)); err != nil || a.Variant != "old" || !a.Metadata.Override || a.Metadata.Pin != "" {
			t.Errorf("pinned to what waits, the killed flag answers %+v (%v)", a, err)
		}
		wantPinned(t, burgee, token, 2)
	}
	left := time.Until(moment)
	if left < 0 {
		t.Fatalf("all this took until %s after the moment: too slow for flags that settle for %s", -left, settle)
	}
	t.Logf("all this was over %s before the moment", left)
	<-time.After(left)

	for _, burgee := range all {
		burgee.WillServe(t, 2, 3)
		willAnswer(t, burgee, "old", "3")
		if st := burgee.Status(t); st.Active.ActivatedAt.Before(moment) || len(st.Pending) != 0 {
			t.Errorf("after the moment %s: active since %s, pending %v", moment, st.Active.ActivatedAt, st.Pending)
		}
	}
	enough()
	look.end(t)
	if printed := (<-published).Good(t); !strings.Contains(printed.Stdout, "8 of 8 at revision 2 after ") {
		t.Errorf("publish --settle --wait: %s", printed)
	}
}
