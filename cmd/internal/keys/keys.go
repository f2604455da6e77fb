// Package keys reads the public keys that both programs are told of on their command lines. It reads files, and knows neither flags
// nor environment variables: the words of its errors name the settings, their values are handed in.
package keys

import (
	"errors"
	"fmt"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/sync/bundle"
)

// MaxFile bounds a key file: a PEM block of an Ed25519 key has less than 200 bytes, and some carry a comment.
const MaxFile = 16 << 10

var (
	// ErrNoTrust says that nothing tells whom to believe.
	ErrNoTrust = errors.New("no trust key: give --trust-key FILE, or --allow-unsigned to check checksums only")

	// ErrBothTrusts says that two settings contradict each other.
	ErrBothTrusts = errors.New("--trust-key and --allow-unsigned contradict each other: give one of them")

	// ErrThreshold says that no keys, or not those that are given, can satisfy --trust-threshold.
	ErrThreshold = errors.New("--trust-threshold")

	// ErrTrustKey says that a trust key cannot be used.
	ErrTrustKey = errors.New("trust key")
)

// Trust is what --trust-key, --trust-threshold and --allow-unsigned ask for: keys or their explicit absence, never neither.
func Trust(files []string, threshold int, allowUnsigned bool) (bundle.Trust, error) {
	if err := CheckThreshold(threshold, nil); err != nil {
		return bundle.Trust{}, err
	}
	switch {
	case len(files) > 0 && allowUnsigned:
		return bundle.Trust{}, ErrBothTrusts
	case len(files) == 0 && !allowUnsigned:
		return bundle.Trust{}, ErrNoTrust
	}
	public, err := Public(files)
	if err != nil {
		return bundle.Trust{}, err
	}
	if err := CheckThreshold(threshold, public); err != nil {
		return bundle.Trust{}, err
	}
	if allowUnsigned {
		return bundle.AllowUnsigned(), nil
	}
	trust, err := bundle.NewTrust(public, threshold)
	if err != nil {
		return trust, fmt.Errorf("%w: %w", ErrTrustKey, err)
	}
	return trust, nil
}

// CheckThreshold refuses a threshold that is no number of keys, or that is more than the distinct ones among given; without any it says
// nothing of the latter.
func CheckThreshold(threshold int, given []bundle.PublicKey) error {
	distinct := map[string]bool{}
	for _, key := range given {
		distinct[key.ID] = true
	}
	switch n := len(distinct); {
	case threshold < 1: // 0 too, which reads as if nobody needed to sign
		return fmt.Errorf("%w %d is no number of keys: give 1 or more", ErrThreshold, threshold)
	case n > 0 && threshold > n:
		return fmt.Errorf("%w %d is more than the distinct keys given (%d): give more with --trust-key, or ask for fewer", ErrThreshold, threshold, n)
	}
	return nil
}

// Public reads one public key out of each file.
func Public(files []string) ([]bundle.PublicKey, error) {
	var public []bundle.PublicKey
	for _, name := range files {
		text, err := file.Read(name, MaxFile)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrTrustKey, err)
		}
		key, err := bundle.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrTrustKey, name, err)
		}
		public = append(public, key)
	}
	return public, nil
}
