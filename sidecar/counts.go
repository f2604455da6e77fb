package sidecar

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/burgeehq/burgee/eval"
)

const (
	maxSeries   = 2000       // of flag and variant; later ones share one
	otherFlag   = "_other"   // the label that they share
	unknownFlag = "_unknown" // keys that do not exist: their names are the client's, and no label
)

// counts finds the counter of a flag's variant without a lock or a map: one flat slice, filled on first use.
type counts struct {
	first []int32 // where each flag's counters begin: one for no variant, then one a variant
	cells []atomic.Pointer[atomic.Uint64]
}

func newCounts(flags []*eval.Flag) counts {
	c := counts{first: make([]int32, len(flags))}
	next := int32(0)
	for i, flag := range flags {
		c.first[i] = next
		next += int32(len(flag.Variants())) + 1
	}
	c.cells = make([]atomic.Pointer[atomic.Uint64], next)
	return c
}

// add counts one answer.
func (c *counts) add(s *seriesSet, flag *eval.Flag, variant int) {
	cell := &c.cells[int(c.first[flag.Index()])+variant+1]
	counter := cell.Load()
	if counter == nil {
		counter = s.open(flag, variant)
		cell.Store(counter)
	}
	counter.Add(1)
}

// series names a counter.
type series struct{ flag, variant string }

// seriesSet holds the counters of all flags that were ever answered, across revisions.
type seriesSet struct {
	mu      sync.Mutex
	all     map[series]*atomic.Uint64
	other   atomic.Uint64
	unknown atomic.Uint64
}

func (s *seriesSet) open(flag *eval.Flag, variant int) *atomic.Uint64 {
	name := series{flag: flag.Key()}
	if variant >= 0 {
		name.variant = flag.Variants()[variant]
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	counter := s.all[name]
	switch {
	case counter != nil:
	case len(s.all) >= maxSeries, name.flag == otherFlag, name.flag == unknownFlag:
		return &s.other
	default:
		counter = new(atomic.Uint64)
		s.all[series{strings.Clone(name.flag), strings.Clone(name.variant)}] = counter // not views of a revision that goes
	}
	return counter
}

// each gives every counter that was used.
func (s *seriesSet) each(emit func(flag, variant string, n uint64)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, counter := range s.all {
		emit(name.flag, name.variant, counter.Load())
	}
	if n := s.other.Load(); n > 0 {
		emit(otherFlag, "", n)
	}
	if n := s.unknown.Load(); n > 0 {
		emit(unknownFlag, "", n)
	}
}
