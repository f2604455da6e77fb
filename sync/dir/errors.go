package dir

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"github.com/burgeehq/burgee/sync/object"
)

// refusal puts the package object's word before what the system said; missing is the word for what is not there.
func refusal(err, missing error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return fmt.Errorf("%w: %w", missing, err)
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return fmt.Errorf("%w: %w", object.ErrForbidden, err)
	}
	return err
}
