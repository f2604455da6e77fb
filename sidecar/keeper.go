package sidecar

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
)

const (
	saveWait       = 2 * time.Second  // a disk that takes longer does not hold up new flags
	confirmedEvery = 15 * time.Second // how often the time of confirmation is written
)

var errSlowDisk = errors.New("the disk did not finish in time; it is still trying")

// keeper saves the last known good flags in a goroutine of its own, so that a disk that hangs stops nothing but itself. What could not
// be saved is tried again at every confirmation. Its nil value keeps nothing.
type keeper struct {
	folder    *lkg.Folder
	log       hclog.Logger
	jobs      chan job
	ended     chan struct{}
	wanted    wanted    // of the sink's goroutine alone
	confirmed time.Time // likewise: when the time of confirmation was last written
	mu        sync.Mutex
	problem   error // of the last save
	revision  int64 // the last one that is safely on disk
}

// wanted is what the folder should hold.
type wanted struct {
	revision int64
	entry    lkg.Entry
}

type job struct {
	do   func() error
	done chan error
}

func newKeeper(folder *lkg.Folder, log hclog.Logger) *keeper {
	k := &keeper{folder: folder, log: log.Named("keep"), jobs: make(chan job, 1), ended: make(chan struct{}), problem: folder.Problem()}
	if k.problem != nil {
		k.log.Warn("flags are not kept on disk", "error", k.problem)
	}
	return k
}

// run saves what it is given, until ctx ends.
func (k *keeper) run(ctx context.Context) {
	defer func() { _ = k.folder.Close() }() // nothing is left to lose
	defer close(k.ended)
	for {
		select {
		case <-ctx.Done():
			return
		case j := <-k.jobs:
			j.done <- j.do()
		}
	}
}

// save keeps a bundle with its head.
func (k *keeper) save(v bundle.Verified) {
	if k == nil {
		return
	}
	k.wanted = wanted{v.Head().Manifest().Revision, lkg.Entry{Manifest: v.Head().Raw(), Bundle: v.Stored()}}
	k.saveWanted()
}

func (k *keeper) saveWanted() {
	want := k.wanted
	k.hand(func() error {
		if err := k.folder.Save(want.entry); err != nil {
			return err
		}
		k.restored(want.revision)
		return nil
	})
}

// saveHead keeps a head whose bundle is not there yet.
func (k *keeper) saveHead(head bundle.Head) {
	if k == nil {
		return
	}
	k.hand(func() error { return k.folder.SaveHead(head.Raw()) })
}

// saveConfirmed keeps the time of confirmation, now and then, and makes up for a save that failed.
func (k *keeper) saveConfirmed(at time.Time) {
	if k == nil {
		return
	}
	if saved, _ := k.state(); saved < k.wanted.revision {
		k.saveWanted()
	}
	if at.Sub(k.confirmed) >= confirmedEvery {
		k.confirmed = at
		k.hand(func() error { return k.folder.SaveConfirmed(at) })
	}
}

// hand gives a job to the goroutine, waits for it, but not for long, and notes how it went.
func (k *keeper) hand(do func() error) {
	timer := time.NewTimer(saveWait)
	defer timer.Stop()
	j := job{do, make(chan error, 1)}
	select {
	case k.jobs <- j:
	case <-timer.C:
		k.settle(errSlowDisk)
		return
	case <-k.ended:
		return
	}
	select {
	case err := <-j.done:
		k.settle(err)
	case <-timer.C:
		k.settle(errSlowDisk)
	case <-k.ended:
	}
}

// settle notes how a save went and says so when it changes.
func (k *keeper) settle(err error) {
	k.mu.Lock()
	before := k.problem
	k.problem = err
	k.mu.Unlock()
	switch {
	case err != nil && before == nil:
		k.log.Warn("flags are not kept on disk", "error", err)
	case err == nil && before != nil:
		k.log.Info("flags are kept on disk again")
	}
}

// state gives the last revision that is safely on disk, 0 for none, and what stands in the way of saving.
func (k *keeper) state() (revision int64, problem error) {
	if k == nil {
		return 0, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.revision, k.problem
}

// restored notes which revision is safely on disk.
func (k *keeper) restored(revision int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.revision = revision
}
