package main

import (
	"bytes"
	"net"
	"testing"
	"time"
)

// TestTheTimeToWaitHoldsForManySilentTargets gives more targets than are asked at once, none of which answers: whoever is not asked when
// the time is up, is not asked any more. A listener that nobody accepts from takes connections, and says nothing.
func TestTheTimeToWaitHoldsForManySilentTargets(t *testing.T) {
	t.Parallel()
	v := waiting{Wait: true, WaitTimeout: time.Millisecond}
	for range askedAtOnce + 1 {
		silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() }) // nobody spoke
		v.targets = append(v.targets, silent.Addr().String())
	}
	var out, problems bytes.Buffer
	end, err := v.wait(t.Context(), &world{stdout: &out, stderr: &problems, now: time.Now}, inJSON, goal{revision: 1})
	if err == nil || end.Reached != 0 {
		t.Fatalf("%d targets are there: %v", end.Reached, err)
	}
	said := map[string]int{}
	for _, one := range end.Targets {
		said[one.Missing]++
	}
	if said["no answer: it takes too long"] != askedAtOnce || said[notAsked] != 1 {
		t.Errorf("of the targets is said %v", said)
	}
}
