package object

import (
	"fmt"
	"io/fs"
	"strings"
)

// MaxKey is how long a key may be. S3 ends at 1024 bytes, and a store's own prefix comes before the key.
const MaxKey = 512

// maxSegment leaves every part of a key below the 255 bytes that file systems end at.
const maxSegment = 240

// keyLetters are the characters that every S3 server and file system carries unchanged.
const keyLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789" + "!-_.*'()=+,/"

// CheckKey says why key is none; the error is ErrKey. All stores refuse the same keys, so that what was written to one can be copied
// to another. Parts that begin with a dot are left to the stores themselves: a folder keeps its lock and unfinished files there.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: it is empty", ErrKey)
	case len(key) > MaxKey:
		return fmt.Errorf("%w: %d bytes; at most %d are allowed", ErrKey, len(key), MaxKey)
	case strings.Trim(key, keyLetters) != "":
		return fmt.Errorf("%w: %q; allowed are %s", ErrKey, key, keyLetters)
	case !fs.ValidPath(key):
		return fmt.Errorf(`%w: %q; it must not begin or end with "/", nor hold "//", "." or ".." as a part`, ErrKey, key)
	}
	return checkParts(key)
}

func checkParts(key string) error {
	for part := range strings.SplitSeq(key, "/") {
		if part[0] == '.' {
			return fmt.Errorf("%w: %q; parts that begin with a dot belong to the store itself", ErrKey, key)
		}
		if len(part) > maxSegment {
			return fmt.Errorf("%w: a part of %d bytes; at most %d are allowed", ErrKey, len(part), maxSegment)
		}
	}
	return nil
}

// CheckPrefix says why no key can begin with prefix; the empty one begins all of them.
func CheckPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	return CheckKey(strings.TrimSuffix(prefix, "/"))
}
