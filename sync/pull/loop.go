// Package pull decides when to ask the store and what to do with what came: it polls the head, verifies it, lets its overrides take
// effect, fetches the bundle that it names, and hands on only what passed. It never gives up: while the store fails it waits longer
// each time, up to a bound, for ever.
package pull

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Source is what the loop needs of a store; see object.Store for its errors.
type Source interface {
	Get(ctx context.Context, key, have string, limit int64) (object.Object, error)
}

// Sink is told what passed. Its methods are called from one goroutine, in order.
type Sink interface {
	// Head is a newly accepted head: its overrides take effect, whatever becomes of its bundle.
	Head(head bundle.Head)
	// Bundle is the same head with its bundle. An error refuses it and leaves what was served before.
	Bundle(verified bundle.Verified) error
	// Confirmed says that the store's newest state is what is served.
	Confirmed(at time.Time)
}

// Known is what was accepted before this process started, verified again with today's keys.
type Known struct {
	Head   bundle.Head      // the newest one; its zero value means none
	Served *bundle.Verified // what is served, perhaps under an older head; nil means nothing
}

// Config says what to poll and how often.
type Config struct {
	Source      Source        // required
	Sink        Sink          // required
	Policy      bundle.Policy // required
	Known       Known
	Late        <-chan func() Known                             // gives once what was known too late for Known; it is called between two polls; nil gives nothing
	MinRevision int64                                           // a fresh process takes nothing below it
	Attempt     func(head bundle.Head, take func() error) error // unpacks a head's bundle and hands it on by calling take, or refuses it; nil means take
	Interval    time.Duration                                   // between good polls, ±20 %; 0 means 15s
	StaleAfter  time.Duration                                   // bounds the wait between failed polls; 0 means 4 intervals
	Random      func() float64                                  // in [0,1); nil means math/rand/v2
	Log         hclog.Logger                                    // nil logs nothing
}

// Loop polls one store. Make it with New.
type Loop struct {
	config  Config
	floor   floor
	have    seen
	served  served
	waits   waits
	early   early
	sooner  bool // the poll that comes was brought forward
	mu      sync.Mutex
	state   State
	refused map[bundle.Reason]uint64
}

// seen is the last head that the store gave, and what became of it. While its tag stands, the store says no more than "not modified".
type seen struct {
	tag     string
	head    bundle.Head
	verdict error // a refusal of the head or of its bundle, final until the head changes
	doubted bool  // the bundle's bytes were wrong once
	news    bool  // the head came with the poll that is under way
}

// served is the bundle behind the answers, kept packed so that a head over the same bundle needs no fetch.
type served struct {
	stored  []byte
	digest  bundle.Digest
	payload bundle.Digest // of the head that was handed on with it
}

func servedBy(v bundle.Verified) served {
	return served{v.Stored(), v.Head().Manifest().Bundle.Digest, v.Head().Payload()}
}

