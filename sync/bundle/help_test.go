package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
)

// testKey makes the same key from the same letter every time, so that vectors stay as they are.
func testKey(letter byte) PrivateKey {
	return PrivateKey{ed25519.NewKeyFromSeed(bytes.Repeat([]byte{letter}, ed25519.SeedSize))}
}

func public(keys ...PrivateKey) []PublicKey {
	var out []PublicKey
	for _, key := range keys {
		half, err := key.Public()
		if err != nil {
			panic(err)
		}
		out = append(out, half)
	}
	return out
}

const testDocument = `{"flags":{"a":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"}}}`

// good is a manifest that nothing is wrong with, and its bundle.
func good() (Manifest, []byte) {
	stored, ref, err := Pack([]byte(testDocument))
	if err != nil {
		panic(err)
	}
	ref.Flags, ref.PreviousFlags = 4, 3
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return Manifest{
		Format:      Format,
		Environment: "shop/prod",
		Revision:    42,
		Previous:    Sum([]byte("revision 41")),
		Bundle:      ref,
		Ledger:      Sum([]byte("ledger")),
		Overrides:   []Override{{Flag: "a", Variant: "off", Author: "bo", Message: "on fire", At: at}},
		PublishedAt: at,
		ValidUntil:  at.Add(time.Hour),
		OldestPin:   27,
		Change:      Change{Author: "ana", Message: "more", Added: 1, Changed: 2},
		Critical:    []string{"environment"},
	}, stored
}

func mustSeal(m Manifest, keys ...PrivateKey) []byte {
	raw, err := Seal(m, keys...)
	if err != nil {
		panic(err)
	}
	return raw
}

// sign puts any payload into an envelope, also one that Seal would not make.
func sign(payload []byte, keys ...PrivateKey) []byte {
	raw, err := sealEnvelope(payload, keys)
	if err != nil {
		panic(err)
	}
	return raw
}

// payloadOf is what a manifest's signatures are over.
func payloadOf(m Manifest) string {
	m.Snapshot = "r1.x"
	payload, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(payload)
}

func policyFor(t testing.TB, environment string, keys ...PrivateKey) Policy {
	t.Helper()
	trust, err := NewTrust(public(keys...), 1)
	if err != nil {
		t.Fatal(err)
	}
	return Policy{trust, environment}
}

// member is one gzip member.
func member(data []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}
