package publish

import (
	"context"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// ticking is a publisher whose clock the test sets.
type ticking struct {
	*Publisher
	time time.Time
}

func newTicking(t *testing.T, f *fake, k key) *ticking {
	t.Helper()
	clocked := &ticking{time: noon}
	c := k.config(f)
	c.Now = func() time.Time { return clocked.time }
	clocked.Publisher = newPublisher(t, c)
	return clocked
}

// settled publishes flags that wait for their moment.
func (p *ticking) settled(t *testing.T, settle time.Duration, names ...string) bundle.Manifest {
	t.Helper()
	r := request(document(names...), "settled")
	r.Settle = settle
	return p.must(t, r)
}

func (p *ticking) must(t *testing.T, r Request) bundle.Manifest {
	t.Helper()
	result, err := p.Publish(context.Background(), r)
	if err != nil {
		t.Fatalf("publish %s: %v", r.Message, err)
	}
	return result.Head.Manifest()
}

// The moment is a whole second, and never sooner than it was asked for; what is published without one has none.
func TestSettle(t *testing.T) {
	for name, row := range map[string]struct {
		now    time.Time
		settle time.Duration
		want   time.Time
	}{
		"none":               {noon, 0, time.Time{}},
		"the shortest":       {noon, MinSettle, noon.Add(time.Second)},
		"the longest":        {noon, MaxSettle, noon.Add(time.Hour)},
		"within a second":    {noon.Add(1), time.Second, noon.Add(2 * time.Second)},
		"of part of seconds": {noon, 1500 * time.Millisecond, noon.Add(2 * time.Second)},
		"in another zone":    {noon.In(time.FixedZone("east", 7200)), time.Minute, noon.Add(time.Minute)},
	} {
		t.Run(name, func(t *testing.T) {
			p := newTicking(t, newFake(), newKey(t))
			p.time = row.now
			if got := p.settled(t, row.settle, "a").ActivateAt; got != row.want { // and so in UTC
				t.Errorf("active at %v; want %v", got, row.want)
			}
		})
	}
}

// Whatever else changes in a head, flags become active at the moment that they were published for: neither sooner, by a writer whose clock
// is ahead, nor later. Once that is long past, it is dropped.
func TestOtherWritesKeepTheMoment(t *testing.T) {
	writes := map[string]func(t *testing.T, p *Publisher) bundle.Manifest{
		"kill": func(t *testing.T, p *Publisher) bundle.Manifest {
			return mustOverride(t, p, killing("a", "fire")).Head.Manifest()
		},
		"set": func(t *testing.T, p *Publisher) bundle.Manifest {
			o := killing("a", "staff first")
			o.Variant, o.Segment = "on", "staff"
			return mustOverride(t, p, o).Head.Manifest()
		},
		"restore": func(t *testing.T, p *Publisher) bundle.Manifest {
			return mustRestore(t, p, Restoring{Flag: "b", Author: "bo", Message: "over"}).Head.Manifest()
		},
		"resign": func(t *testing.T, p *Publisher) bundle.Manifest { return resign(t, p).Head.Manifest() },
		"renew": func(t *testing.T, p *Publisher) bundle.Manifest {
			return resign(t, p, func(r *Resigning) { r.ValidFor, r.Later = 48*time.Hour, true }).Head.Manifest()
		},
	}
	at := noon.Add(time.Minute)
	for name, write := range writes {
		for when, row := range map[string]struct {
			now  time.Time
			want time.Time
		}{
			"before":                            {noon.Add(time.Second), at},
			"at it":                             {at, at},
			"after, for clocks that are behind": {at.Add(bundle.ClockSlack - time.Second), at},
			"long after":                        {at.Add(bundle.ClockSlack), time.Time{}},
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				f, k := newFake(), newKey(t)
				p := newTicking(t, f, k)
				mustPublish(t, p.Publisher, "one", "a", "b")
				mustOverride(t, p.Publisher, killing("b", "earlier"))
				r := request(document("a", "b", "c"), "settled")
				r.Settle, r.ValidFor = time.Minute, 24*time.Hour
				before := p.must(t, r)
				p.time = row.now
				got := write(t, p.Publisher)
				if got.ActivateAt != row.want || got.Bundle.Digest != before.Bundle.Digest || got.Revision != before.Revision+1 {
					t.Errorf("revision %d is active at %v with bundle %s; want %v with %s", got.Revision, got.ActivateAt, got.Bundle.Digest, row.want, before.Bundle.Digest)
				}
			})
		}
	}
}

