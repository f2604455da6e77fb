package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// attempt publishes, and tells whether the publisher was killed meanwhile.
func attempt(ctx context.Context, p *Publisher, r Request) (result Result, dead bool, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			if problem != (killed{}) {
				panic(problem)
			}
			dead = true
		}
	}()
	result, err = p.Publish(ctx, r)
	return result, false, err
}

// at plans one fault at one call.
func at(k int, met fault) func(int, string, string) fault {
	return func(call int, _, _ string) fault {
		if call == k {
			return met
		}
		return none
	}
}

// prepared is a store with that many revisions; without its last copy where owing.
func prepared(t *testing.T, k key, revisions int, owing bool) *fake {
	t.Helper()
	f := newFake()
	p := newPublisher(t, k.config(f))
	for i := range revisions {
		mustPublish(t, p, fmt.Sprintf("r%d", i+1), many(i+3)...)
	}
	if owing {
		delete(f.objects, bundle.RevisionKey(int64(revisions)))
	}
	f.calls = 0
	return f
}

// Whatever happens to whichever call: nobody is told a lie, and the next publisher leaves a whole chain.
func TestEveryFaultAtEveryCall(t *testing.T) {
	k := newKey(t)
	for met, name := range faults {
		for revisions := range 3 {
			for _, owing := range []bool{false, true} {
				if owing && revisions == 0 {
					continue
				}
				for call := 1; ; call++ {
					f := prepared(t, k, revisions, owing)
					f.plan = at(call, met)
					where := fmt.Sprintf("%s at call %d, %d revisions, owing %v", name, call, revisions, owing)
					survive(t, where, f, k)
					if t.Failed() {
						return
					}
					if f.calls < call {
						break
					}
				}
			}
		}
	}
}

// survive publishes into a store with faults, then into one without, and checks what came of both.
func survive(t *testing.T, where string, f *fake, k key) {
	t.Helper()
	p := newPublisher(t, k.config(f))
	result, dead, err := attempt(context.Background(), p, request(document(many(20)...), "mine"))
	reached := f.calls
	f.plan = nil
	mustPublish(t, p, "next", many(21)...)
	f.calls = reached
	written := 0
	for _, m := range verifyChain(t, f, k.policy(t)) {
		if m.Change.Message == "mine" {
			written++
		}
	}
	conflict, unknown := errors.As(err, new(*Conflict)), errors.As(err, new(*Unknown))
	switch {
	case dead || unknown:
	case conflict:
		t.Errorf("%s: a conflict with nobody: %v", where, err)
	case err != nil && written != 0:
		t.Errorf("%s: written, and yet the error %v", where, err)
	case err == nil && (written != 1 || result.Outcome != Published):
		t.Errorf("%s: outcome %q, written %d times", where, result.Outcome, written)
	}
}

func TestCancelledAtEveryCall(t *testing.T) {
	k := newKey(t)
	for call := 1; ; call++ {
		f := prepared(t, k, 2, true)
		ctx, cancel := context.WithCancel(context.Background())
		f.plan = func(n int, _, _ string) fault {
			if n == call {
				cancel()
			}
			return none
		}
		p := newPublisher(t, k.config(f))
		result, err := p.Publish(ctx, request(document(many(20)...), "mine"))
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled at call %d: %v", call, err)
		}
		done := f.calls < call
		f.plan = nil
		mustPublish(t, p, "next", many(21)...)
		want := "r1 r2 next"
		if err == nil {
			want = "r1 r2 mine next"
		}
		if got := messages(verifyChain(t, f, k.policy(t))); got != want {
			t.Errorf("cancelled at call %d: chain %q; want %q (%v %v)", call, got, want, result.Outcome, err)
		}
		if done {
			return
		}
	}
}

// Ctrl-C between the commit and its answer, whether or not the answer arrives: the revision stands, and so does its copy.
func TestCancelledRightAfterTheCommit(t *testing.T) {
	k := newKey(t)
	for _, met := range []fault{none, lostAnswer} {
		f := prepared(t, k, 1, false)
		ctx, cancel := context.WithCancel(context.Background())
		f.done = func(op string) {
			if op == "replace" {
				cancel()
			}
		}
		f.plan = onReplace(met)
		result, err := newPublisher(t, k.config(f)).Publish(ctx, request(document(many(9)...), "mine"))
		if err != nil || result.Outcome != Published || result.CopyErr != nil {
			t.Errorf("%q: outcome %q, %v, copy %v", faults[met], result.Outcome, err, result.CopyErr)
		}
		if got := messages(verifyChain(t, f, k.policy(t))); got != "r1 mine" {
			t.Errorf("%q: chain %q", faults[met], got)
		}
	}
}

// A revision whose answer got lost, and which somebody else has built on before its publisher looks: it is published all the same.
func TestSupersededBeforeItIsSettled(t *testing.T) {
	k := newKey(t)
	for _, met := range []fault{lostAnswer, retried} {
		f := prepared(t, k, 1, false)
		other := newPublisher(t, k.config(f))
		f.plan = onReplace(met)
		f.done = func(op string) {
			if op == "replace" {
				f.plan, f.done = nil, nil
				mustPublish(t, other, "theirs", many(8)...)
			}
		}
		result, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(9)...), "mine"))
		if err != nil || result.Outcome != Published {
			t.Errorf("%s: outcome %q, %v", faults[met], result.Outcome, err)
		}
		if got := messages(verifyChain(t, f, k.policy(t))); got != "r1 mine theirs" {
			t.Errorf("%s: chain %q", faults[met], got)
		}
	}
}

func onReplace(met fault) func(int, string, string) fault {
	return func(_ int, op, _ string) fault {
		if op == "replace" {
			return met
		}
		return none
	}
}

// A store that answers badly all the time: what a publisher is told must still be what happened.
func TestManyFaults(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			k, f := newKey(t), newFake()
			f.plan = func(int, string, string) fault {
				if random.IntN(4) > 0 {
					return none
				}
				return fault(random.IntN(int(killAfter) + 1))
			}
			told := map[string]string{}
			for i := range 20 {
				p := newPublisher(t, k.config(f))
				message := fmt.Sprintf("m%d", i)
				_, dead, err := attempt(context.Background(), p, request(document(many(3+i)...), message))
				told[message] = tale(err, dead)
			}
			f.plan = nil
			mustPublish(t, newPublisher(t, k.config(f)), "last", many(30)...)
			checkTales(t, verifyChain(t, f, k.policy(t)), told)
		})
	}
}

// tale is what a publisher was told of its revision: "yes", "no", or "?" where it was told nothing.
func tale(err error, dead bool) string {
	switch {
	case dead || errors.As(err, new(*Unknown)):
		return "?"
	case err != nil:
		return "no"
	}
	return "yes"
}

func checkTales(t *testing.T, chain []bundle.Manifest, told map[string]string) {
	t.Helper()
	written := map[string]int{}
	for _, m := range chain {
		written[m.Change.Message]++
	}
	for message, tale := range told {
		if n := written[message]; n > 1 || tale == "yes" && n != 1 || tale == "no" && n != 0 {
			t.Errorf("publisher of %s was told %q, and the chain holds it %d times", message, tale, n)
		}
	}
}
