package sidecar

import (
	"errors"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// While other flags are compiled an earlier revision is not: it waits for its turn.
func TestOneBundleAtATimeIsCompiled(t *testing.T) {
	maker := bundletest.New(t)
	verified := verifiedOf(t, maker, maker.Make(1, numbered(1), 1))
	h := newRig(t, maker, bundletest.NewSource()).holder
	defer h.close()
	h.making.Lock()
	err := h.remember(verified, fromStore, verified.Head())
	h.making.Unlock()
	if !errors.Is(err, errBusy) {
		t.Errorf("while others are compiled: %v; want %v", err, errBusy)
	}
	if err := h.remember(verified, fromStore, verified.Head()); err != nil || h.current.Load() == nil {
		t.Errorf("after that: %v", err)
	}
}

// Flags that are compiled push out what is held, the oldest first and not more than they need; what found no room is not tried again.
func TestRoomForWhatIsCompiled(t *testing.T) {
	maker := bundletest.New(t)
	h := newRig(t, maker, bundletest.NewSource()).holder
	defer h.close()
	const held = 4
	for revision := int64(1); revision <= held+1; revision++ {
		if err := h.Bundle(verifiedOf(t, maker, maker.Make(revision, numbered(revision), 1))); err != nil {
			t.Fatal(err)
		}
	}
	if got := len(h.held.past); got != held {
		t.Fatalf("%d bundles are held", got)
	}
	free := maxAllMemory - h.served().Weight() - h.held.weight(h.served())
	h.makeRoom(held+2, free)
	if got := len(h.held.past); got != held {
		t.Errorf("%d bundles are held where there was room for all", got)
	}
	h.makeRoom(held+2, free+1)
	if got := len(h.held.past); got != held-1 || h.held.past[0].revision != 2 {
		t.Errorf("%d bundles are held; want the oldest gone", got)
	}
	if !h.full(1) || h.full(2) {
		t.Error("what found no room would be read again, or what did not go would not")
	}
	if got := h.current.Load().pins.held; len(got) != held {
		t.Errorf("pins are good for %v", got)
	}
	if h.hasRoom(1, maxHeldMemory) || len(h.held.past) != held-1 {
		t.Error("there is room for the oldest, or a newer one went for it")
	}
	if !h.hasRoom(4, roomBeside(h.current.Load())-h.held.past[2].rules.Weight()*2) || len(h.held.past) == held-1 {
		t.Error("older ones do not go for a newer one")
	}
}
