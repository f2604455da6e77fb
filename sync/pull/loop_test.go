package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/object"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const document = `{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}}}`

// sink remembers what it was handed.
type sink struct {
	mu        sync.Mutex
	heads     []int64
	bundles   []int64
	confirmed int
	refuse    error
}

func (s *sink) Head(h bundle.Head) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.heads = append(s.heads, h.Manifest().Revision)
}

func (s *sink) Bundle(v bundle.Verified) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.bundles = append(s.bundles, v.Head().Manifest().Revision)
	return nil
}

func (s *sink) Confirmed(time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.confirmed++
}

// bench is a loop over a store in memory, stepped by hand.
type bench struct {
	*bundletest.Maker
	source *bundletest.Source
	sink   *sink
	loop   *Loop
}

func newBench(t *testing.T, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{Maker: bundletest.New(t), source: bundletest.NewSource(), sink: &sink{}}
	c := Config{Source: b.source, Sink: b.sink, Policy: b.Policy(), Interval: 15 * time.Second, Random: func() float64 { return 0.5 }}
	for _, f := range change {
		f(&c)
	}
	loop, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.loop = loop
	return b
}

func (b *bench) publish(revision int64, change ...func(*bundle.Manifest)) {
	b.source.Publish(b.Make(revision, document, 1, change...))
}

func (b *bench) poll(t *testing.T) State {
	t.Helper()
	b.loop.poll(t.Context())
	return b.loop.State()
}

func TestAHeadIsReadOnceAndThenConfirmed(t *testing.T) {
	b := newBench(t)
	b.publish(7)
	for range 3 {
		b.poll(t)
	}
	if !slices.Equal(b.sink.heads, []int64{7}) || !slices.Equal(b.sink.bundles, []int64{7}) || b.sink.confirmed != 3 {
		t.Errorf("sink got heads %v, bundles %v, %d confirmations; want 7, 7 and 3", b.sink.heads, b.sink.bundles, b.sink.confirmed)
	}
	if st := b.loop.State(); st.Changed != 1 || st.Unchanged != 2 {
		t.Errorf("%d changed and %d unchanged polls; want 1 and 2", st.Changed, st.Unchanged)
	}
}

// A verdict stands while the store cannot be read, and falls once the store is known to hold something else.
func TestARefusalLastsAsLongAsWhatWasRefused(t *testing.T) {
	b := newBench(t)
	b.publish(7)
	b.poll(t)
	b.source.Put(bundle.HeadKey, []byte("<html>"))
	b.poll(t)
	b.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
	if st := b.poll(t); st.Rejected == nil || st.LastError == nil {
		t.Errorf("rejected %+v, last error %+v while nothing can be read; want both", st.Rejected, st.LastError)
	}
	b.source.Break(nil)
	b.source.Put(bundle.HeadKey, nil)
	if st := b.poll(t); st.Rejected != nil || st.LastError == nil {
		t.Errorf("rejected %+v, last error %+v without a head; want the error alone", st.Rejected, st.LastError)
	}
	b.source.Put(bundle.HeadKey, []byte("<html>"))
	b.poll(t)
	b.source.Put(bundle.HeadKey, b.Make(8, document+" ", 1).Head)
	if st := b.poll(t); st.Rejected != nil || st.LastError == nil {
		t.Errorf("rejected %+v, last error %+v with a head whose bundle is not there; want the error alone", st.Rejected, st.LastError)
	}
}

func TestAHeadOverTheSameBundleFetchesNothing(t *testing.T) {
	b := newBench(t)
	b.publish(7)
	b.poll(t)
	made := b.Make(8, document, 1)
	b.source.Put(bundle.HeadKey, made.Head)
	b.source.Put(bundle.Key(made.Ref.Digest), nil)
	st := b.poll(t)
	if !slices.Equal(b.sink.bundles, []int64{7, 8}) || b.source.Gets(bundle.Key(made.Ref.Digest)) != 1 {
		t.Errorf("bundles %v after %d fetches, last error %v; want 7 and 8 after one", b.sink.bundles, b.source.Gets(bundle.Key(made.Ref.Digest)), st.LastError)
	}
}

