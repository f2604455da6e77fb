package object

import (
	"errors"
	"time"
)

// Postponed is a store's error that says when to come back.
type Postponed struct {
	Err   error
	After time.Duration // from the answer on
}

// Error adds what was asked for.
func (p Postponed) Error() string {
	return p.Err.Error() + "; it asks to be left alone for " + p.After.String()
}

// Unwrap gives the error itself.
func (p Postponed) Unwrap() error { return p.Err }

// RetryAfter is how long the store that gave err asked to be left alone; 0 where it did not.
func RetryAfter(err error) time.Duration {
	var p Postponed
	if errors.As(err, &p) {
		return p.After
	}
	return 0
}
