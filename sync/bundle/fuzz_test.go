package bundle

import (
	"testing"
)

// FuzzOpen feeds whole envelopes and bundles, as anybody can write them into a store.
func FuzzOpen(f *testing.F) {
	for _, o := range openings() {
		if !o.large {
			f.Add(o.manifest, o.bundle)
		}
	}
	f.Fuzz(func(t *testing.T, manifest, stored []byte) {
		for _, trust := range []vectorPolicy{trustAlice, trustBoth, trustNobody} {
			head, err := trust.policy(t).Open(manifest)
			checkOne(t, head.raw != nil, err)
			if err != nil {
				continue
			}
			reseal(t, head)
			verified, err := head.Open(stored)
			checkOne(t, verified.stored != nil, err)
		}
	})
}

// FuzzManifest feeds payloads that are signed well, as a publisher gone wrong could make them.
func FuzzManifest(f *testing.F) {
	for _, o := range openings() {
		if payload, _, err := openEnvelope(o.manifest); err == nil {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		head, err := policyFor(t, "", alice).Open(sign(payload, alice))
		checkOne(t, head.raw != nil, err)
		if err == nil {
			reseal(t, head)
		}
	})
}

// checkOne wants exactly one of value and error, and a reason in the error.
func checkOne(t *testing.T, value bool, err error) {
	t.Helper()
	if value == (err != nil) {
		t.Fatalf("value %v with error %v", value, err)
	}
	if err != nil && ReasonOf(err) == "" {
		t.Fatalf("no reason: %v", err)
	}
}

// reseal wants what opened to seal again to an equal manifest. What was left out of a full envelope may no longer fit: that is refused.
func reseal(t *testing.T, head Head) {
	t.Helper()
	raw, err := Seal(head.Manifest(), alice)
	if err != nil && len(head.raw) < MaxManifest/2 {
		t.Fatalf("opened, but does not seal: %v", err)
	}
	if err != nil {
		return
	}
	again, err := policyFor(t, "", alice).Open(raw)
	if err != nil {
		t.Fatalf("sealed, but does not open: %v", err)
	}
	if got, want := payloadOf(again.Manifest()), payloadOf(head.Manifest()); got != want {
		t.Fatalf("sealed again it says %s; want %s", got, want)
	}
}
