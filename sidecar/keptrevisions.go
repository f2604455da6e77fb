package sidecar

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
)

// maxQueued is how many bytes of held bundles wait for the disk: as many as the largest has, whatever the disk does.
const maxQueued = bundle.MaxStored

var errNotKept = errors.New("nothing is kept on disk, or no more")

// past is what the keeper knows and wants of past revisions. They are worth less than the current one: what fails here costs a pin after
// the next restart, and neither a save nor a swap waits for it.
type past struct {
	most    int   // distinct bundles, the current one among them
	oldest  int64 // revision
	queue   []pastEntry
	queued  int // bytes of the queue, and of what is being written
	drop    []string
	look    bool     // the folder is to be looked through: something changed, or failed
	names   []string // of held files as they were last seen, newest first
	problem error    // of the last time
	over    bool     // nothing is written any more
}

// pastEntry is a bundle that waits to be written.
type pastEntry struct {
	name string
	lkg.Entry
	turn chan struct{}
}

// load is a wish for a held file. Its answer has room for one.
type load struct {
	name   string
	answer chan lkg.Loaded
}

// retain sets how many distinct bundles are kept, the current one among them; 0 means DefaultRetain. It is for before run.
func (k *keeper) retain(n int) {
	if k == nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.past.most = orDefault(n, DefaultRetain)
}

// hold keeps a past bundle with its head. It waits for nothing; the channel that it gives is closed when the bundle is on disk, or is not
// going to be: because it is among the oldest, or the disk fails, or too much waits for it already. Whoever brings many waits in between.
func (k *keeper) hold(v bundle.Verified) <-chan struct{} {
	turn := make(chan struct{})
	e := lkg.Entry{Manifest: v.Head().Raw(), Bundle: v.Stored()}
	m := v.Head().Manifest()
	if k == nil || !k.enqueue(pastEntry{heldName(m.Revision, m.Bundle.Digest), e, turn}) {
		close(turn)
		return turn
	}
	k.rouse()
	return turn
}

func (k *keeper) enqueue(e pastEntry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	size := len(e.Bundle)
	if k.past.over || k.past.queued > 0 && k.past.queued+size > maxQueued {
		return false
	}
	k.past.queue, k.past.queued = append(k.past.queue, e), k.past.queued+size
	return true
}

// forget lets the held files below a revision go. It waits for nothing.
func (k *keeper) forget(oldest int64) {
	k.change(func(p *past) { p.oldest, p.look = oldest, p.look || oldest != p.oldest })
}

// discard lets a held file go: it does not verify any more. It waits for nothing.
func (k *keeper) discard(name string) {
	k.change(func(p *past) { p.drop, p.look = append(p.drop, name), true })
}

func (k *keeper) change(change func(*past)) {
	if k == nil {
		return
	}
	k.mu.Lock()
	change(&k.past)
	k.mu.Unlock()
	k.rouse()
}

// heldNames gives the held files that the folder was last seen to have, newest first.
func (k *keeper) heldNames() []string {
	if k == nil {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.past.names)
}

// loadHeld reads a held file. An error means that nobody looked: ctx ended, as it must where the disk hangs, or the keeper did.
func (k *keeper) loadHeld(ctx context.Context, name string) (lkg.Loaded, error) {
	if k == nil {
		return lkg.Loaded{}, errNotKept
	}
	wish := load{name, make(chan lkg.Loaded, 1)}
	select {
	case k.loads <- wish:
	case <-ctx.Done():
		return lkg.Loaded{}, fmt.Errorf("load %s: %w", name, ctx.Err())
	case <-k.ended:
		return lkg.Loaded{}, errNotKept
	}
	select {
	case l := <-wish.answer:
		return l, nil
	case <-ctx.Done():
		return lkg.Loaded{}, fmt.Errorf("load %s: %w", name, ctx.Err())
	}
}

// give answers a wish. A file that was trimmed meanwhile is no fault.
func (k *keeper) give(wish load) {
	k.setBusy(time.Now())
	l := k.current().LoadHeld(wish.name)
	k.setBusy(time.Time{})
	if l.Err != nil && !errors.Is(l.Err, os.ErrNotExist) {
		k.finish(&pastWork{errs: []error{fmt.Errorf("load %s: %w", l.Name, l.Err)}})
	}
	wish.answer <- l
}

func (k *keeper) setBusy(since time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.busy = since
}

// list sees what is held, and drops nothing.
func (k *keeper) list(folder *lkg.Folder) {
	files, err := folder.Held()
	work := pastWork{}
	work.saw(files, err)
	k.mu.Lock()
	k.past.look = true // the bounds may be narrower than those of the process before
	k.mu.Unlock()
	k.finish(&work)
}

// finish notes what came of a pass's work, and says so when it changes. What failed makes the next pass look again, and the first look that
// finds no fault ends the complaint.
func (k *keeper) finish(w *pastWork) {
	k.mu.Lock()
	k.busy = time.Time{}
	if w.seen {
		k.past.names = w.names
	}
	var problem error
	if len(w.errs) > 0 {
		problem = fmt.Errorf("past revisions: %w", w.errs[0])
		k.past.look = true
	}
	before := k.past.problem
	k.past.problem = problem
	quiet := k.problem != nil // which tells more
	if w.next != nil {
		k.past.queued -= len(w.next.Bundle)
		close(w.next.turn)
	}
	more := len(k.past.queue) > 0
	k.mu.Unlock()
	switch {
	case quiet:
	case problem != nil && before == nil:
		k.log.Warn("past revisions are not kept on disk", "error", problem)
	case problem == nil && before != nil:
		k.log.Info("past revisions are kept on disk again")
	}
	if more {
		k.rouse()
	}
}

// dismiss gives up what was not written before the end.
func (k *keeper) dismiss() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, e := range k.past.queue {
		close(e.turn)
	}
	k.past.queue, k.past.over = nil, true
}
