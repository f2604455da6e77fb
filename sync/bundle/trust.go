package bundle

import (
	"crypto/ed25519"
	"errors"
	"fmt"
)

// MaxTrustKeys bounds the work that one manifest can cause.
const MaxTrustKeys = 16

// Trust decides whose manifests are believed. Its zero value believes none.
type Trust struct {
	keys      []PublicKey // distinct
	threshold int
	unsigned  bool
}

// NewTrust believes what at least threshold distinct ones of keys have signed; 0 means 1.
func NewTrust(keys []PublicKey, threshold int) (Trust, error) {
	distinct := make([]PublicKey, 0, len(keys))
	seen := map[string]bool{}
	for _, key := range keys {
		if !seen[key.ID] {
			seen[key.ID] = true
			distinct = append(distinct, key)
		}
	}
	threshold = max(threshold, 1)
	switch {
	case len(distinct) == 0:
		return Trust{}, errors.New("no trust key")
	case len(distinct) > MaxTrustKeys:
		return Trust{}, fmt.Errorf("%d trust keys; at most %d are taken", len(distinct), MaxTrustKeys)
	case threshold > len(distinct):
		return Trust{}, fmt.Errorf("trust threshold %d, but only %d distinct trust keys", threshold, len(distinct))
	}
	return Trust{keys: distinct, threshold: threshold}, nil
}

// AllowUnsigned believes everybody: only checksums are checked.
func AllowUnsigned() Trust { return Trust{unsigned: true} }

// None tells whether this is the zero Trust, which believes nobody.
func (t Trust) None() bool { return len(t.keys) == 0 && !t.unsigned }

// Unsigned tells whether signatures are not looked at.
func (t Trust) Unsigned() bool { return t.unsigned }

// verify gives the ids of the trusted keys that signed the message, or refuses.
func (t Trust) verify(message []byte, signatures [][]byte) ([]string, error) {
	if t.unsigned {
		return nil, nil
	}
	if len(signatures) == 0 {
		return nil, Refuse(ReasonUnsigned, "manifest carries no signature, and a trust key is set")
	}
	signers := t.signers(message, signatures)
	if len(signers) < max(t.threshold, 1) {
		return nil, Refuse(ReasonSignature, "%d of the %d trust keys verify the manifest; %d needed", len(signers), len(t.keys), max(t.threshold, 1))
	}
	return signers, nil
}

// signers are the ids of the trusted keys that signed the message, be they enough or not.
func (t Trust) signers(message []byte, signatures [][]byte) []string {
	var signers []string
	for _, key := range t.keys {
		if signedBy(key, message, signatures) {
			signers = append(signers, key.ID)
		}
	}
	return signers
}

// signedBy tries every signature: a key id is a hint that an attacker may write, so it decides nothing.
func signedBy(key PublicKey, message []byte, signatures [][]byte) bool {
	for _, signature := range signatures {
		if ed25519.Verify(key.key, message, signature) {
			return true
		}
	}
	return false
}
