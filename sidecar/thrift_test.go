package sidecar

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

// While large flags are exchanged little garbage is kept; large ones are served with less than others; and all is as it was in the end.
func TestThrift(t *testing.T) {
	percent, bound := debug.SetGCPercent(100), debug.SetMemoryLimit(400<<20)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(bound) })
	synctest.Test(t, func(t *testing.T) {
		var s thrift
		s.begin(thriftFrom - 1)
		wantThrift(t, "small flags", 100, 400<<20)
		s.begin(thriftFrom)
		wantThrift(t, "an exchange", thriftPercent, 300<<20)
		s.endSoon(largeFlags)
		time.Sleep(tidyAfter - 1)
		s.begin(thriftFrom) // another one, before the first has ended
		time.Sleep(tidyAfter)
		wantThrift(t, "the next exchange", thriftPercent, 300<<20)
		s.endSoon(largeFlags)
		time.Sleep(tidyAfter)
		synctest.Wait()
		wantThrift(t, "large flags", largePercent, 400<<20)
		s.begin(thriftFrom)
		s.endSoon(largeFlags - 1)
		time.Sleep(tidyAfter)
		synctest.Wait()
		wantThrift(t, "small flags again", 100, 400<<20)
		s.begin(thriftFrom)
		s.close()
		wantThrift(t, "the end", 100, 400<<20)
	})
}

// Whoever runs us may want less garbage still, and no bound.
func TestThriftOfOthers(t *testing.T) {
	percent, bound := debug.SetGCPercent(thriftPercent/2), debug.SetMemoryLimit(math.MaxInt64)
	t.Cleanup(func() { debug.SetGCPercent(percent); debug.SetMemoryLimit(bound) })
	var s thrift
	s.begin(thriftFrom)
	wantThrift(t, "an exchange", thriftPercent/2, math.MaxInt64)
	s.close()
}

func wantThrift(t *testing.T, when string, percent int, bound int64) {
	t.Helper()
	got := debug.SetGCPercent(percent)
	debug.SetGCPercent(got)
	if limit := debug.SetMemoryLimit(-1); got != percent || limit != bound {
		t.Errorf("%s: %d %% and %d bytes; want %d and %d", when, got, limit, percent, bound)
	}
}
