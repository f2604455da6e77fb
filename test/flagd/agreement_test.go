// Package flagd holds Burgee's evaluator against flagd's own: random documents
// and contexts, the conformance vectors, and a fuzzer. Where the two differ on
// purpose, deviation_test.go says so by name; every other difference fails.
package flagd

import (
	"errors"
	"flag"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
)

var (
	evaluations = flag.Int("evaluations", 100_000, "evaluations that TestAgreement compares")
	seed        = flag.Uint64("seed", 1, "seed of TestAgreement")
	only        = flag.Int64("only", -1, "number of the one document that TestAgreement takes")
)

// workers compare documents side by side.
const workers = 2

// progress is after how many evaluations a long run says that it goes on.
const progress = 1_000_000

// failuresShown ends a run that finds the same fault again and again.
const failuresShown = 10

func TestAgreement(t *testing.T) {
	perDocument := flagsPerDocument * contextsPerDocument
	documents := uint64((*evaluations + perDocument - 1) / perDocument)
	var next, failures atomic.Uint64
	if *only >= 0 {
		next.Store(uint64(*only))
		documents = uint64(*only) + 1
	}
	var total tally
	var mu sync.Mutex
	var wg sync.WaitGroup
	start := time.Now()
	for range workers {
		wg.Go(func() {
			c := newComparison(t)
			for number := next.Add(1) - 1; number < documents && failures.Load() < failuresShown; number = next.Add(1) - 1 {
				if done := number * uint64(perDocument); number > 0 && done%progress == 0 {
					t.Logf("%d evaluations, %s", done, time.Since(start).Round(time.Second))
				}
				for _, failure := range c.document(*seed, number) {
					if failures.Add(1) <= failuresShown {
						t.Error(failure)
					}
				}
			}
			mu.Lock()
			total.add(&c.tally)
			mu.Unlock()
		})
	}
	wg.Wait()
	t.Logf("seed %d, %s", *seed, time.Since(start).Round(time.Millisecond))
	total.report(t)
	if *only < 0 && !t.Failed() {
		total.check(t)
	}
}

// comparison holds the two evaluators side by side.
type comparison struct {
	reference *reference
	tally     tally
}

func newComparison(t testing.TB) *comparison {
	r, err := newReference()
	if err != nil {
		t.Error(err)
	}
	return &comparison{reference: r}
}

// document compares one document under all its contexts, and gives what differs.
func (c *comparison) document(seed, number uint64) (failures []string) {
	g := newGenerator(seed, number)
	d := g.document()
	fail := func(format string, args ...any) {
		failures = append(failures, fmt.Sprintf("-seed=%d -only=%d: ", seed, number)+fmt.Sprintf(format, args...))
	}
	ours, err := newBurgee(d.text(), eval.Options{AnswerContract: number%2 == 0})
	var beyond *eval.ParseError
	if errors.As(err, &beyond) && beyond.Limit {
		c.tally.named("a document beyond the limits is refused", len(d.flags)*contextsPerDocument)
		return nil
	}
	if err != nil {
		fail("burgee refuses: %v\ndocument %s", err, d.text())
		return failures
	}
	d, err = c.load(d)
	if err != nil {
		fail("flagd refuses: %v\ndocument %s", err, d.text())
		return failures
	}
	failed := make([]bool, len(d.flags))
	for range contextsPerDocument {
		caller := g.callerContext()
		if err := c.setContext(ours, caller); err != nil {
			fail("%v", err)
			return failures
		}
		for i := range d.flags {
			if failed[i] {
				continue // once is enough
			}
			if failure := c.flag(ours, d, &d.flags[i], caller, number%2 == 0); failure != "" {
				failed[i] = true
				fail("%s", failure)
			}
		}
	}
	return failures
}

// load gives flagd the document; if it refuses because of flags that Burgee
// isolates, then without them.
func (c *comparison) load(d *caseDocument) (*caseDocument, error) {
	err := c.reference.load(d.text())
	rest := d.without()
	if err != nil && len(rest.flags) < len(d.flags) {
		c.tally.named("a broken flag is isolated", len(d.flags)-len(rest.flags))
		return rest, c.reference.load(rest.text())
	}
	return d, err
}

func (c *comparison) setContext(ours *burgee, caller string) error {
	if err := c.reference.setContext(caller); err != nil {
		return fmt.Errorf("flagd refuses the context %s: %w", caller, err)
	}
	if err := ours.setContext(caller); err != nil {
		return fmt.Errorf("burgee refuses the context %s: %w", caller, err)
	}
	return nil
}

// flag compares one evaluation, and gives how it differs.
func (c *comparison) flag(ours *burgee, d *caseDocument, f *caseFlag, caller string, contract bool) string {
	want, got, err := c.both(ours, f.key)
	if err != nil {
		return err.Error()
	}
	c.tally.evaluated(f, want)
	if c.agree(d, want, got, contract) {
		return ""
	}
	agreesOn := func(other string) bool {
		if err := c.setContext(ours, other); err != nil {
			return false
		}
		want, got, err := c.both(ours, f.key)
		agree := err == nil && want.sameButData(got) // values may differ for another reason that is known
		return c.setContext(ours, caller) == nil && agree
	}
	name := difference{document: d, flag: f, caller: caller, flagd: want, burgee: got, agreesOn: agreesOn}.nameOf()
	if name == "" {
		return fmt.Sprintf("flag %s\ndocument, of its flags this one: %s\ncontext %s\nflagd   %s\nburgee  %s", f.key, d.alone(f).text(), caller, want, got)
	}
	c.tally.named(name, 1)
	return ""
}

// agree also notes that entries of the metadata are left out on purpose.
func (c *comparison) agree(d *caseDocument, want, got answer, contract bool) bool {
	all := len(want.Metadata)
	want.Metadata = metadataOf(want.Metadata, d, contract)
	if !want.sameDecision(got) || !want.sameMetadata(got) {
		return false
	}
	if len(want.Metadata) < all {
		c.tally.named("metadata: contract and own entries are left out", 1)
	}
	return true
}

// both answers within one second, since rules may read the time.
func (c *comparison) both(ours *burgee, key string) (want, got answer, err error) {
	for {
		now := time.Now().Unix()
		want = c.reference.answer(key)
		got, err = ours.answer(key, now)
		if time.Now().Unix() == now {
			return want, got, err
		}
	}
}
