package bundle

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"slices"
	"testing"

	"github.com/go-json-experiment/json"
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

// FuzzManifest feeds payloads that reach the reader, as a publisher gone wrong could sign them. Nothing is signed here: whether a signature
// holds is FuzzOpen's to ask, and without it there are ten times the payloads in the same time.
func FuzzManifest(f *testing.F) {
	for _, o := range openings() {
		if payload, _, err := openEnvelope(o.manifest); err == nil {
			f.Add(payload)
		}
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		head, err := Policy{Trust: AllowUnsigned()}.Open(sign(payload))
		checkOne(t, head.raw != nil, err)
		if err == nil {
			reseal(t, head)
		}
	})
}

// FuzzEnvelope feeds envelopes alone: what opens has one spelling of its payload and of each signature, and seals to the same.
func FuzzEnvelope(f *testing.F) {
	for _, o := range openings() {
		if !o.large {
			f.Add(o.manifest)
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		payload, signatures, err := openEnvelope(raw)
		if err != nil {
			checkOne(t, payload != nil || signatures != nil, err)
			return
		}
		again := envelope{PayloadType: PayloadType, Payload: base64.StdEncoding.EncodeToString(payload), Signatures: []signature{}}
		for _, s := range signatures {
			again.Signatures = append(again.Signatures, signature{Sig: base64.StdEncoding.EncodeToString(s)})
		}
		sealed, err := json.Marshal(again)
		if err != nil || len(sealed) > MaxManifest+len(`"keyid":""`)*len(signatures) {
			t.Fatalf("opened, but seals to %d bytes (%v)", len(sealed), err)
		}
		if len(sealed) > MaxManifest {
			return
		}
		samePayload, sameSignatures, err := openEnvelope(sealed)
		if err != nil || !bytes.Equal(samePayload, payload) || !slices.EqualFunc(sameSignatures, signatures, bytes.Equal) {
			t.Fatalf("sealed again it opens to %q and %q (%v); want %q and %q", samePayload, sameSignatures, err, payload, signatures)
		}
	})
}

// FuzzUnpack feeds what a store could hold in place of a bundle: it unpacks within its bounds or not at all.
func FuzzUnpack(f *testing.F) {
	for _, o := range openings() {
		if !o.large {
			f.Add(o.bundle, uint16(1<<15))
		}
	}
	f.Fuzz(func(t *testing.T, stored []byte, limit uint16) {
		data, err := decompress(stored, int(limit))
		if err != nil {
			checkOne(t, data != nil, err)
			return
		}
		if len(data) > int(limit) || len(data) > MaxRatio*len(stored) {
			t.Fatalf("%d bytes came out of %d, with a limit of %d", len(data), len(stored), limit)
		}
		if again, err := decompress(loose(data), len(data)); err != nil || !bytes.Equal(again, data) {
			t.Fatalf("packed again it gives %d bytes (%v); want the same %d", len(again), err, len(data))
		}
		for _, spoilt := range [][]byte{append(bytes.Clone(stored), 0), append(bytes.Clone(stored), stored...), stored[:len(stored)-1]} {
			if _, err := decompress(spoilt, 1<<20); ReasonOf(err) != ReasonCompression {
				t.Fatalf("with more or less than its one member: %v", err)
			}
		}
	})
}

// loose is one gzip member of stored blocks: quick to make, and never a bomb.
func loose(data []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		panic(err)
	}
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// FuzzToken feeds what anybody may put into a header: what is read is written back to the same text.
func FuzzToken(f *testing.F) {
	for _, c := range tokenCases() {
		f.Add([]byte(c.Token))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		token, err := ParseToken(text)
		switch {
		case (err == nil) == (token == Token{}):
			t.Fatalf("%q: %+v with error %v", text, token, err)
		case err == nil && token.String() != string(text):
			t.Fatalf("%q is written back as %q", text, token.String())
		case err == nil && (token.Revision < 1 || token.Revision > MaxRevision || len(text) > MaxToken):
			t.Fatalf("%q is taken, with revision %d", text, token.Revision)
		case errors.Is(err, ErrTokenOversized) != (len(text) > MaxToken):
			t.Fatalf("%d characters: %v", len(text), err)
		}
	})
}

// FuzzLedger feeds ledgers whose digest is right: a publisher reads what another one wrote.
func FuzzLedger(f *testing.F) {
	f.Add([]byte(`{"format":1,"environment":"shop/prod","revision":2,"entries":[{"kind":"added","flag":"a","after":{"state":"ENABLED"}}],"retired":[]}`))
	f.Add([]byte(`{"retired":[{"flag":"a","type":"boolean","variants":["on","off"],"revision":3}],"entries":[{"kind":"removed","section":"$evaluators.x","before":1.0}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		stored := loose(data)
		ledger, err := OpenLedger(stored, Sum(stored))
		if err != nil {
			checkOne(t, false, err)
			return
		}
		ledger.Format = Format
		packed, digest, err := PackLedger(ledger)
		if err != nil {
			t.Fatalf("opened, but does not pack: %v", err)
		}
		again, err := OpenLedger(packed, digest)
		if err != nil || text(again) != text(ledger) {
			t.Fatalf("packed again it says %s (%v); want %s", text(again), err, text(ledger))
		}
	})
}

func text(l Ledger) string {
	out, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	return string(out)
}

// FuzzPublicKey feeds key files, which an operator may get wrong in any way.
func FuzzPublicKey(f *testing.F) {
	private, public, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{private, public, append(bytes.Clone(public), public...), append([]byte("prod, made in May\n"), public...)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := ParsePublicKey(file)
		if (err == nil) != (len(key.key) == ed25519.PublicKeySize && len(key.ID) == 32) || err != nil && key.ID != "" {
			t.Fatalf("key %q with error %v", key.ID, err)
		}
		if err != nil {
			return
		}
		if again, err := ParsePublicKey(encodePublic(t, key)); err != nil || again.ID != key.ID {
			t.Fatalf("written again it is key %q (%v); want %q", again.ID, err, key.ID)
		}
	})
}

// FuzzPrivateKey feeds them too; what is refused must not stand in the error, for that is printed.
func FuzzPrivateKey(f *testing.F) {
	private, public, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(private)
	f.Add(public)
	f.Fuzz(func(t *testing.T, file []byte) {
		key, err := ParsePrivateKey(file)
		if (err == nil) != (len(key.key) == ed25519.PrivateKeySize) {
			t.Fatalf("a key of %d bytes with error %v", len(key.key), err)
		}
		if err != nil {
			return
		}
		public, err := key.Public()
		if err != nil {
			t.Fatal(err)
		}
		sig, err := key.sign(PayloadType, file)
		if err != nil || !ed25519.Verify(public.key, preAuthEncoding(PayloadType, file), sig) {
			t.Fatalf("its own signature does not verify (%v)", err)
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
