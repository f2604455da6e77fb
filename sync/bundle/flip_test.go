package bundle

import (
	"bytes"
	"slices"
	"testing"
)

// flips calls try with every copy of data that differs in one bit.
func flips(data []byte, try func(bit int, flipped []byte)) {
	flipped := bytes.Clone(data)
	for bit := range len(data) * 8 {
		flipped[bit/8] ^= 1 << (bit % 8)
		try(bit, flipped)
		flipped[bit/8] ^= 1 << (bit % 8)
	}
}

func TestEveryFlipOfABundleIsRefused(t *testing.T) {
	m, stored := good()
	head, err := policyFor(t, "shop/prod", alice).Open(mustSeal(m, alice))
	if err != nil {
		t.Fatal(err)
	}
	flips(stored, func(bit int, flipped []byte) {
		if _, err := head.Open(flipped); ReasonOf(err) != ReasonDigest {
			t.Errorf("bit %d flipped: %v", bit, err)
		}
	})
	for n := range stored {
		if _, err := head.Open(stored[:n]); ReasonOf(err) != ReasonDigest {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}

// The key id is a hint outside of the signature, as DSSE has it: a flip there changes nothing that anybody acts on. Every other flip
// is refused.
func TestEveryFlipOfAManifestIsRefusedOrWithoutEffect(t *testing.T) {
	m, _ := good()
	raw, policy := mustSeal(m, alice), policyFor(t, "shop/prod", alice)
	whole, err := policy.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	id := []byte(whole.Signers()[0])
	start := bytes.Index(raw, id)
	flips(raw, func(bit int, flipped []byte) {
		head, err := policy.Open(flipped)
		inID := bit/8 >= start && bit/8 < start+len(id)
		switch {
		case err != nil && ReasonOf(err) == "":
			t.Errorf("bit %d flipped: no reason: %v", bit, err)
		case err == nil && !inID:
			t.Errorf("bit %d flipped: opened", bit)
		case err == nil && (head.Payload() != whole.Payload() || !slices.Equal(head.Signers(), whole.Signers())):
			t.Errorf("bit %d flipped: another payload or signer", bit)
		}
	})
	for n := range raw {
		if _, err := policy.Open(raw[:n]); ReasonOf(err) != ReasonEnvelope {
			t.Errorf("cut to %d bytes: %v", n, err)
		}
	}
}
