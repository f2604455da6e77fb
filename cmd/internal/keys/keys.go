// Package keys reads the public keys that both programs are told of on their command lines. It reads files, and knows neither flags
// nor environment variables: the words of its errors name the settings, their values are handed in.
package keys

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/burgeehq/burgee/sync/bundle"
)

// MaxFile bounds a key file: a PEM block of an Ed25519 key has less than 200 bytes, and some carry a comment.
const MaxFile = 16 << 10

var (
	// ErrNoTrust says that nothing tells whom to believe.
	ErrNoTrust = errors.New("no trust key: give --trust-key FILE, or --allow-unsigned to check checksums only")

	// ErrBothTrusts says that two settings contradict each other.
	ErrBothTrusts = errors.New("--trust-key and --allow-unsigned contradict each other: give one of them")
)

// Trust is what --trust-key, --trust-threshold (0 means 1) and --allow-unsigned ask for: keys or their explicit absence, never
// neither.
func Trust(files []string, threshold int, allowUnsigned bool) (bundle.Trust, error) {
	switch {
	case len(files) > 0 && allowUnsigned:
		return bundle.Trust{}, ErrBothTrusts
	case len(files) == 0 && !allowUnsigned:
		return bundle.Trust{}, ErrNoTrust
	case allowUnsigned:
		return bundle.AllowUnsigned(), nil
	}
	public, err := Public(files)
	if err != nil {
		return bundle.Trust{}, err
	}
	return bundle.NewTrust(public, threshold)
}

// Public reads one public key out of each file.
func Public(files []string) ([]bundle.PublicKey, error) {
	var public []bundle.PublicKey
	for _, file := range files {
		text, err := ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("trust key: %w", err)
		}
		key, err := bundle.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("trust key %s: %w", file, err)
		}
		public = append(public, key)
	}
	return public, nil
}

// ReadFile reads a file of at most MaxFile bytes. It follows symlinks, for that is how Kubernetes mounts a secret.
func ReadFile(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, MaxFile+1))
	if err != nil {
		return nil, err
	}
	if len(text) > MaxFile {
		return nil, fmt.Errorf("%s: larger than %d bytes: not a key file", name, MaxFile)
	}
	return text, nil
}
