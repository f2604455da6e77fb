package sidecar

import (
	"errors"
	"os"
	"slices"
	"syscall"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
)

// pastWork is what one pass does about past revisions, and what came of it.
type pastWork struct {
	bounds lkg.Bounds
	next   *pastEntry
	drop   []string
	look   bool
	seen   bool // the folder was, and these are the names
	names  []string
	errs   []error
}

// begin gives a pass its work. The keeper's lock is held.
func (p *past) begin() *pastWork {
	work := &pastWork{bounds: lkg.Bounds{Most: p.most - 1, Oldest: p.oldest}, drop: p.drop, look: p.look}
	if len(p.queue) > 0 { // one at a time: the next save waits for no more
		next := p.queue[0]
		work.next, p.queue = &next, slices.Delete(p.queue, 0, 1)
	}
	p.drop, p.look = nil, false
	return work
}

// retire keeps what an entry is about to replace, and makes room for the entry.
func (w *pastWork) retire(folder *lkg.Folder, have, want kept) {
	if want.digest == have.digest {
		return // another head over the same bundle
	}
	if have.digest != "" {
		if err := folder.Retire(heldName(have.revision, have.digest)); !errors.Is(err, os.ErrNotExist) {
			w.note(err)
		}
	}
	bounds := w.bounds
	bounds.Current, bounds.Coming = heldName(want.revision, want.digest), want.entry
	_, err := folder.Trim(bounds)
	w.note(err)
	w.look = true
}

// givesWay saves something. Where the disk is full, held files go for it, the oldest first: what they are good for is less.
func (w *pastWork) givesWay(folder *lkg.Folder, e lkg.Entry, save func() error) error {
	err := save()
	if !isFullDisk(err) {
		return err
	}
	files, problem := folder.Held()
	w.note(problem)
	freed := int64(0)
	for isFullDisk(err) && len(files) > 0 {
		last := files[len(files)-1]
		files = files[:len(files)-1]
		if last.Shared || last.Irregular {
			continue // nothing would be gained
		}
		if problem := folder.DropHeld(last.Name); problem != nil {
			w.note(problem)
			break
		}
		w.look = true
		if freed += last.Size; freed >= int64(len(e.Bundle)) {
			err, freed = save(), 0
		}
	}
	if isFullDisk(err) && freed > 0 { // with the little that was free before it may do
		err = save()
	}
	return err
}

func isFullDisk(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// work does what nobody waits for.
func (w *pastWork) work(folder *lkg.Folder, have kept) {
	if have.digest != "" {
		w.bounds.Current = heldName(have.revision, have.digest)
	}
	for _, name := range w.drop {
		w.note(folder.DropHeld(name))
	}
	if w.next != nil {
		w.note(folder.SaveHeld(w.next.name, w.next.Entry, w.bounds))
		w.look = true
	}
	if w.look {
		files, err := folder.Trim(w.bounds)
		w.saw(files, err)
	}
}

func (w *pastWork) saw(files []lkg.HeldFile, err error) {
	w.note(err)
	if files == nil && err != nil {
		return // nothing was seen
	}
	w.seen, w.names = true, make([]string, len(files))
	for i, f := range files {
		w.names[i] = f.Name
	}
}

func (w *pastWork) note(err error) {
	if err != nil {
		w.errs = append(w.errs, err)
	}
}

func heldName(revision int64, d bundle.Digest) string { return lkg.HeldName(revision, d.Hex()) }
