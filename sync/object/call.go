package object

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
)

// Ended is nil while ctx lives, and then the error that a store gives for it: a deadline counts as ErrUnavailable, since trying again
// may help, and a cancellation as nothing but itself.
func Ended(ctx context.Context) error {
	err := ctx.Err()
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// ReadLimited reads r to its end, or no further than limit+1 bytes and gives ErrTooLarge. The size is what the store says the object
// has: it is refused unread where that is beyond limit, and saves growing the buffer where it is true. Negative means unknown.
func ReadLimited(r io.Reader, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d are allowed", ErrTooLarge, size, limit)
	}
	buf := bytes.NewBuffer(make([]byte, 0, max(size, 0)+bytes.MinRead))
	n, err := buf.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	return buf.Bytes(), nil
}
