package bundle

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// ErrTooLong says that a manifest has more bytes than a reader takes: too many overrides, or too long texts.
var ErrTooLong = errors.New("the manifest is too long")

// Seal encodes a manifest and signs it with each key; with none it is unsigned. It sets Format and Snapshot.
func Seal(m Manifest, keys ...PrivateKey) ([]byte, error) {
	m.Format = Format
	snapshot, err := mint(&m, keys)
	if err != nil {
		return nil, err
	}
	m.Snapshot = snapshot
	if err := m.check(); err != nil {
		return nil, fmt.Errorf("seal manifest: %w", err)
	}
	payload, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode manifest: %w", err)
	}
	raw, err := sealEnvelope(payload, keys)
	if err != nil {
		return nil, err
	}
	if len(raw) > MaxManifest {
		return nil, fmt.Errorf("seal manifest: %w: %d bytes; at most %d are taken", ErrTooLong, len(raw), MaxManifest)
	}
	return raw, nil
}

// snapshotType keeps the signature of a token apart from that of a manifest.
const snapshotType = "application/vnd.burgee.snapshot.v1"

// mint makes the revision token: 8 bytes of the environment's SHA-256, 8 of the revision, 16 of the content digest, and a signature
// over these. Without a key it is the unsigned form, which a sidecar honours only for what it holds already.
func mint(m *Manifest, keys []PrivateKey) (string, error) {
	content, err := m.Bundle.ContentDigest.bytes()
	if err != nil {
		return "", fmt.Errorf("seal manifest: bundle.contentDigest: %w", err)
	}
	if len(keys) == 0 {
		return fmt.Sprintf("u1.%d.%s", m.Revision, m.Bundle.ContentDigest.Hex()), nil
	}
	environment, err := Sum([]byte(m.Environment)).bytes()
	if err != nil {
		return "", err
	}
	token := append([]byte(nil), environment[:8]...)
	token = binary.BigEndian.AppendUint64(token, uint64(m.Revision))
	token = append(token, content[:16]...)
	sig, err := keys[0].sign(snapshotType, token)
	if err != nil {
		return "", fmt.Errorf("sign snapshot token: %w", err)
	}
	token = append(token, sig...)
	return "r1." + base64.RawURLEncoding.EncodeToString(token), nil
}
