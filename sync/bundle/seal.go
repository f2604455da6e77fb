package bundle

import (
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