// A kill that is made anew on somebody else's head takes the moment of that head, and not of the one that it began with.
func TestAKillTakesTheMomentOfTheHeadThatItLandsOn(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newTicking(t, f, k)
	mustPublish(t, p.Publisher, "one", "a")
	once := false
	f.plan = func(_ int, op, key string) fault {
		if op == "replace" && key == bundle.HeadKey && !once {
			once = true
			newTicking(t, f.another(nil), k).settled(t, time.Minute, "a", "b")
		}
		return none
	}
	if got := mustOverride(t, p.Publisher, killing("a", "fire")).Head.Manifest(); got.Revision != 3 || got.ActivateAt != noon.Add(time.Minute) {
		t.Errorf("revision %d is active at %v", got.Revision, got.ActivateAt)
	}
}

// Flags that are published while others settle are active at once, or at a moment of their own.
func TestAPublicationEndsTheSettlingBefore(t *testing.T) {
	for name, row := range map[string]struct {
		change func(r *Request, first bundle.Verified)
		want   time.Time // of revision 3
	}{
		"other flags":               {func(*Request, bundle.Verified) {}, time.Time{}},
		"other flags that settle":   {func(r *Request, _ bundle.Verified) { r.Settle = time.Hour }, noon.Add(time.Hour + time.Second)},
		"the same flags, now":       {func(r *Request, _ bundle.Verified) { r.Document = document("a", "b") }, time.Time{}},
		"back to the flags before":  {func(r *Request, first bundle.Verified) { *r = rollback(first) }, time.Time{}},
		"back, and settling itself": {func(r *Request, first bundle.Verified) { *r = rollback(first); r.Settle = time.Minute }, noon.Add(61 * time.Second)},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			p := newTicking(t, f, k)
			mustPublish(t, p.Publisher, "one", "a")
			first := revisionOf(t, f, k, 1)
			p.settled(t, time.Minute, "a", "b")
			p.time = noon.Add(time.Second)
			r := request(document("a", "b", "c"), "next")
			row.change(&r, first)
			if got := p.must(t, r); got.Revision != 3 || got.ActivateAt != row.want {
				t.Errorf("revision %d is active at %v; want 3 at %v", got.Revision, got.ActivateAt, row.want)
			}
		})
	}
}

// A pipeline that runs again does not move the moment of what it published, and makes no revision of flags that are active.
func TestTheSameFlagsAgainWithSettle(t *testing.T) {
	p := newTicking(t, newFake(), newKey(t))
	for _, now := range []time.Time{noon, noon.Add(time.Second), noon.Add(time.Hour)} {
		p.time = now
		if got := p.settled(t, time.Minute, "a"); got.Revision != 1 || got.ActivateAt != noon.Add(time.Minute) {
			t.Errorf("at %v: revision %d, active at %v", now, got.Revision, got.ActivateAt)
		}
	}
	if got := p.settled(t, 0, "a"); got.Revision != 1 {
		t.Errorf("active flags were made revision %d", got.Revision)
	}
}

func TestSettleRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		change func(r *Request, first bundle.Verified)
		want   func(error) bool
	}{
		"negative":           {func(r *Request, _ bundle.Verified) { r.Settle = -time.Second }, anyError},
		"too short":          {func(r *Request, _ bundle.Verified) { r.Settle = MinSettle - 1 }, anyError},
		"too long":           {func(r *Request, _ bundle.Verified) { r.Settle = MaxSettle + 1 }, anyError},
		"over at the moment": {func(r *Request, _ bundle.Verified) { r.Settle, r.ValidFor = time.Minute, time.Minute }, rule(RuleSettle, "active at 2026-03-01T12:01:00Z, and is valid until 2026-03-01T12:01:00Z")},
		"back past the end of the head": {
			func(r *Request, first bundle.Verified) { *r = rollback(first); r.Settle = time.Hour },
			rule(RuleSettle, "valid until 2026-03-01T12:30:00Z"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			p := newTicking(t, f, k)
			mustPublish(t, p.Publisher, "one", "a")
			first := revisionOf(t, f, k, 1)
			ending := request(document("a", "b"), "ending")
			ending.ValidFor = 30 * time.Minute
			p.must(t, ending)
			r := request(document("a", "b", "c"), "next")
			row.change(&r, first)
			if _, err := p.Publish(context.Background(), r); err == nil || !row.want(err) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestResignRefusesAnEndBeforeTheMoment(t *testing.T) {
	p := newTicking(t, newFake(), newKey(t))
	p.settled(t, time.Minute, "a")
	if _, err := p.Resign(context.Background(), Resigning{Author: "bo", Message: "short", ValidFor: time.Second}); !rule(RuleSettle, "12:01:00Z")(err) {
		t.Errorf("error %v", err)
	}
}

// The oldest pin rises up to the number of the new revision, never falls, and stays in all that follows.
func TestOldestPin(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newTicking(t, f, k)
	names := []string{"a"}
	publish := func(oldest int64) (int64, error) {
		names = append(names, "b")
		r := request(document(many(len(names))...), "next")
		r.OldestPin = oldest
		result, err := p.Publish(context.Background(), r)
		return result.Head.Manifest().OldestPin, err
	}
	for _, row := range []struct {
		asked, want int64 // want 0 is a refusal
	}{
		{2, 0}, {1, 1}, {0, 1}, {4, 0}, {3, 3}, {2, 0}, {3, 3}, {5, 5},
	} {
		got, err := publish(row.asked)
		if row.want == 0 && !rule(RulePin, "the oldest pin cannot be")(err) || row.want > 0 && (err != nil || got != row.want) {
			t.Fatalf("asked for %d: %d (%v); want %d", row.asked, got, err, row.want)
		}
	}
	if got := mustOverride(t, p.Publisher, killing("a", "fire")).Head.Manifest().OldestPin; got != 5 {
		t.Errorf("after a kill it is %d", got)
	}
	back := rollback(revisionOf(t, f, k, 2))
	back.OldestPin, back.AllowShrink = 7, true
	if got := p.must(t, back); got.OldestPin != 7 || got.Revision != 7 {
		t.Errorf("after going back it is %d in revision %d", got.OldestPin, got.Revision)
	}
	r := request(document(), "negative")
	r.OldestPin = -1
	if _, err := p.Publish(context.Background(), r); err == nil {
		t.Error("a negative one was taken")
	}
}

// Ending pins is reason enough for a revision of the same flags; asking for what is so already is none.
func TestOldestPinOfTheSameFlags(t *testing.T) {
	p := newTicking(t, newFake(), newKey(t))
	r := request(document("a"), "one")
	p.must(t, r)
	r.OldestPin = 2
	for range 2 {
		if got := p.must(t, r); got.Revision != 2 || got.OldestPin != 2 {
			t.Errorf("revision %d with oldest pin %d", got.Revision, got.OldestPin)
		}
	}
	r.OldestPin = 1
	if _, err := p.Publish(context.Background(), r); !rule(RulePin, "the head has 2")(err) {
		t.Errorf("error %v", err)
	}
}
