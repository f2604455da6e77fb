package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
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
	wake   chan struct{} // holds one when there is something to do
	loads  chan load
	found  chan found // given once
	ended  chan struct{}

	mu      sync.Mutex
	folder  *lkg.Folder
	want    kept // what the folder should hold
	have    kept // what it holds; told by its revisions and the digest, without the bytes
	trials  trials
	taken   *lkg.Loaded // what is in use of the folder, not told to it yet
	waiting []chan struct{}
	busy    time.Time // since when the disk is at work; zero while it rests
	problem error     // of the last time
	past    past
	unread  error // what could not be read at the start, and has not been written since
}

// found is what a folder held at the start.
type found struct {
	entries   []lkg.Loaded
	confirmed time.Time
	state     string // that was confirmed
}

// kept is the content of a state folder.
type kept struct {
	entry     lkg.Entry
	revision  int64         // of the entry
	payload   bundle.Digest // of the entry's head
	digest    bundle.Digest // of the entry's bundle
	confirmed time.Time     // when the store last confirmed that entry

	head         []byte
	headRevision int64

	trials lkg.Trials
	unsure bool          // the last save of them failed: only another one proves that the disk works again
	proved bundle.Digest // the bundle that was last seen to do well; wanted alone
}

func newKeeper(path string, before lkg.Before, log hclog.Logger) *keeper {
	return &keeper{
		path: path, before: before, log: log.Named("keep"),
		wake: make(chan struct{}, 1), loads: make(chan load), found: make(chan found, 1), ended: make(chan struct{}),
		past: past{most: DefaultRetain},
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
	k.found <- k.look(k.open())
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-k.wake:
			k.pass()
		case <-retry.C:
			k.pass()
		case l := <-k.loads:
			k.give(l)
		}
	}
	k.release()
	k.pass() // what is wanted is saved once more
	k.dismiss()
	_ = k.current().Close() // nothing is left to lose
}

// open takes the folder, again where that failed before: it may have been held by a sidecar that is gone now.
func (k *keeper) open() *lkg.Folder {
	folder := lkg.Open(k.path, k.before)
	k.mu.Lock()
	k.folder = folder
	k.mu.Unlock()
	if problem := folder.Problem(); !errors.Is(problem, lkg.ErrHeld) { // what the holder has noted of itself is no death
		k.takeTrials(folder.Trials(), problem == nil)
	}
	if folder.Made() {
		k.log.Info("state folder made: there was none", "path", k.path)
	}
	k.settle(folder.Problem())
	return folder
}

// look reads what the folder holds.
func (k *keeper) look(folder *lkg.Folder) found {
	f := found{entries: folder.Load()}
	f.confirmed, f.state = folder.Confirmed()
	k.list(folder)
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range f.entries {
		if l.Err != nil && k.unread == nil {
			k.unread = fmt.Errorf("read %s: %w", l.Name, l.Err)
		}
	}
	return f
}

func (k *keeper) current() *lkg.Folder {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.folder
}

// pass makes the folder hold what is wanted, as far as the disk lets it.
func (k *keeper) pass() {
	k.mu.Lock()
	turns, folder := k.waiting, k.folder
	k.waiting, k.busy = nil, time.Now()
	k.mu.Unlock()
	reopened := folder.Problem() != nil
	if reopened {
		_ = folder.Close() // it could not be written to
		folder = k.open()
	}
	k.mu.Lock()
	k.past.look = k.past.look || reopened
	want, had, taken, past := k.want, k.have, k.taken, k.past.begin()
	k.taken = nil
	k.mu.Unlock()
	if taken != nil {
		folder.Took(*taken)
	}
	have, err := bring(folder, had, want, past)
	k.mu.Lock()
	if k.taken == nil {
		k.have = have
	}
	if k.want.payload == have.payload {
		k.want.entry = lkg.Entry{} // on disk it is safe, and in memory large
	}
	if have.payload != had.payload || have.headRevision != had.headRevision {
		k.unread = nil
	}
	k.busy = time.Now()
	k.mu.Unlock()
	k.settle(err)
	for _, turn := range turns {
		close(turn)
	}
	past.work(folder, have) // nobody waits for that
	k.finish(past)
}

// bring saves the difference between two states, and gives the state that was reached. The trials come first, since a bundle waits for
// them; then the head, since a kill may be all there is to it. What the entry replaces becomes a past revision first.
func bring(folder *lkg.Folder, have, want kept, past *pastWork) (kept, error) {
	errs := []error{folder.Problem()}
	if have.unsure || !maps.Equal(want.trials, have.trials) {
		err := past.givesWay(folder, lkg.Entry{}, func() error { return folder.SaveTrials(want.trials) })
		have.unsure = err != nil
		if err == nil {
			have.trials = want.trials
		}
		errs = append(errs, err)
	}
	if want.proved == have.digest {
		folder.Proved()
	}
	if want.headRevision > have.headRevision {
		err := past.givesWay(folder, lkg.Entry{}, func() error { return folder.SaveHead(want.head) })
		if err == nil {
			have.headRevision = want.headRevision
		}
		errs = append(errs, err)
	}
	if want.payload != have.payload && want.payload != "" {
		past.retire(folder, have, want)
		err := past.givesWay(folder, want.entry, func() error { return folder.Save(want.entry) })
		if err == nil {
			have.revision, have.payload, have.digest, have.confirmed = want.revision, want.payload, want.digest, time.Time{}
		}
		errs = append(errs, err)
	}
	if want.payload == have.payload && want.confirmed.Sub(have.confirmed).Abs() >= confirmedEvery { // it falls where the clock was ahead
		err := past.givesWay(folder, lkg.Entry{}, func() error { return folder.SaveConfirmed(want.confirmed, string(want.payload)) })
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
	k.rouse()
	return turn
}

// rouse makes the keeper look at what is wanted.
func (k *keeper) rouse() {
	select {
	case k.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// save keeps a bundle with its head. It returns when that is done, or has failed, or takes too long.
func (k *keeper) save(v bundle.Verified) {
	if k == nil {
		return
	}
	k.wait(k.adopt(v))
}

// wait waits for a turn, but for a disk that is known to hang.
func (k *keeper) wait(turn <-chan struct{}) {
	if _, problem := k.state(time.Now()); errors.Is(problem, errSlowDisk) {
		return
	}
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
		m := v.Head().Manifest()
		want.revision, want.payload, want.digest, want.confirmed = m.Revision, v.Head().Payload(), m.Bundle.Digest, time.Time{}
	})
}

// took notes that an entry of the folder is in use. If no process died with it, it is worth falling back to.
func (k *keeper) took(c candidate, newest bundle.Head) {
	k.ask(func(want *kept) {
		k.taken = &c.Loaded
		k.have.revision, k.have.payload, k.have.digest = c.head.Manifest().Revision, c.head.Payload(), c.digest()
		k.have.headRevision = newest.Manifest().Revision
		want.revision, want.payload, want.digest, want.headRevision = k.have.revision, k.have.payload, k.have.digest, k.have.headRevision
		if k.trials.deaths(want.digest) == 0 {
			want.proved = want.digest
		}
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
	return k.have.revision, cmp.Or(k.problem, k.unread, k.past.problem)
}
