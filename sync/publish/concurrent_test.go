package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Publishers on one store, with and without faults: every revision is somebody's, nobody's is lost, and a conflict is with another.
func TestConcurrentPublishers(t *testing.T) {
	const publishers, rounds = 6, 15
	for _, faulty := range []bool{false, true} {
		t.Run(fmt.Sprintf("faulty=%v", faulty), func(t *testing.T) {
			k, f := newKey(t), newFake()
			f.plan = func(int, string, string) fault {
				runtime.Gosched()
				if faulty && rand.IntN(8) == 0 {
					return fault(1 + rand.IntN(int(forbidden)))
				}
				return none
			}
			var mu sync.Mutex
			told, conflicts := map[string]string{}, []error{}
			var wg sync.WaitGroup
			for who := range publishers {
				p := newPublisher(t, k.config(f))
				wg.Go(func() {
					for round := range rounds {
						message := fmt.Sprintf("p%d-%d", who, round)
						doc := document(append(many(5), message)...)
						_, err := p.Publish(context.Background(), request(doc, message))
						mu.Lock()
						told[message] = tale(err, false)
						if errors.As(err, new(*Conflict)) {
							conflicts = append(conflicts, fmt.Errorf("%s: %w", message, err))
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			f.plan = nil
			mustPublish(t, newPublisher(t, k.config(f)), "last", many(5)...)
			chain := verifyChain(t, f, k.policy(t))
			checkTales(t, chain, told)
			checkConflicts(t, chain, conflicts)
		})
	}
}

func checkConflicts(t *testing.T, chain []bundle.Manifest, conflicts []error) {
	t.Helper()
	for _, err := range conflicts {
		mine, _, _ := strings.Cut(err.Error(), ":")
		var conflict *Conflict
		if !errors.As(err, &conflict) || conflict.Err != nil {
			t.Errorf("conflict with a head that does not verify: %v", err)
			continue
		}
		m := conflict.Head.Manifest()
		if m.Change.Message == mine || m.Revision < conflict.Revision || chain[m.Revision-1].Change.Message != m.Change.Message {
			t.Errorf("dishonest conflict: %v", err)
		}
	}
}

// Two publishers of one empty store, and another one moving the head between any two calls.
func TestSomebodyElseAtEveryCall(t *testing.T) {
	k := newKey(t)
	for revisions := range 3 {
		for call := 1; ; call++ {
			f := prepared(t, k, revisions, false)
			other := newPublisher(t, k.config(f))
			f.plan = func(n int, _, _ string) fault {
				if n == call {
					f.plan = nil
					mustPublish(t, other, "theirs", many(25)...)
				}
				return none
			}
			_, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(20)...), "mine"))
			met := f.plan == nil
			f.plan = nil
			chain := verifyChain(t, f, k.policy(t))
			checkTales(t, chain, map[string]string{"mine": tale(err, false)})
			if err != nil && !errors.As(err, new(*Conflict)) {
				t.Errorf("%d revisions, somebody else at call %d: %v", revisions, call, err)
			}
			if !met {
				break
			}
		}
	}
}
