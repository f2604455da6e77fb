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
	saveWait       = 2 * time.Second  // a disk that takes longer does not hold up new flags, nor the end of the process
	confirmedEvery = 15 * time.Second // how often the time of confirmation is written
	retryEvery     = 15 * time.Second // how often a save that failed is tried again
)

var errSlowDisk = errors.New("the disk does not finish in time; it is still trying")

// keeper makes the state folder hold what it was last told. All that touches the disk happens in a goroutine of its own, so that a disk
// that hangs stops nothing but itself. Its nil value keeps nothing.
type keeper struct {
	path   string
	before lkg.Before // nil but in tests
	log    hclog.Logger
	wake   chan struct{}     // holds one when there is something to do
	found  chan []lkg.Loaded // what the folder held at the start; given once
	ended  chan struct{}

	mu      sync.Mutex
	folder  *lkg.Folder
	want    kept // what the folder should hold
	have    kept // what it holds; told by its revisions and the digest, without the bytes
	waiting []chan struct{}
	busy    time.Time // since when the disk is at work; zero while it rests
	problem error     // of the last time
}

// kept is the content of a state folder.
type kept struct {
	entry     lkg.Entry
	revision  int64         // of the entry
	payload   bundle.Digest // of the entry's head
	confirmed time.Time     // when the store last confirmed that entry

	head         []byte
	headRevision int64
}

func newKeeper(path string, before lkg.Before, log hclog.Logger) *keeper {
	return &keeper{
		path: path, before: before, log: log.Named("keep"),
		wake: make(chan struct{}, 1), found: make(chan []lkg.Loaded, 1), ended: make(chan struct{}),
	}
}

// run works until ctx ends, and then waits for the disk a little.
func (k *keeper) run(ctx context.Context) {
	go k.work(ctx)
	<-ctx.Done()
	select {
	case <-k.ended:
	case <-time.After(saveWait):
		k.log.Warn("leaving a disk that does not finish")
	}
}

func (k *keeper) work(ctx context.Context) {
	defer close(k.ended)
	folder := k.open()
	k.found <- folder.Load()
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done(): // what is wanted is saved once more
		case <-k.wake:
		case <-retry.C:
		}
		k.pass()
	}
	_ = k.current().Close() // nothing is left to lose
}

// open takes the folder, again where that failed before: it may have been held by a sidecar that is gone now.
func (k *keeper) open() *lkg.Folder {
	folder := lkg.Open(k.path, k.before)
	k.mu.Lock()
	k.folder = folder
	k.mu.Unlock()
	k.settle(folder.Problem())
	return folder
}

func (k *keeper) current() *lkg.Folder {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.folder
}

// pass makes the folder hold what is wanted, as far as the disk lets it.
func (k *keeper) pass() {
	k.mu.Lock()
	turns := k.waiting
	k.waiting, k.busy = nil, time.Now()
	want, have, folder := k.want, k.have, k.folder
	k.mu.Unlock()
	if folder.Problem() != nil {
		_ = folder.Close() // it could not be written to
		folder = k.open()
	}
	have, err := bring(folder, have, want)
	k.mu.Lock()
	k.have, k.busy = have, time.Time{}
	k.mu.Unlock()
	k.settle(err)
	for _, turn := range turns {
		close(turn)
	}
}

// bring saves the difference between two states, and gives the state that was reached. The head comes first: a kill may be all there is
// to it.
func bring(folder *lkg.Folder, have, want kept) (kept, error) {
	errs := []error{folder.Problem()}
	if want.headRevision > have.headRevision {
		err := folder.SaveHead(want.head)
		if err == nil {
			have.headRevision = want.headRevision
		}
		errs = append(errs, err)
	}
	if want.payload != have.payload && want.payload != "" {
		err := folder.Save(want.entry)
		if err == nil {
			have.revision, have.payload, have.confirmed = want.revision, want.payload, time.Time{}
		}
		errs = append(errs, err)
	}
	if want.payload == have.payload && want.confirmed.Sub(have.confirmed).Abs() >= confirmedEvery { // it falls where the clock was ahead
		err := folder.SaveConfirmed(want.confirmed, string(want.payload))
		if err == nil {
			have.confirmed = want.confirmed
		}
		errs = append(errs, err)
	}
	for _, err := range errs {
		if err != nil {
			return have, err
		}
	}
	return have, nil
}

// settle notes how the disk does, and says so when it changes.
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

// ask changes what is wanted, and gives a channel that is closed when the disk has done what it can about it.
func (k *keeper) ask(change func(want *kept)) <-chan struct{} {
	turn := make(chan struct{})
	k.mu.Lock()
	change(&k.want)
	k.waiting = append(k.waiting, turn)
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default: // it will look anyway
	}
	return turn
}

// save keeps a bundle with its head. It returns when that is done, or has failed, or takes too long.
func (k *keeper) save(v bundle.Verified) {
	if k == nil {
		return
	}
	turn := k.adopt(v)
	timer := time.NewTimer(saveWait)
	defer timer.Stop()
	select {
	case <-turn:
	case <-timer.C:
		k.settle(errSlowDisk)
	case <-k.ended:
	}
}

// adopt keeps a bundle with its head, and waits for nothing.
func (k *keeper) adopt(v bundle.Verified) <-chan struct{} {
	if k == nil {
		return nil
	}
	return k.ask(func(want *kept) {
		want.entry = lkg.Entry{Manifest: v.Head().Raw(), Bundle: v.Stored()}
		want.revision, want.payload, want.confirmed = v.Head().Manifest().Revision, v.Head().Payload(), time.Time{}
	})
}

// saveHead keeps a head whose bundle is not there yet. It waits for nothing.
func (k *keeper) saveHead(head bundle.Head) {
	if k == nil {
		return
	}
	k.ask(func(want *kept) { want.head, want.headRevision = head.Raw(), head.Manifest().Revision })
}

// saveConfirmed keeps the time of a confirmation. It waits for nothing.
func (k *keeper) saveConfirmed(at time.Time) {
	if k == nil {
		return
	}
	k.ask(func(want *kept) { want.confirmed = at })
}

// state gives the last revision that is safely on disk, 0 for none, and what stands in the way of saving.
func (k *keeper) state(now time.Time) (revision int64, problem error) {
	if k == nil {
		return 0, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.busy.IsZero() && now.Sub(k.busy) > saveWait {
		return k.have.revision, errSlowDisk
	}
	return k.have.revision, k.problem
}
