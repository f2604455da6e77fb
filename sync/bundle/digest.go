package bundle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const digestPrefix = "sha256:"

// Digest is "sha256:" and 64 lower-case hexadecimal digits.
type Digest string

// Sum is the digest of data.
func Sum(data []byte) Digest {
	sum := sha256.Sum256(data)
	return Digest(digestPrefix + hex.EncodeToString(sum[:]))
}

// Hex is the digest without its prefix: the name of the object that holds the bytes.
func (d Digest) Hex() string { return strings.TrimPrefix(string(d), digestPrefix) }

func (d Digest) bytes() ([]byte, error) {
	raw, err := hex.DecodeString(d.Hex())
	if err != nil || len(raw) != sha256.Size || digestPrefix+hex.EncodeToString(raw) != string(d) {
		return nil, fmt.Errorf(`%.80q is not "sha256:" and 64 lower-case hexadecimal digits`, string(d))
	}
	return raw, nil
}

func (d Digest) valid() bool {
	_, err := d.bytes()
	return err == nil
}
