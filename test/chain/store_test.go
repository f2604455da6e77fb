package chain

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

// traffic is what befalls the store meanwhile: it gets new flags all the time, and is away every now and then.
type traffic struct {
	*fleet
	settle    time.Duration // 0: each sidecar switches when it has the flags
	pace      time.Duration
	published atomic.Int64
	outages   atomic.Int64

	mu    sync.Mutex   // whoever writes to the store or takes it away; a publisher who finds no folder makes one
	phase atomic.Int64 // even while the store is there, and all sidecars have read it since it was not
}

// publish puts flags with a new number into the store.
func (s *traffic) publish() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var args []string
	if s.settle > 0 {
		args = []string{"--settle", s.settle.String()}
	}
	if printed := s.TryPublish(document(int(s.published.Load())+2, time.Hour), args...); printed.Code != 0 {
		return fmt.Errorf("publish: %s", printed)
	}
	s.published.Add(1)
	return nil
}

// away takes the store away until every sidecar has asked for it in vain, and gives it back.
func (s *traffic) away(t *testing.T) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.phase.Add(1)
	rename(t, s.Path("store"), s.Path("away"))
	for _, burgee := range s.sidecars {
		burgee.Until(t, "no store", func(st kit.Status) bool { return st.ErrorKind() == "no-store" })
	}
	rename(t, s.Path("away"), s.Path("store"))
	for _, burgee := range s.sidecars {
		burgee.Until(t, "the store again", func(st kit.Status) bool { return st.Sync.Failures == 0 })
	}
	s.phase.Add(1)
	s.outages.Add(1)
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// flow publishes at its pace until ctx ends.
func (s *traffic) flow(ctx context.Context, t *testing.T) {
	tick := time.NewTicker(s.pace)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := s.publish(); err != nil {
			t.Error(err)
			return
		}
	}
}
