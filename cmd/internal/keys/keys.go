// Package keys reads the public keys that both programs are told of, in files that are named, or as they are, and the files of private ones.
// No error of it repeats what may be a key. It knows neither flags nor environment
// variables: the words of its errors name the settings, their values are handed in.
package keys

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/sync/bundle"
)

// MaxFile bounds a key, in a file or as a text: a PEM block of an Ed25519 key has less than 200 bytes, and some carry a comment.
const MaxFile = 16 << 10

// pemBegins tells a key from the name of its file.
const pemBegins = "-----BEGIN"

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
func Trust(given []string, threshold int, allowUnsigned bool) (bundle.Trust, error) {
	if err := CheckThreshold(threshold, nil); err != nil {
		return bundle.Trust{}, err
	}
	switch {
	case len(given) > 0 && allowUnsigned:
		return bundle.Trust{}, ErrBothTrusts
	case len(given) == 0 && !allowUnsigned:
		return bundle.Trust{}, ErrNoTrust
	}
	public, err := Public(given)
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

// Public reads one public key out of each: a file of that name, or the PEM text itself, for a pod that is given keys in a variable.
func Public(given []string) ([]bundle.PublicKey, error) {
	var public []bundle.PublicKey
	for i, one := range given {
		text, name, err := textOf(one, i+1)
		if err != nil {
			return nil, err
		}
		key, err := bundle.ParsePublicKey(text)
		if err != nil {
			return nil, fmt.Errorf("%w %s: %w", ErrTrustKey, name, err)
		}
		public = append(public, key)
	}
	return public, nil
}

// textOf gives what is read as a key, and how errors call it. Text is never quoted in them: it may be a private key by mistake.
func textOf(given string, number int) (text []byte, name string, err error) {
	trimmed := strings.TrimSpace(given)
	name = fmt.Sprintf("%d (a text)", number)
	switch {
	case strings.HasPrefix(trimmed, pemBegins) && len(trimmed) > MaxFile:
		return nil, "", fmt.Errorf("%w %s: more than %d bytes", ErrTrustKey, name, MaxFile)
	case strings.HasPrefix(trimmed, pemBegins):
		return []byte(trimmed), name, nil
	case strings.ContainsAny(trimmed, "\r\n"):
		return nil, "", fmt.Errorf("%w %s: it has several lines, and does not begin with %s; several keys are separated by commas", ErrTrustKey, name, pemBegins)
	}
	text, err = Read(given)
	switch {
	case err != nil && mayBeKey(given):
		return nil, "", fmt.Errorf("%w: %w; a key is taken as text where it has its line %s PUBLIC KEY-----", ErrTrustKey, err, pemBegins)
	case err != nil:
		return nil, "", fmt.Errorf("%w: %w", ErrTrustKey, err)
	}
	return text, given, nil
}

// Read gives what a key's file holds. Whoever puts a key where its file's name is wanted does not find it in the log.
func Read(name string) ([]byte, error) {
	text, err := file.Read(name, MaxFile)
	if wrong := (*fs.PathError)(nil); errors.As(err, &wrong) && mayBeKey(name) {
		return nil, fmt.Errorf("no file has this name of %d letters (not repeated, since it may be the key itself): %w", len(name), wrong.Err)
	}
	return text, err
}

// mayBeKey tells names of files from keys that lack their PEM lines, or have lost their line breaks: the shortest, 32 bytes in base64, has 43
// letters, and neither base64 nor hexadecimal digits have a dot. No folder takes a name of more than 255 bytes.
func mayBeKey(name string) bool {
	return len(name) > 40 && !strings.Contains(name, ".") || len(name) > 255
}
