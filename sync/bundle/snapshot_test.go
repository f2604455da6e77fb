package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestSnapshotToken(t *testing.T) {
	m, _ := good()
	head, err := policyFor(t, "shop/prod", alice).Open(mustSeal(m, alice, bob))
	if err != nil {
		t.Fatal(err)
	}
	text := head.Manifest().Snapshot
	token, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text, "r1."))
	if err != nil || !strings.HasPrefix(text, "r1.") || len(text) != 131 || len(token) != 96 {
		t.Fatalf("token %q: %v", text, err)
	}
	environment := sha256.Sum256([]byte("shop/prod"))
	content := sha256.Sum256([]byte(testDocument))
	want := binary.BigEndian.AppendUint64(bytes.Clone(environment[:8]), 42)
	want = append(want, content[:16]...)
	if !bytes.Equal(token[:32], want) {
		t.Errorf("token says %s; want %s", hex.EncodeToString(token[:32]), hex.EncodeToString(want))
	}
	message := fmt.Sprintf("DSSEv1 34 application/vnd.burgee.snapshot.v1 32 %s", want)
	if !ed25519.Verify(public(alice)[0].key, []byte(message), token[32:]) {
		t.Error("the first key's signature does not verify")
	}
}

func TestUnsignedSnapshotToken(t *testing.T) {
	m, _ := good()
	head, err := Policy{Trust: AllowUnsigned()}.Open(mustSeal(m))
	if want := "u1.42." + m.Bundle.ContentDigest.Hex(); err != nil || head.Manifest().Snapshot != want {
		t.Errorf("token %q (%v); want %q", head.Manifest().Snapshot, err, want)
	}
}

// The encoding that is signed is DSSE's own; this is the example of its protocol.md.
func TestPreAuthEncoding(t *testing.T) {
	got := string(preAuthEncoding("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}
