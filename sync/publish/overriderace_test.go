package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// tryOverride overrides, and tells whether the publisher was killed meanwhile.
func tryOverride(ctx context.Context, p *Publisher, o Overriding) (done Overridden, dead bool, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			if problem != (killed{}) {
				panic(problem)
			}
			dead = true
		}
	}()
	done, err = p.Override(ctx, o)
	return done, false, err
}

// Whatever happens to whichever call of a kill: nobody is told a lie, and the next kill leaves a whole chain.
func TestEveryFaultAtEveryCallOfAKill(t *testing.T) {
	k := newKey(t)
	for met, name := range faults {
		for _, owing := range []bool{false, true} {
			for call := 1; ; call++ {
				f := prepared(t, k, 2, owing)
				f.plan = at(call, met)
				where := fmt.Sprintf("%s at call %d, owing %v", name, call, owing)
				p := newPublisher(t, k.config(f))
				done, dead, err := tryOverride(context.Background(), p, killing("a", "mine"))
				reached := f.calls
				f.plan = nil
				mustOverride(t, p, killing("b", "next"))
				written := strings.Count(messages(verifyChain(t, f, k.policy(t))), "mine")
				switch {
				case dead, errors.As(err, new(*Unknown)):
				case errors.As(err, new(*Conflict)):
					t.Errorf("%s: a conflict with nobody: %v", where, err)
				case err != nil && written != 0:
					t.Errorf("%s: written, and yet the error %v", where, err)
				case err == nil && (written != 1 || done.Outcome != Published):
					t.Errorf("%s: outcome %q, written %d times", where, done.Outcome, written)
				}
				if reached < call {
					break
				}
			}
		}
	}
}

// Somebody else moves the head between any two calls of a kill: with flags or other overrides they are no conflict, and with the same flag
// they are named.
func TestSomebodyElseAtEveryCallOfAKill(t *testing.T) {
	k := newKey(t)
	for name, row := range map[string]struct {
		theirs   func(t *testing.T, p *Publisher)
		conflict bool
	}{
		"flags":        {func(t *testing.T, p *Publisher) { mustPublish(t, p, "theirs", many(25)...) }, false},
		"another flag": {func(t *testing.T, p *Publisher) { mustOverride(t, p, killing("b", "theirs")) }, false},
		"the same flag": {func(t *testing.T, p *Publisher) {
			mustOverride(t, p, Overriding{Flag: "a", Variant: "on", Author: "cy", Message: "theirs"})
		}, true},
		"a segment of it": {func(t *testing.T, p *Publisher) {
			mustOverride(t, p, Overriding{Flag: "a", Segment: "staff", Author: "cy", Message: "theirs"})
		}, true},
		"the same flag, and then others": {func(t *testing.T, p *Publisher) {
			mustOverride(t, p, Overriding{Flag: "a", Variant: "on", Author: "cy", Message: "theirs"})
			mustOverride(t, p, killing("b", "later"))
		}, true},
		"the same as is asked for": {func(t *testing.T, p *Publisher) { mustOverride(t, p, killing("a", "theirs")) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for call := 1; ; call++ {
					f := prepared(t, k, 2, false)
					other := newPublisher(t, k.config(f))
					f.plan = func(n int, _, _ string) fault {
						if n == call {
							f.plan = nil
							row.theirs(t, other)
						}
						return none
					}
					_, err := newPublisher(t, k.config(f)).Override(context.Background(), killing("a", "mine"))
					met := f.plan == nil
					f.plan = nil
					unseen := row.conflict && met && call > 1 // they come after the first look
					checkKill(t, fmt.Sprintf("at call %d", call), messages(verifyChain(t, f, k.policy(t))), err, unseen)
					if !met {
						return
					}
				}
			})
		})
	}
}

// checkKill wants mine written, or the conflict that names who was first; unseen tells that theirs came while mine was under way.
func checkKill(t *testing.T, where, chain string, err error, unseen bool) {
	t.Helper()
	conflict := (*Conflict)(nil)
	_, after, _ := strings.Cut(chain, "theirs")
	switch {
	case errors.As(err, &conflict):
		if m := conflict.Head.Manifest(); !unseen || conflict.Flag != "a" || m.Change.Message != "theirs" || strings.Contains(chain, "mine") {
			t.Errorf("%s: %v, over %q", where, err, chain)
		}
	case err != nil:
		t.Errorf("%s: %v", where, err)
	case unseen && strings.Contains(after, "mine"):
		t.Errorf("%s: mine was written over theirs unseen: %q", where, chain)
	case !strings.Contains(chain, "mine") && !strings.Contains(chain, "theirs"):
		t.Errorf("%s: no kill in the chain %q", where, chain)
	}
}

// slow makes each call of a fake take a moment of the bubble's time, and meet a fault where faulty.
func slow(f *fake, faulty bool) {
	f.plan = func(int, string, string) fault {
		time.Sleep(time.Duration(rand.IntN(int(20 * time.Millisecond))))
		if faulty && rand.IntN(10) == 0 {
			return []fault{lostAnswer, retried}[rand.IntN(2)]
		}
		return none
	}
}

