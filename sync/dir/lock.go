package dir

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/sync/object"
)

const (
	lockName  = ".burgee-lock"
	firstWait = time.Millisecond
	maxWait   = 20 * time.Millisecond
)

// lock waits until this is the folder's only writer. The kernel lets go of the lock when its holder ends, however that ends. The file
// stays: were it removed, two writers could each lock one of that name. It is opened for reading only, which is enough for a lock, so
// that writers of several users can share a folder.
func lock(ctx context.Context, root *os.Root) (unlock func(), err error) {
	f, err := root.OpenFile(lockName, os.O_RDONLY|os.O_CREATE|unix.O_NONBLOCK, fileMode)
	if err != nil {
		return nil, refusal(err, object.ErrNoStore)
	}
	if err := wait(ctx, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", lockName, err)
	}
	return func() { f.Close() }, nil
}

// wait asks again and again, since a call of flock that waits cannot be called off when ctx ends.
func wait(ctx context.Context, f *os.File) error {
	for pause := firstWait; ; pause = min(2*pause, maxWait) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return err
		}
		select {
		case <-ctx.Done():
			return object.Ended(ctx)
		case <-time.After(pause):
		}
	}
}
