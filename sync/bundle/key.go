package bundle

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
)

// PublicKey verifies what a PrivateKey sealed.
type PublicKey struct {
	ID  string // the first 16 bytes of the SHA-256 of its SPKI form, in hexadecimal
	key ed25519.PublicKey
}

// PrivateKey seals. Its zero value cannot.
type PrivateKey struct{ key ed25519.PrivateKey }

// GenerateKey makes a key and gives it in PEM: PKCS#8 to keep, SPKI to hand out, as openssl writes them.
func GenerateKey() (private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(priv)
	if err != nil {
		return nil, nil, fmt.Errorf("encode private key: %w", err)
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, fmt.Errorf("encode public key: %w", err)
	}
	private = pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
	public = pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
	return private, public, nil
}

// ParsePublicKey reads an Ed25519 public key in PEM (SPKI).
func ParsePublicKey(text []byte) (PublicKey, error) {
	der, err := onePEM(text, "PUBLIC KEY")
	if err != nil {
		return PublicKey{}, err
	}
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		return PublicKey{}, fmt.Errorf("read public key: %w", err)
	}
	key, ok := parsed.(ed25519.PublicKey)
	if !ok {
		return PublicKey{}, fmt.Errorf("public key is a %T; only Ed25519 keys are taken", parsed)
	}
	return newPublicKey(key)
}

// ParsePrivateKey reads an Ed25519 private key in PEM (PKCS#8).
func ParsePrivateKey(text []byte) (PrivateKey, error) {
	der, err := onePEM(text, "PRIVATE KEY")
	if err != nil {
		return PrivateKey{}, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return PrivateKey{}, errors.New("read private key: not PKCS#8") // the parser's own words could carry key bytes
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return PrivateKey{}, fmt.Errorf("private key is a %T; only Ed25519 keys are taken", parsed)
	}
	return PrivateKey{key}, nil
}

var errEmptyKey = errors.New("private key is empty")

// sign is a signature over type and body.
func (k PrivateKey) sign(payloadType string, body []byte) ([]byte, error) {
	if len(k.key) != ed25519.PrivateKeySize {
		return nil, errEmptyKey
	}
	return ed25519.Sign(k.key, preAuthEncoding(payloadType, body)), nil
}

// Public is the half that others verify with.
func (k PrivateKey) Public() (PublicKey, error) {
	if len(k.key) != ed25519.PrivateKeySize {
		return PublicKey{}, errEmptyKey
	}
	return newPublicKey(ed25519.PublicKey(k.key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
}

func newPublicKey(key ed25519.PublicKey) (PublicKey, error) {
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return PublicKey{}, fmt.Errorf("encode public key: %w", err)
	}
	sum := sha256.Sum256(spki)
	return PublicKey{hex.EncodeToString(sum[:16]), key}, nil
}

func onePEM(text []byte, kind string) ([]byte, error) {
	block, rest := pem.Decode(text)
	switch {
	case block == nil:
		return nil, fmt.Errorf("no PEM block; want one %q", kind)
	case block.Type != kind:
		return nil, fmt.Errorf("PEM block %q; want %q", block.Type, kind)
	}
	if next, _ := pem.Decode(rest); next != nil {
		return nil, fmt.Errorf("more than one PEM block; want one %q", kind)
	}
	return block.Bytes, nil
}
