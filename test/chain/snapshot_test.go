package chain

import (
	"testing"
	"time"
)

// Without snapshots services of one request see different values while flags change; with them they never do unless the answer says so,
// though the store is away every now and then. A kill is seen whatever the snapshot.
func TestOneRequestOneSnapshot(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name         string
		settle, pace time.Duration
		hits         float64 // the least share of hops that are answered from the snapshot while the store is there
	}{
		// Each sidecar switches when it has the flags, up to 3.6 polls of the first one after another. A pin ahead hastens a poll, but no two
		// begin within a second. At this pace, which no fleet has, that is much of the time: what is held here is that no answer is wrong, not
		// how many are right.
		{"each when it has them", 0, *poll * 2, 0.25},
		// All switch at one moment, by which each has the flags: then nothing is missed. It takes a settling time beyond the longest poll, and
		// publications so far apart that each sidecar sees all of them.
		{"all at one moment", max(time.Second, *poll*9/2), *poll * 4, 0.9999},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			s := &traffic{fleet: start(t, *poll, time.Hour), settle: row.settle, pace: row.pace}
			if *pace > 0 {
				s.pace = *pace
			}
			l := &load{traffic: s, with: s.services(t, true), without: s.services(t, false), wanted: int64(*requests / 2)}
			l.run(t)
			t.Logf("published %d times, a pace of %v, --settle %v; the store was away %d times", s.published.Load(), s.pace, s.settle, s.outages.Load())
			t.Logf("with snapshots, the store there:    %v", &l.up)
			t.Logf("with snapshots, the store not there: %v", &l.down)
			t.Logf("without snapshots:                  %v", &l.bare)
			for _, c := range []*tally{&l.up, &l.down} {
				if c.mixed > 0 || c.astray > 0 {
					t.Errorf("%d requests with a snapshot were mixed and %d hops astray, unmarked; the last: %s", c.mixed, c.astray, c.example)
				}
			}
			if row.settle == 0 && l.bare.mixed == 0 {
				t.Error("no request without a snapshot was mixed: this shows nothing")
			}
			if awaited := s.awaited(t); row.settle == 0 && awaited == 0 {
				t.Error("no pin ahead had its flags come while the request waited: polls are not hastened")
			} else {
				t.Logf("%v requests waited for flags that were ahead, and got them", awaited)
			}
			if hits := l.up.hits(); hits < row.hits {
				t.Errorf("%.4f %% of the hops were answered from the snapshot while the store was there; want %.2f %%", 100*hits, 100*row.hits)
			}
			if int64(l.up.requests) < l.wanted/4 || l.down.requests == 0 {
				t.Errorf("%d requests with the store and %d without it: this shows little", l.up.requests, l.down.requests)
			}
		})
	}
}