func TestRefusals(t *testing.T) {
	other := bundletest.New(t)
	for _, row := range []struct {
		name   string
		spoil  func(b *bench)
		reason bundle.Reason
		heads  []int64 // whose overrides may act
	}{
		{"older", func(b *bench) { b.publish(6) }, bundle.ReasonOlder, nil},
		{"same revision, other payload", func(b *bench) {
			b.publish(7, func(m *bundle.Manifest) { m.Change.Message = "another story" })
		}, bundle.ReasonFork, nil},
		{"far ahead", func(b *bench) { b.publish(7 + bundle.MaxJump + 1) }, bundle.ReasonJump, nil},
		{"another environment", func(b *bench) {
			b.publish(8, func(m *bundle.Manifest) { m.Environment = "shop/other" })
		}, bundle.ReasonEnvironment, nil},
		{"wrongly signed", func(b *bench) { b.source.Publish(other.Make(8, document, 1)) }, bundle.ReasonSignature, nil},
		{"oversized head", func(b *bench) { b.source.Put(bundle.HeadKey, make([]byte, bundle.MaxManifest+1)) }, bundle.ReasonOversized, nil},
		{"garbage", func(b *bench) { b.source.Put(bundle.HeadKey, []byte("<html>")) }, bundle.ReasonEnvelope, nil},
		{"oversized bundle", func(b *bench) {
			made := b.Make(8, document+" ", 1)
			b.source.Publish(made)
			b.source.Put(bundle.Key(made.Ref.Digest), append(made.Bundle, 'x'))
		}, bundle.ReasonOversized, []int64{8}},
		{"flipped bundle", func(b *bench) {
			made := b.Make(8, document+" ", 1)
			b.source.Publish(made)
			flipped := slices.Clone(made.Bundle)
			flipped[20] ^= 1
			b.source.Put(bundle.Key(made.Ref.Digest), flipped)
		}, bundle.ReasonDigest, []int64{8}},
		{"emptied without the mark", func(b *bench) {
			made := b.Make(8, `{"flags":{}}`, 0, func(m *bundle.Manifest) { m.Bundle.PreviousFlags = 1 })
			b.source.Publish(made)
		}, bundle.ReasonShrink, []int64{8}},
	} {
		t.Run(row.name, func(t *testing.T) {
			b := newBench(t)
			b.publish(7)
			b.poll(t)
			row.spoil(b)
			b.poll(t)
			st := b.poll(t)
			if st.Rejected == nil || st.Rejected.Reason != row.reason || st.Refusals[row.reason] != 1 {
				t.Errorf("rejected %+v, counted %v; want %q once", st.Rejected, st.Refusals, row.reason)
			}
			if b.sink.confirmed != 1 || !slices.Equal(b.sink.bundles, []int64{7}) {
				t.Errorf("bundles %v, %d confirmations; want what was before", b.sink.bundles, b.sink.confirmed)
			}
			if want := append([]int64{7}, row.heads...); !slices.Equal(b.sink.heads, want) {
				t.Errorf("heads %v; want %v", b.sink.heads, want)
			}
			b.publish(9)
			if st := b.poll(t); st.Rejected != nil || !slices.Equal(b.sink.bundles, []int64{7, 9}) {
				t.Errorf("after a good head: bundles %v, rejected %+v", b.sink.bundles, st.Rejected)
			}
		})
	}
}

func TestARefusedBundleIsNotFetchedAgain(t *testing.T) {
	b := newBench(t)
	b.sink.refuse = bundle.Refuse(bundle.ReasonBroken, "all broken")
	b.publish(7)
	for range 5 {
		b.poll(t)
	}
	key := bundle.Key(b.Make(7, document, 1).Ref.Digest)
	if n := b.source.Gets(key); n != 1 {
		t.Errorf("refused bundle fetched %d times; want 1", n)
	}
	b.sink.refuse = nil
	b.publish(8)
	if b.poll(t); !slices.Equal(b.sink.bundles, []int64{8}) {
		t.Errorf("bundles %v after a new head; want 8", b.sink.bundles)
	}
}

