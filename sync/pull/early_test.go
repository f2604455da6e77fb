package pull

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// running is a loop under way in a bubble, which notes when the head was asked for.
type running struct {
	*bench
	begun time.Time

	mu    sync.Mutex
	heads []time.Duration
	slow  time.Duration // what each read takes
	fail  error
	hang  bool
}

// run starts a loop over revision 7 and lets its first poll go by.
func run(t *testing.T, change ...func(*Config)) *running {
	t.Helper()
	r := &running{bench: newBench(t, change...), begun: time.Now()}
	r.publish(7)
	r.source.Break(r.note)
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() { r.loop.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		group.Wait()
	})
	r.settle()
	return r
}

func (r *running) note(ctx context.Context, key string) (func([]byte) []byte, error) {
	r.mu.Lock()
	slow, fail, hang := r.slow, r.fail, r.hang
	if key == bundle.HeadKey {
		r.heads = append(r.heads, time.Since(r.begun))
	}
	r.mu.Unlock()
	if hang {
		<-ctx.Done()
		return nil, object.Ended(ctx)
	}
	return func(body []byte) []byte {
		time.Sleep(slow) // after the object was found: what is published now comes too late
		return body
	}, fail
}

// settle waits for the next poll that nobody hastened, and forgets what was asked until then.
func (r *running) settle() {
	synctest.Wait()
	time.Sleep(time.Until(r.loop.State().NextAttempt))
	synctest.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun, r.heads = time.Now(), nil
}

func (r *running) polls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.heads)
}

// asked are the times of the polls since settle.
func (r *running) asked() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.heads)
}

func (r *running) set(slow time.Duration, fail error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slow, r.fail = slow, fail
}

func (r *running) revision() int64 { return r.loop.State().HeadRevision }

func TestAPollIsHastened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		time.Sleep(3 * time.Second)
		r.publish(8)
		asked := time.Now()
		<-r.loop.Hasten()
		if took := time.Since(asked); took != 0 || r.revision() != 8 || !slices.Equal(r.sink.bundles, []int64{7, 8}) {
			t.Errorf("revision %d and bundles %v after %v; want 8 at once", r.revision(), r.sink.bundles, took)
		}
		synctest.Wait()
		if next := time.Until(r.loop.State().NextAttempt); next < closest || next > 18*time.Second {
			t.Errorf("the next poll comes after %v; want a normal interval that begins now", next)
		}
		time.Sleep(15 * time.Second)
		if polls := r.polls(); polls != 2 {
			t.Errorf("%d polls; want the early one and the one after it", polls)
		}
	})
}

// Many who ask share one poll, which comes a second after the last.
func TestAPollIsShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		time.Sleep(300 * time.Millisecond)
		r.publish(8)
		var group sync.WaitGroup
		for range 1000 {
			group.Go(func() {
				<-r.loop.Hasten()
				if r.revision() != 8 {
					t.Error("the channel was closed before the poll was over")
				}
			})
		}
		group.Wait()
		if asked := r.asked(); !slices.Equal(asked, []time.Duration{closest}) {
			t.Errorf("asked at %v; want once, a second after the last poll", asked)
		}
	})
}

// A poll that is under way may have read the head before the revision that somebody asks for was there.
func TestAPollUnderWayIsGiven(t *testing.T) {
	const slow = 400 * time.Millisecond
	for _, early := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := run(t)
			r.set(slow, nil)
			time.Sleep(2 * time.Second)
			if early { // then the poll under way brings it, and no other is needed
				r.publish(8)
			}
			first := r.loop.Hasten()
			time.Sleep(slow / 2)
			second := r.loop.Hasten()
			if first != second {
				t.Error("another channel than that of the poll under way")
			}
			if !early {
				r.publish(8)
			}
			<-second
			if got := r.revision() == 8; got != early {
				t.Errorf("revision %d after the first poll, published before it: %v", r.revision(), early)
			}
			time.Sleep(2 * time.Second)
			want := []time.Duration{2 * time.Second, 3 * time.Second}
			if early {
				want = want[:1]
			}
			if asked := r.asked(); !slices.Equal(asked, want) || r.revision() != 8 {
				t.Errorf("published before: %v: asked at %v, revision %d; want %v and 8", early, asked, r.revision(), want)
			}
		})
	}
}

