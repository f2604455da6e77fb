package eval

import (
	"runtime"
	"testing"
)

// told is room that is not refused, beside those pasts.
func told(most *int, held []*Past) Room {
	return func(n int) ([]*Past, bool) { *most = n; return held, true }
}

// Earlier revisions that come one after the other share what they have in common with those that are held, and that is weighed once. Not in
// parallel: it measures the heap.
func TestPastsShareWithPasts(t *testing.T) {
	base := Compile(document(t, string(largeDocument(9))), Options{})
	before := liveHeap()
	var held []*Past
	for step := range 4 { // each differs from the base in the same flags, and one is a repetition
		earlier := CompileWithin(base, document(t, string(largeDocument(1+step/2))), Options{}, told(new(int), held))
		held = append(held, earlier.Past(base))
	}
	taken := liveHeap() - before
	var scales Scales
	sum, apart := 0, 0
	for _, p := range held {
		sum += scales.Add(p)
		apart += p.Weight()
	}
	t.Logf("they take %.0f bytes, weigh %d, and %d apart", taken, sum, apart)
	if got := float64(sum); got < 0.9*taken-16<<10 || got > 1.5*taken+16<<10 {
		t.Errorf("weigh %d bytes; take %.0f", sum, taken)
	}
	if sum > apart*3/4 {
		t.Errorf("weigh %d bytes; apart they would weigh %d", sum, apart)
	}
	if again := scales.Add(held[0]); again > held[0].Weight()/2 {
		t.Errorf("a past that was weighed adds %d bytes", again)
	}
	key := held[0].Own()[0].Key()
	if a, _ := held[0].Lookup([]byte(key)); a.program != held[1].at[held[1].index.find(key, held[1].keys)].program {
		t.Errorf("%s is compiled twice", key)
	}
	runtime.KeepAlive(base)
}

// Whoever compiles is told how the flags grow, and can end it.
func TestGrowthIsTold(t *testing.T) {
	base := Compile(document(t, string(largeDocument(1))), Options{})
	most := 0
	whole := CompileWithin(nil, document(t, string(largeDocument(2))), Options{}, told(&most, nil))
	if off := whole.Weight() - most; off < 0 || off > whole.Weight()/10 {
		t.Errorf("told of %d bytes; the flags weigh %d", most, whole.Weight())
	}
	CompileWithin(base, document(t, string(largeDocument(2))), Options{}, told(&most, nil))
	if most > base.Weight()/20 {
		t.Errorf("told of %d bytes where one flag in a hundred is new; all weigh %d", most, base.Weight())
	}
	calls := 0
	if got := CompileWithin(nil, document(t, string(largeDocument(2))), Options{}, func(n int) ([]*Past, bool) { calls++; return nil, n < 1<<20 }); got != nil || calls > 4 {
		t.Errorf("refused, it came to %v after %d calls", got, calls)
	}
}

// Before a past is made it is known about what it will take.
func TestWeightBeforehand(t *testing.T) {
	base := Compile(document(t, string(largeDocument(1))), Options{})
	for name, other := range map[string]*Ruleset{
		"some": CompileAfter(base, document(t, string(largeDocument(2))), Options{}),
		"all":  Compile(document(t, string(largeDocument(2))), Options{}),
		"few":  Compile(document(t, `{"flags":{"a":{"variants":{"on":1}}}}`), Options{}),
	} {
		beforehand, then := other.WeightBeside(base), other.Past(base).Weight()
		if beforehand < then*9/10-4<<10 || beforehand > then*11/10+4<<10 {
			t.Errorf("%s: weighed %d beforehand; it is %d", name, beforehand, then)
		}
	}
}
