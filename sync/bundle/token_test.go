package bundle

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
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

// tokenOutcome is what a vector expects of a text, in the order in which a reader asks.
func tokenOutcome(text, environment string, trust Trust) (Token, string) {
	token, err := ParseToken([]byte(text))
	switch {
	case errors.Is(err, ErrTokenOversized):
		return token, "oversized"
	case errors.Is(err, ErrTokenMalformed):
		return token, "malformed"
	case err != nil:
		return token, err.Error()
	case !token.Signed():
		return token, "unsigned"
	case !token.Of(environment):
		return token, "foreign"
	case !trust.VerifyToken(token):
		return token, "forged"
	}
	return token, "signed"
}

func TestTokenVectors(t *testing.T) {
	if *update {
		writeTokens(t)
	}
	vectors, trust := readTokens(t)
	for _, v := range vectors.Tokens {
		token, got := tokenOutcome(v.Token, vectors.Environment, trust)
		if got != v.Expect || token.Revision != v.Revision {
			t.Errorf("%s: %s of revision %d; want %s of %d", v.Name, got, token.Revision, v.Expect, v.Revision)
		}
		if v.Revision == 0 {
			if token != (Token{}) {
				t.Errorf("%s: something was read of what was refused: %+v", v.Name, token)
			}
			continue
		}
		rest := strings.Repeat("0", 64-len(v.Content)) // what a signed token does not have may be anything
		if named := Digest("sha256:" + v.Content + rest); !token.Names(named) || token.Names(Digest("sha256:"+flipFirst(v.Content)+rest)) {
			t.Errorf("%s: does not name %s, or names another", v.Name, named)
		}
		if !token.Signed() && !token.Of("any/other") {
			t.Errorf("%s: of one environment alone, though it names none", v.Name)
		}
		if token.String() != v.Token {
			t.Errorf("%s: encodes to %s", v.Name, token.String())
		}
	}
}

func TestEveryTokenCaseIsInTheVectors(t *testing.T) {
	vectors, _ := readTokens(t)
	if !slices.Equal(vectors.Tokens, tokenCases()) {
		t.Errorf("%s is not what token_cases_test.go says: run with -update, if none of the old rows changes", tokenFile)
	}
}

func TestWhatATokenNames(t *testing.T) {
	content := Sum([]byte(testDocument))
	last := content[:len(content)-1] + Digest(fmt.Sprintf("%x", content[len(content)-1]&1^1))
	for _, c := range []struct {
		token  string
		digest Digest
		want   bool
	}{
		{minted(nil, alice), content, true},
		{minted(nil, alice), last, true}, // it has the first half alone
		{minted(nil), content, true},
		{minted(nil), last, false},
		{minted(nil, alice), Digest(content.Hex()), false},
		{minted(nil, alice), content[:len(content)-1], false},
		{minted(nil, alice), Digest(strings.ToUpper(string(content))), false},
		{minted(nil), "", false},
	} {
		token, err := ParseToken([]byte(c.token))
		if err != nil || token.Names(c.digest) != c.want {
			t.Errorf("%s names %q: %v (%v)", c.token, c.digest, !c.want, err)
		}
	}
}

func TestWhoMaySignTokens(t *testing.T) {
	both, err := NewTrust(public(alice, bob), 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why   string
		trust Trust
		token string
		want  bool
	}{
		{"one of two keys, though heads need both", both, minted(nil, bob), true},
		{"a stranger", both, minted(nil, mallory), false},
		{"unsigned, where keys are trusted", both, minted(nil), false},
		{"unsigned, where all is believed", AllowUnsigned(), minted(nil), false},
		{"signed, where all is believed", AllowUnsigned(), minted(nil, alice), false},
		{"signed, where nobody is believed", Trust{}, minted(nil, alice), false},
	} {
		token, err := ParseToken([]byte(c.token))
		if err != nil || c.trust.VerifyToken(token) != c.want {
			t.Errorf("%s: %v (%v)", c.why, !c.want, err)
		}
	}
	if both.VerifyToken(Token{}) {
		t.Error("the zero token verifies")
	}
}

// A good token in each request makes no garbage, nor does one that is cut off or too long. One that carries no signature is not worth the
// work of a check.
func TestTokensAllocateNothing(t *testing.T) {
	environment := strings.Repeat("a-long-name/", 20)
	trust := policyFor(t, environment, alice).Trust
	content := Sum([]byte(testDocument))
	texts := [][]byte{[]byte(minted(nil, alice)), []byte(minted(nil)), []byte("r1.x"), []byte(strings.Repeat("r", 4096))}
	for _, text := range texts {
		allocations := testing.AllocsPerRun(100, func() {
			token, err := ParseToken(text)
			if sink = err == nil && token.Of(environment) && token.Names(content); sink && (token.Signed() || trust.VerifyToken(token)) {
				t.Error("a token of shop/prod is of another environment, or one that nobody signed is verified")
			}
		})
		if allocations != 0 {
			t.Errorf("%.20s: %v allocations", text, allocations)
		}
	}
}

var sink bool

// The encoding that is signed is DSSE's own; this is the example of its protocol.md.
func TestPreAuthEncoding(t *testing.T) {
	got := string(preAuthEncoding("http://example.com/HelloWorld", []byte("hello world")))
	if want := "DSSEv1 29 http://example.com/HelloWorld 11 hello world"; got != want {
		t.Errorf("%q; want %q", got, want)
	}
}
