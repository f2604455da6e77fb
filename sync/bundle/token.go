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
	"strconv"
	"strings"
)

// MaxToken bounds a token, in characters.
const MaxToken = 140

// What ParseToken finds. Anybody may send tokens, so the errors are made once and do not repeat what was sent.
var (
	ErrTokenOversized = fmt.Errorf("the snapshot token has more than %d characters", MaxToken)
	ErrTokenMalformed = errors.New(`not a snapshot token: want "r1." and 128 characters of base64url, or "u1.", a revision, "." and 64 hexadecimal digits`)
)

const (
	signedPrefix   = "r1."
	unsignedPrefix = "u1."
	snapshotType   = "application/vnd.burgee.snapshot.v1" // keeps the signature of a token apart from that of a manifest

	// The layout of a signed token: the beginnings of two digests around the revision, and a signature over these three.
	tokenEnvironment = 8
	tokenContent     = 16
	tokenBody        = tokenEnvironment + 8 + tokenContent
	tokenSize        = tokenBody + ed25519.SignatureSize
)

// tokenEncoding has one spelling for each token: the size is a multiple of three bytes, so there are neither spare bits nor padding.
var tokenEncoding = base64.RawURLEncoding

// Token is a revision token that was read. Nothing of it is believed before Trust.VerifyToken. Two tokens are equal where their texts are.
type Token struct {
	Revision    int64
	signed      bool
	environment [tokenEnvironment]byte
	content     [sha256.Size]byte // a signed token has the first tokenContent bytes alone
	signature   [ed25519.SignatureSize]byte
}

// ParseToken reads a token in its one spelling. The error is ErrTokenOversized or ErrTokenMalformed.
func ParseToken(text []byte) (Token, error) {
	var t Token
	ok := false
	switch {
	case len(text) > MaxToken:
		return Token{}, ErrTokenOversized
	case bytes.HasPrefix(text, []byte(signedPrefix)):
		ok = t.readSigned(text[len(signedPrefix):])
	case bytes.HasPrefix(text, []byte(unsignedPrefix)):
		ok = t.readUnsigned(text)
	}
	if !ok || t.Revision < 1 || t.Revision > MaxRevision {
		return Token{}, ErrTokenMalformed
	}
	return t, nil
}

func (t *Token) readSigned(text []byte) bool {
	var raw [tokenSize]byte
	if len(text) != tokenEncoding.EncodedLen(tokenSize) {
		return false
	}
	if n, err := tokenEncoding.Decode(raw[:], text); err != nil || n != tokenSize { // less: it skips line breaks
		return false
	}
	t.signed = true
	copy(t.environment[:], raw[:tokenEnvironment])
	t.Revision = int64(binary.BigEndian.Uint64(raw[tokenEnvironment:]))
	copy(t.content[:], raw[tokenBody-tokenContent:tokenBody])
	copy(t.signature[:], raw[tokenBody:])
	return true
}

// readUnsigned reads numbers and digits as they come, and then takes none but the spelling that they are written in.
func (t *Token) readUnsigned(text []byte) bool {
	dot := len(text) - 2*sha256.Size - 1
	if dot < len(unsignedPrefix) {
		return false
	}
	revision, err := strconv.ParseInt(string(text[len(unsignedPrefix):dot]), 10, 64)
	if err != nil {
		return false
	}
	if _, err := hex.Decode(t.content[:], text[dot+1:]); err != nil {
		return false
	}
	t.Revision = revision
	var room [MaxToken]byte
	return bytes.Equal(t.append(room[:0]), text)
}

// Signed tells whether the token carries a signature; whether that is good, Trust.VerifyToken tells.
func (t Token) Signed() bool { return t.signed }

// Of tells whether the token was made for an environment of that name. An unsigned one does not say, and is of any.
func (t Token) Of(environment string) bool {
	return !t.signed || t.environment == environmentMark(environment)
}

// Names tells whether the token is for that content, as far as it has the digest: 16 bytes where it is signed, else all.
func (t Token) Names(content Digest) bool {
	var digits [2 * sha256.Size]byte
	hex.Encode(digits[:], t.content[:])
	has := len(digits)
	if t.signed {
		has = 2 * tokenContent
	}
	text, ok := strings.CutPrefix(string(content), digestPrefix)
	return ok && len(text) == len(digits) && text[:has] == string(digits[:has])
}

// String is the token as it travels.
func (t Token) String() string { return string(t.append(nil)) }

func (t Token) append(out []byte) []byte {
	if t.signed {
		body := t.body()
		return tokenEncoding.AppendEncode(append(out, signedPrefix...), append(body[:], t.signature[:]...))
	}
	out = strconv.AppendInt(append(out, unsignedPrefix...), t.Revision, 10)
	return hex.AppendEncode(append(out, '.'), t.content[:])
}

// body is what the signature is over.
func (t Token) body() [tokenBody]byte {
	var out [tokenBody]byte
	copy(out[:], t.environment[:])
	binary.BigEndian.PutUint64(out[tokenEnvironment:], uint64(t.Revision))
	copy(out[tokenBody-tokenContent:], t.content[:tokenContent])
	return out
}

func environmentMark(environment string) (mark [tokenEnvironment]byte) {
	var room [256]byte // on the stack: a conversion would make garbage of each name past 32 characters, in every request
	sum := sha256.Sum256(append(room[:0], environment...))
	copy(mark[:], sum[:])
	return mark
}

// VerifyToken tells whether a trusted key signed the token. One suffices, whatever the threshold: a token changes nothing but which of
// the revisions that were verified in full is answered from. A check costs hundreds of times what reading does; the caller bounds how
// often he makes one for strangers.
func (t Trust) VerifyToken(token Token) bool {
	if !token.signed {
		return false
	}
	body := token.body()
	message := preAuthEncoding(snapshotType, body[:])
	for _, key := range t.keys {
		if ed25519.Verify(key.key, message, token.signature[:]) {
			return true
		}
	}
	return false
}

// UnsignedToken is the token of a revision that nobody signed. A sidecar honours it for what it holds already, and for nothing else.
func UnsignedToken(revision int64, content Digest) string {
	return unsignedPrefix + strconv.FormatInt(revision, 10) + "." + content.Hex()
}

// mint makes the revision token of a manifest, signed with the first of the keys.
func mint(m *Manifest, keys []PrivateKey) (string, error) {
	content, err := m.Bundle.ContentDigest.bytes()
	if err != nil {
		return "", fmt.Errorf("seal manifest: bundle.contentDigest: %w", err)
	}
	if len(keys) == 0 {
		return UnsignedToken(m.Revision, m.Bundle.ContentDigest), nil
	}
	t := Token{Revision: m.Revision, signed: true, environment: environmentMark(m.Environment)}
	copy(t.content[:tokenContent], content)
	body := t.body()
	signature, err := keys[0].sign(snapshotType, body[:])
	if err != nil {
		return "", fmt.Errorf("sign snapshot token: %w", err)
	}
	copy(t.signature[:], signature)
	return t.String(), nil
}