// New checks the configuration. It starts nothing.
func New(c Config) (*Loop, error) {
	switch {
	case c.Source == nil || c.Sink == nil:
		return nil, errors.New("pull: source and sink are required")
	case c.Policy.Environment == "":
		return nil, errors.New("pull: an environment is required")
	case c.Interval < 0 || c.StaleAfter < 0:
		return nil, errors.New("pull: interval and stale-after must not be negative")
	}
	if c.Interval == 0 {
		c.Interval = 15 * time.Second
	}
	if c.StaleAfter == 0 {
		c.StaleAfter = 4 * c.Interval
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	if c.Log == nil {
		c.Log = hclog.NewNullLogger()
	}
	l := &Loop{config: c, refused: map[bundle.Reason]uint64{}, waits: newWaits(c), floor: floor{min: c.MinRevision}}
	l.learn(c.Known)
	l.config.Known = Known{} // it holds a whole bundle
	return l, nil
}

// learn takes over what was accepted before. What the store said until then has to be judged anew.
func (l *Loop) learn(k Known) {
	if revision := k.Head.Manifest().Revision; revision > l.floor.revision {
		l.floor.raise(k.Head)
		l.have = seen{}
		l.note(func(s *State) { s.HeadRevision = revision })
	}
	if k.Served != nil {
		l.served = servedBy(*k.Served)
	}
}

// Run polls until ctx ends.
func (l *Loop) Run(ctx context.Context) {
	l.early.run(true)
	defer l.early.run(false)
	for wait := l.begin(); l.sleep(ctx, wait); {
		wait = l.poll(ctx)
	}
}

// begin says how long to wait before the first poll.
func (l *Loop) begin() time.Duration {
	if l.served.stored == nil {
		return l.waits.fresh()
	}
	return l.waits.start()
}

// sleep waits, less where a poll is wanted early, and tells whether ctx still stands.
func (l *Loop) sleep(ctx context.Context, wait time.Duration) bool {
	next := time.Now().Add(wait)
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		l.note(func(s *State) { s.NextAttempt = next })
		select {
		case <-ctx.Done():
			return false
		case <-timer.C:
			return ctx.Err() == nil
		case known := <-l.config.Late:
			l.learn(known())
		case <-l.early.wake:
			if due, wanted := l.early.due(l.waits.longestGood()); wanted && due.Before(next) {
				l.sooner, next = true, due
				timer.Reset(time.Until(next))
			}
		}
	}
}

// poll asks once, records what came of it and says how long to wait.
func (l *Loop) poll(ctx context.Context) time.Duration {
	began := time.Now()
	l.note(func(s *State) { s.LastAttempt = began })
	wanted, sooner := l.early.start(began), l.sooner
	if sooner {
		l.waits.bunched = true // what brings one poll forward brings a whole fleet's, to one moment
	}
	l.sooner = false
	wait, failed := l.outcome(ctx, l.ask(ctx))
	l.early.end(wanted, l.have.news, failed)
	if sooner {
		wait = max(wait, closest-time.Since(began))
	}
	return wait
}

// outcome records what came of a poll, tells how long to wait before the next, and whether it failed.
func (l *Loop) outcome(ctx context.Context, err error) (wait time.Duration, failed bool) {
	switch {
	case ctx.Err() != nil:
		return 0, false
	case err == nil:
		return l.confirmed(), false
	case bundle.ReasonOf(err) != "":
		return l.wasRefused(err), false
	default:
		return l.failed(err), true
	}
}

func (l *Loop) confirmed() time.Duration {
	now, failures := time.Now(), 0
	l.note(func(s *State) {
		failures = s.Failures
		s.succeed(now, l.have.news)
		s.Rejected = nil
	})
	if failures > 0 {
		l.config.Log.Info("store answers again", "failures", failures)
	}
	l.config.Sink.Confirmed(now)
	return l.waits.good()
}

// wasRefused keeps the normal pace: the store answers, and what mends this is a new head.
func (l *Loop) wasRefused(err error) time.Duration {
	now, news := time.Now(), false
	rejected := &Rejected{At: now, Revision: l.have.head.Manifest().Revision, Reason: bundle.ReasonOf(err), Message: err.Error()}
	l.note(func(s *State) {
		s.succeed(now, l.have.news)
		if news = !rejected.same(s.Rejected); news {
			s.Rejected = rejected
			l.refused[rejected.Reason]++
		}
	})
	if news {
		l.config.Log.Error("flags from the store refused", "reason", string(rejected.Reason), "revision", rejected.Revision, "error", err)
	}
	return l.waits.good()
}

func (l *Loop) failed(err error) time.Duration {
	wait, failures := max(l.waits.bad(l.served.stored != nil), l.waits.asked(object.RetryAfter(err))), 0
	l.note(func(s *State) {
		s.Failures++
		s.Failed++
		failures = s.Failures
		s.LastError = &Failure{At: time.Now(), Kind: kindOf(err), Message: err.Error()}
		if l.have.verdict == nil && !l.have.doubted {
			s.Rejected = nil // the store holds something else by now, or nothing
		}
	})
	l.config.Log.Warn("store not read", "error", err, "failures", failures, "retry_in", wait.Round(time.Millisecond).String())
	return wait
}