// One bad read, of the head or of the bundle, is not the end of a revision.
func TestADamagedReadIsRepeated(t *testing.T) {
	for _, damaged := range []string{bundle.HeadKey, "bundles/"} {
		b := newBench(t)
		b.publish(7)
		b.poll(t)
		b.source.Publish(b.Make(8, document+" ", 1))
		b.source.Break(func(_ context.Context, key string) (func([]byte) []byte, error) {
			if !strings.HasPrefix(key, damaged) {
				return nil, nil
			}
			return func(body []byte) []byte { return body[:len(body)/2] }, nil
		})
		if st := b.poll(t); st.Rejected == nil {
			t.Errorf("%s: half of it was accepted", damaged)
		}
		b.source.Break(nil)
		if st := b.poll(t); st.Rejected != nil || !slices.Equal(b.sink.bundles, []int64{7, 8}) {
			t.Errorf("%s: bundles %v, rejected %+v after a good read; want 7 and 8", damaged, b.sink.bundles, st.Rejected)
		}
	}
}

func TestAPollIsCountedOnce(t *testing.T) {
	b := newBench(t)
	made := b.Make(7, document, 1)
	b.source.Put(bundle.HeadKey, made.Head)
	b.poll(t)
	b.source.Publish(made)
	b.poll(t)
	if st := b.poll(t); st.Failed != 1 || st.Changed+st.Unchanged != 2 {
		t.Errorf("%d failed, %d changed and %d unchanged of 3 polls, the first without its bundle", st.Failed, st.Changed, st.Unchanged)
	}
}

func TestABundleThatIsNotThereYetIsAskedForAgain(t *testing.T) {
	b := newBench(t)
	made := b.Make(7, document, 1)
	b.source.Put(bundle.HeadKey, made.Head)
	if st := b.poll(t); st.Failures != 1 || st.LastError.Kind != "not-found" || st.HeadRevision != 7 {
		t.Errorf("state %+v; want a failure of kind not-found at head 7", st)
	}
	b.source.Publish(made)
	if st := b.poll(t); st.Failures != 0 || !slices.Equal(b.sink.bundles, []int64{7}) || !slices.Equal(b.sink.heads, []int64{7}) {
		t.Errorf("state %+v, heads %v, bundles %v; want all of 7", st, b.sink.heads, b.sink.bundles)
	}
}

func TestFailuresAreNamed(t *testing.T) {
	for kind, fault := range map[string]error{
		"forbidden": object.ErrForbidden, "no-store": object.ErrNoStore, "not-found": object.ErrNotFound, "unavailable": object.ErrUnavailable,
		"timeout": fmt.Errorf("%w: %w", object.ErrUnavailable, context.DeadlineExceeded), "other": errors.New("strange"),
	} {
		b := newBench(t)
		b.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, fault })
		if st := b.poll(t); st.LastError == nil || st.LastError.Kind != kind || st.Failures != 1 {
			t.Errorf("%v: last error %+v; want kind %s", fault, st.LastError, kind)
		}
	}
}

func TestMinRevisionGuardsAFreshProcess(t *testing.T) {
	b := newBench(t, func(c *Config) { c.MinRevision = 10 })
	b.publish(9)
	if st := b.poll(t); st.Rejected == nil || st.Rejected.Reason != bundle.ReasonOlder {
		t.Errorf("rejected %+v; want older", st.Rejected)
	}
	b.publish(10)
	if b.poll(t); !slices.Equal(b.sink.bundles, []int64{10}) {
		t.Errorf("bundles %v; want 10", b.sink.bundles)
	}
}

func TestAnOutageNeverEndsThePolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.publish(7)
		ctx, cancel := context.WithCancel(t.Context())
		var group sync.WaitGroup
		group.Go(func() { b.loop.Run(ctx) })
		time.Sleep(time.Minute)
		b.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
		time.Sleep(72 * time.Hour)
		st := b.loop.State()
		if ago := time.Since(st.LastAttempt); ago > maxRetry || st.Failures < 72*60 {
			t.Errorf("last attempt %v ago, %d failures; want one within %v for 72 hours", ago, st.Failures, maxRetry)
		}
		b.source.Break(nil)
		b.publish(8)
		time.Sleep(maxRetry + time.Second)
		if st := b.loop.State(); st.Failures != 0 || st.HeadRevision != 8 {
			t.Errorf("state %+v a minute after the outage; want revision 8", st)
		}
		cancel()
		group.Wait()
	})
}

func TestAHangingStoreMeetsItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.source.Break(func(ctx context.Context, _ string) (func([]byte) []byte, error) {
			<-ctx.Done()
			return nil, object.Ended(ctx)
		})
		start := time.Now()
		st := b.poll(t)
		if took := time.Since(start); took != headDeadline || st.LastError.Kind != "timeout" {
			t.Errorf("poll took %v and said %+v; want a timeout after %v", took, st.LastError, headDeadline)
		}
	})
}

func TestWaits(t *testing.T) {
	for _, random := range []float64{0, 0.5, 0.999999} {
		w := newWaits(Config{Interval: 15 * time.Second, StaleAfter: time.Minute, Random: func() float64 { return random }})
		if wait := w.fresh(); wait > freshSpread {
			t.Errorf("fresh wait %v; want at most %v", wait, freshSpread)
		}
		if wait := w.good(); wait > 18*time.Second || random == 0 && wait != 0 {
			t.Errorf("first good wait %v; want a part of one", wait)
		}
		for range 100 {
			if wait := w.good(); wait < 12*time.Second || wait > 18*time.Second {
				t.Errorf("good wait %v; want 15s ±20%%", wait)
			}
		}
		last := time.Duration(0)
		for i := range 100 {
			wait := w.bad(true)
			if wait < last || wait > maxRetry || i == 0 && wait > firstRetry {
				t.Errorf("retry %d after %v, before it %v; want growth up to %v", i, wait, last, maxRetry)
			}
			last = wait
		}
		if w.good(); w.bad(true) > firstRetry {
			t.Error("a good poll does not start the growth anew")
		}
	}
}

// A store that asks to be left alone is, at least for so long and at most for the longest pause; one that asks for less than is due anyway
// gets what is due.
func TestRetryAfter(t *testing.T) {
	for _, row := range []struct {
		asks, stale, least, most time.Duration
	}{
		{10 * time.Second, time.Hour, 10 * time.Second, 12 * time.Second},
		{time.Hour, time.Hour, 48 * time.Second, maxRetry},
		{time.Hour, 20 * time.Second, 16 * time.Second, 20 * time.Second},
		{55 * time.Second, time.Hour, 55 * time.Second, maxRetry},
		{time.Millisecond, time.Hour, firstRetry / 2, firstRetry},
		{0, time.Hour, firstRetry / 2, firstRetry},
	} {
		seen := map[time.Duration]bool{}
		for _, random := range []float64{0, 0.5, 0.999999} {
			b := newBench(t, func(c *Config) { c.StaleAfter, c.Random = row.stale, func() float64 { return random } })
			b.source.Break(func(context.Context, string) (func([]byte) []byte, error) {
				return nil, object.Postponed{Err: object.ErrUnavailable, After: row.asks}
			})
			wait := b.loop.poll(t.Context())
			if wait < row.least || wait > row.most {
				t.Errorf("asked for %v, stale after %v: a pause of %v; want %v to %v", row.asks, row.stale, wait, row.least, row.most)
			}
			seen[wait] = true
		}
		if len(seen) < 2 {
			t.Errorf("asked for %v, stale after %v: whoever was sent away at once comes back at once", row.asks, row.stale)
		}
	}
}

func TestKindsOfFailure(t *testing.T) {
	for kind, err := range map[string]error{
		"credentials": fmt.Errorf("%w: %w", object.ErrUnavailable, object.ErrCredentials),
		"tls":         fmt.Errorf("%w: %w", object.ErrUnavailable, object.ErrInsecure),
		"clock":       object.ErrClock,
		"timeout":     fmt.Errorf("%w: %w", object.ErrUnavailable, context.DeadlineExceeded),
		"forbidden":   object.ErrForbidden,
		"no-store":    object.ErrNoStore,
		"not-found":   object.ErrNotFound,
		"unavailable": object.ErrUnavailable,
		"other":       errors.New("something else"),
	} {
		if got := kindOf(err); got != kind {
			t.Errorf("%v is of kind %s, want %s", err, got, kind)
		}
	}
}