// A store that fails is asked when its backoff says, whoever waits.
func TestABackoffIsNotShortened(t *testing.T) {
	for _, fault := range []error{object.ErrUnavailable, object.Postponed{Err: object.ErrUnavailable, After: 40 * time.Second}} {
		var asked [2][]time.Duration
		for i := range asked {
			synctest.Test(t, func(t *testing.T) {
				r := run(t)
				r.set(0, fault)
				for range 6000 {
					time.Sleep(100 * time.Millisecond)
					synctest.Wait()
					if i == 1 && r.polls() > 0 && r.loop.Hasten() != nil {
						t.Fatal("a poll was promised in a backoff")
					}
				}
				asked[i] = r.asked()
			})
		}
		if len(asked[0]) < 10 || !slices.Equal(asked[0], asked[1]) {
			t.Errorf("%v: asked at %v; with somebody who hastens it at %v", fault, asked[0], asked[1])
		}
	}
}

// While a store hangs a poll is nearly always under way. Nobody waits for it but those who came before the first one failed.
func TestNobodyWaitsForAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		r.mu.Lock()
		r.hang = true
		r.mu.Unlock()
		time.Sleep(time.Minute)
		if failures := r.loop.State().Failures; failures == 0 {
			t.Fatal("no poll has failed")
		}
		hanging := 0
		for range 6000 {
			time.Sleep(100 * time.Millisecond)
			synctest.Wait()
			if s := r.loop.State(); s.LastAttempt.After(s.LastError.At) {
				hanging++
			}
			if r.loop.Hasten() != nil {
				t.Fatalf("%v into the outage a poll was promised", time.Since(r.begun))
			}
		}
		if hanging == 0 {
			t.Error("no poll was under way when one was asked for")
		}
	})
}

// The last words of a store that went away are those of a poll that was hastened.
func TestAHastenedPollThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := run(t)
		time.Sleep(2 * time.Second)
		r.set(0, object.ErrUnavailable)
		<-r.loop.Hasten()
		if r.loop.Hasten() != nil {
			t.Error("a poll was promised in a backoff")
		}
		r.set(0, nil)
		r.settle()
		if r.loop.Hasten() == nil {
			t.Error("no poll was promised once the store answers again")
		}
	})
}

// Whoever asks for a revision that the store does not have sets no pace.
func TestAskingInVainCostsLittle(t *testing.T) {
	for _, random := range []float64{0, 0.5, 0.999999} {
		synctest.Test(t, func(t *testing.T) { askInVain(t, random) })
	}
}

func askInVain(t *testing.T, random float64) {
	const watched = 10 * time.Minute
	r := run(t, func(c *Config) { c.Random = func() float64 { return random } })
	time.Sleep(2 * time.Second)
	for begin := time.Now(); time.Since(begin) < watched; time.Sleep(10 * time.Millisecond) {
		if r.loop.Hasten() == nil {
			t.Fatal("the store answers, and no poll is promised")
		}
	}
	asked := r.asked()
	shortest := time.Duration((1 - spread) * float64(15*time.Second))
	if most := int(watched/shortest) + 6; len(asked) > most {
		t.Errorf("asked %d times in %v; want at most %d", len(asked), watched, most)
	}
	for i, at := range asked[1:] {
		if at-asked[i] < closest {
			t.Errorf("asked at %v and %v; want a second between them", asked[i], at)
		}
	}
	r.publish(8)
	time.Sleep(18 * time.Second)
	r.publish(9)
	<-r.loop.Hasten()
	begin := time.Now()
	r.publish(10)
	if <-r.loop.Hasten(); r.revision() != 10 || time.Since(begin) > closest {
		t.Errorf("revision %d after %v; want 10 within %v: a poll with news ends the caution", r.revision(), time.Since(begin), closest)
	}
}

func TestNobodyWaitsForALoopThatDoesNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		if b.loop.Hasten() != nil {
			t.Error("a poll was promised before Run")
		}
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { b.loop.Run(ctx) })
		synctest.Wait()
		cancel()
		if over := b.loop.Hasten(); over != nil {
			<-over
		}
		group.Wait()
		if b.loop.Hasten() != nil {
			t.Error("a poll was promised after Run")
		}
	})
}

func TestTheEndOfRunEndsTheWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.publish(7)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { b.loop.Run(ctx) })
		time.Sleep(freshSpread / 2) // with a random of one half the first poll was made this moment
		synctest.Wait()
		over := b.loop.Hasten()
		cancel()
		select {
		case <-over:
		case <-time.After(time.Minute):
			t.Error("whoever waits for a poll that Run will not make waits for ever")
		}
		group.Wait()
	})
}
