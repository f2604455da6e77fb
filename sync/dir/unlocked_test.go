package dir

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/burgeehq/burgee/sync/object"
)

// TestCreateIsSoundWithoutTheLock is for network file systems that grant every lock: nobody overwrites what another one created.
func TestCreateIsSoundWithoutTheLock(t *testing.T) {
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for range 20 {
		var winners atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				err := create(t.Context(), root, "revisions/1", []byte("body"))
				if err == nil {
					winners.Add(1)
				} else if !errors.Is(err, object.ErrExists) {
					t.Errorf("create: %v", err)
				}
			})
		}
		all.Wait()
		if won := winners.Load(); won != 1 {
			t.Fatalf("%d creators won", won)
		}
		if err := root.Remove("revisions/1"); err != nil {
			t.Fatal(err)
		}
	}
}