// Fifty people are at work at once, with and without answers that get lost: as many as a head has room for kill a flag each, and the others
// publish. No kill is lost, and none is told of a conflict.
func TestManyKillDifferentFlags(t *testing.T) {
	const people = 50
	for _, faulty := range []bool{false, true} {
		t.Run(fmt.Sprintf("faulty=%v", faulty), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKey(t)
				f := prepared(t, k, 1, false)
				slow(f, faulty)
				told := make([]string, people)
				var wg sync.WaitGroup
				for who := range people {
					p, message := newPublisher(t, k.config(f)), fmt.Sprintf("p%d", who)
					wg.Go(func() {
						if who >= bundle.MaxOverrides {
							_, _ = p.Publish(context.Background(), request(document(many(who)...), message)) // conflicts are theirs to settle
							return
						}
						_, err := p.Override(context.Background(), killing(message, message))
						told[who] = tale(err, false)
						if err != nil && (!faulty || errors.As(err, new(*Conflict))) {
							t.Errorf("%s: %v", message, err)
						}
					})
				}
				wg.Wait()
				f.plan = nil
				chain := verifyChain(t, f, k.policy(t))
				standing := " " + forcedBy(chain[len(chain)-1]) + " "
				for who := range bundle.MaxOverrides {
					stands := strings.Contains(standing, fmt.Sprintf(" p%d= ", who))
					if told[who] == "yes" && !stands || told[who] == "no" && stands {
						t.Errorf("p%d was told %q; the head says %q", who, told[who], standing)
					}
				}
			})
		})
	}
}

// Ten people set one flag at once, each to another variant, five times: one wins each round, and the others are told who.
func TestManySetTheSameFlag(t *testing.T) {
	const people, rounds = 10, 5
	synctest.Test(t, func(t *testing.T) {
		k := newKey(t)
		f := prepared(t, k, 1, false)
		for round := range rounds {
			slow(f, false)
			var mu sync.Mutex
			won, lost := 0, []*Conflict{}
			begin := make(chan struct{})
			f.plan = together(f.plan, people, begin)
			var wg sync.WaitGroup
			for who := range people {
				p, name := newPublisher(t, k.config(f)), fmt.Sprintf("r%d-p%d", round, who)
				wg.Go(func() {
					_, err := p.Override(context.Background(), Overriding{Flag: "a", Variant: name, Author: name, Message: name})
					mu.Lock()
					defer mu.Unlock()
					conflict := (*Conflict)(nil)
					switch {
					case err == nil:
						won++
					case errors.As(err, &conflict):
						lost = append(lost, conflict)
					default:
						t.Errorf("%s: %v", name, err)
					}
				})
			}
			wg.Wait()
			f.plan = nil
			chain := verifyChain(t, f, k.policy(t))
			winner := chain[len(chain)-1]
			if won != 1 || len(lost) != people-1 || len(chain) != round+2 {
				t.Errorf("round %d: %d won, %d were told of a conflict, and there are %d revisions", round, won, len(lost), len(chain))
			}
			for _, c := range lost {
				if m := c.Head.Manifest(); c.Flag != "a" || m.Revision != winner.Revision || m.Change.Author != winner.Overrides[0].Author {
					t.Errorf("round %d: %v; want the winner %s named", round, c, winner.Change.Author)
				}
			}
		}
	})
}

// together lets nobody past their second call before all have made their first, which reads the head.
func together(plan func(int, string, string) fault, people int, begin chan struct{}) func(int, string, string) fault {
	var mu sync.Mutex
	reads := 0
	return func(n int, op, key string) fault {
		if key == bundle.HeadKey && op == "get" {
			defer func() {
				mu.Lock()
				if reads++; reads == people {
					close(begin)
				}
				mu.Unlock()
			}()
		} else {
			<-begin
		}
		return plan(n, op, key)
	}
}

// A head that others move all the time ends in an error that says so, not in a wait for ever; and one who is called off stops.
func TestAKillThatIsAlwaysLate(t *testing.T) {
	for _, called := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			k := newKey(t)
			f := prepared(t, k, 1, false)
			other, n, busy := newPublisher(t, k.config(f)), 0, false
			f.plan = func(_ int, op, _ string) fault {
				if op == "replace" && !busy {
					busy, n = true, n+1
					mustPublish(t, other, "theirs", many(n+3)...)
					busy = false
				}
				return none
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			if called {
				time.AfterFunc(time.Second, cancel)
			}
			began := time.Now()
			_, err := newPublisher(t, k.config(f)).Override(ctx, killing("a", "mine"))
			took := time.Since(began)
			if called {
				if !errors.Is(err, context.Canceled) || took != time.Second {
					t.Errorf("called off: %v after %v", err, took)
				}
				return
			}
			if conflict := (*Conflict)(nil); !errors.As(err, &conflict) || conflict.Flag != "" || n != overrideTries || took < 10*time.Second || took > time.Minute {
				t.Errorf("%v after %v and %d tries; want a conflict after %d", err, took, n, overrideTries)
			}
		})
	}
}
