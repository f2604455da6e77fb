package object_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

func TestRetryAfter(t *testing.T) {
	busy := object.Postponed{Err: fmt.Errorf("%w: 503 SlowDown", object.ErrUnavailable), After: 3 * time.Second}
	err := fmt.Errorf("read the head: %w", busy)
	if got := object.RetryAfter(err); got != 3*time.Second || !errors.Is(err, object.ErrUnavailable) {
		t.Errorf("%v asks for %v; want 3s, and the store unavailable", err, got)
	}
	if want := "read the head: store unavailable: 503 SlowDown; it asks to be left alone for 3s"; err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
	if got := object.RetryAfter(object.ErrUnavailable); got != 0 {
		t.Errorf("a store that asked for nothing asks for %v", got)
	}
}
