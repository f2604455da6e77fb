package publish

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

var (
	publishers    = flag.Int("publishers", 50, "how many people work on one store at once")
	rounds        = flag.Int("rounds", usualRounds, "how many things each of them does")
	publisherSeed = flag.Uint64("publishers.seed", 0, "seed of what they do and what they meet; 0 means a new one")
)

// Fifty people publish, kill, set, restore and resign on one store that loses answers, refuses, fails, is late, and at whose calls they die.
// What each of them was told is held against every head that the store ever had: see the checker. make publishers ROUNDS=1000 takes longer.
func TestConcurrentPublishers(t *testing.T) {
	seed := *publisherSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-publishers=%d -rounds=%d -publishers.seed=%d", *publishers, *rounds, seed)
	synctest.Test(t, func(t *testing.T) {
		k, f := newKey(t), newFake()
		did := make([][]*deed, *publishers)
		var wg sync.WaitGroup
		for who := range *publishers {
			one := &person{k: k, store: f, t: t, name: fmt.Sprintf("p%d", who), random: rand.New(rand.NewPCG(seed, uint64(who)))}
			wg.Go(func() {
				for round := range *rounds {
					if round > 0 { // to begin with all are there at once; else most would but try again and again
						time.Sleep(rand.N(900 * time.Millisecond))
					}
					time.Sleep(rand.N(100 * time.Millisecond))
					did[who] = append(did[who], one.act(round))
				}
			})
		}
		wg.Wait()
		time.Sleep(lateness)
		last := &person{k: k, store: f, t: t, name: "last", random: rand.New(rand.NewPCG(seed, 0)), calm: true}
		closing := last.act(0) // it completes what others owe
		if closing.err != nil {
			t.Fatal(closing.err)
		}
		newChecker(t, k, f).check(slices.Concat(append(did, []*deed{closing})...))
	})
}

// The kinds of what a person does.
const (
	publishing = "publish"
	overriding = "override"
	restoring  = "restore"
	resigning  = "resign"
)

// deed is one thing that somebody does, and what they are told of it.
type deed struct {
	kind, message          string
	document               []byte // of a publication
	flag, variant, segment string // of an override

	begun, ended int64
	seen         int64 // when it had read the first head
	met          int   // faults
	lateHead     bool  // a head that was given up may have been written
	dead         bool  // nobody was told anything
	err          error
	result       Overridden
}

// person does one thing after the other.
type person struct {
	t      *testing.T
	k      key
	store  *fake
	name   string
	random *rand.Rand
	calm   bool // meets no fault
}

// someFlags are what documents are made of, and what is overridden: all their overrides have room in a head.
const someFlags = 12

// plan has something happen to one call in twenty, to more writes of a head, and to more calls of who met something already.
func (p *person) plan(d *deed) func(int, string, string) fault {
	return func(_ int, op, key string) fault {
		if p.random.IntN(4) > 0 { // some calls are at the same time as others'
			time.Sleep(time.Duration(p.random.IntN(int(20 * time.Millisecond))))
		}
		odds := 20
		if d.met > 0 || key == bundle.HeadKey && op != "get" {
			odds = 4
		}
		if p.calm || p.random.IntN(odds) > 0 {
			return none
		}
		met := fault(1 + p.random.IntN(int(late)))
		if met == late && op != "create" && op != "replace" {
			met = failBefore
		}
		d.met++
		d.lateHead = d.lateHead || met == late && key == bundle.HeadKey
		return met
	}
}

// act does one thing that chance decides on; the first is a publication, for there may be no flags to force yet.
func (p *person) act(round int) *deed {
	d := &deed{kind: publishing, message: fmt.Sprintf("%s-%d", p.name, round)}
	if round > 0 {
		d.kind = []string{publishing, publishing, overriding, overriding, restoring, resigning}[p.random.IntN(6)]
	}
	d.flag = fmt.Sprintf("flag-%04d", p.random.IntN(someFlags))
	d.segment = []string{"", "staff"}[p.random.IntN(2)]
	d.variant = []string{"", "on", "off"}[p.random.IntN(3)]
	d.document = p.flags(round)
	way := p.store.another(p.plan(d))
	way.done = func(op string) {
		switch {
		case op == "get" && d.seen == 0:
			d.seen = p.store.now()
		case op == "replace" && p.random.IntN(3) == 0: // an answer that takes long, while others go on
			time.Sleep(rand.N(500 * time.Millisecond))
		}
	}
	with := newPublisher(p.t, p.k.config(way))
	d.begun = p.store.now()
	d.do(with)
	d.ended = p.store.now()
	return d
}

// flags is a document like no other, which lacks some of the flags.
func (p *person) flags(round int) []byte {
	flags := map[string]int{p.name: round} // few names in all, for each that goes leaves a tombstone
	for _, name := range many(someFlags) {
		if p.random.IntN(4) > 0 || len(flags) < someFlags/2 {
			flags[name] = p.random.IntN(10)
		}
	}
	doc, err := json.Marshal(flags)
	if err != nil {
		panic(err)
	}
	return doc
}

func (d *deed) do(p *Publisher) {
	defer func() {
		if problem := recover(); problem != nil {
			if problem != (killed{}) {
				panic(problem)
			}
			d.dead = true
		}
	}()
	ctx := context.Background()
	switch d.kind {
	case publishing:
		d.result.Result, d.err = p.Publish(ctx, Request{Document: d.document, Author: "ana", Message: d.message, Compare: revive})
	case overriding:
		d.result, d.err = p.Override(ctx, Overriding{Flag: d.flag, Variant: d.variant, Segment: d.segment, Author: "bo", Message: d.message})
	case restoring:
		d.result, d.err = p.Restore(ctx, Restoring{Flag: d.flag, Segment: d.segment, Author: "cy", Message: d.message})
	case resigning:
		d.result.Result, d.err = p.Resign(ctx, Resigning{Author: "di", Message: d.message})
	}
}

// revive is compare for flags that come back.
func revive(s Step) (Comparison, error) {
	c, err := compare(s)
	if err != nil {
		return c, err
	}
	var after map[string]int
	if err := json.Unmarshal(s.After, &after); err != nil {
		return c, err
	}
	c.Retired = slices.DeleteFunc(slices.Clone(c.Retired), func(r bundle.Retired) bool {
		_, back := after[r.Flag]
		return back
	})
	return c, nil
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
