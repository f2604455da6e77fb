package dir

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/burgeehq/burgee/sync/object"
)

// tagOf makes the validator from the content. Times and inode numbers would be cheaper, but file systems differ in how finely they
// count the first and how soon they use the second again.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// compare says ErrConflict unless the object at key has the tag have. It holds none of the content.
func compare(root *os.Root, key, have string) error {
	f, _, err := openObject(root, key)
	if errors.Is(err, object.ErrNotFound) {
		return fmt.Errorf("%w: %w", object.ErrConflict, err)
	}
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != have {
		return object.ErrConflict
	}
	return nil
}
