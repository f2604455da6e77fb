package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/pull"
)

// restoreWait is how long a disk may take to give what it holds; after that the sidecar starts without it.
const restoreWait = 2 * time.Second

// unreadable stands for a reason where nothing was refused: there was nothing whole to judge.
const unreadable bundle.Reason = "unreadable"

var errNoAnswer = fmt.Errorf("the folder does not answer within %v; starting without what it holds", restoreWait)

// candidate is a manifest that a folder held, with its bundle where it had one.
type candidate struct {
	lkg.Loaded
	source string      // disk or bootstrap
	head   bundle.Head // the manifest, once it is verified
	held   bool        // it is a past revision, and no more

	confirmed time.Time // on disk: when the store last confirmed the state of that name
	state     string
}

func (c *candidate) digest() bundle.Digest { return c.head.Manifest().Bundle.Digest }

func (s *Sidecar) policy() bundle.Policy {
	return bundle.Policy{Trust: s.config.Trust, Environment: s.config.Environment}
}

// restored is what a start found.
type restored struct {
	known  pull.Known
	served *flagset   // when the disk answered
	best   *flagset   // of all that there is, what is served already included
	ahead  []*flagset // newer, for moments that are still to come
	from   candidate
	late   bool // the disk answered when something may have been served already
}

// restore serves the newest flags that the disk or the bootstrap folder holds, if they verify with today's keys, and tells the loop
// what was accepted before: at once, or later where the disk takes its time.
func (s *Sidecar) restore(ctx context.Context, group *sync.WaitGroup) (known pull.Known, late <-chan func() pull.Known) {
	found, answered := s.candidates(ctx)
	if !answered {
		answers := make(chan func() pull.Known)
		group.Go(func() { s.restoreLate(ctx, answers) })
		late = answers
	}
	return s.choose(found, false), late
}

// restoreLate waits for a disk that did not answer in time: a pod whose store is away still gets what it holds.
func (s *Sidecar) restoreLate(ctx context.Context, answers chan<- func() pull.Known) {
	select {
	case <-ctx.Done():
	case f := <-s.keeper.found:
		select {
		case <-ctx.Done():
		case answers <- func() pull.Known {
			s.config.Log.Info("the state folder answers after all")
			s.leftOut.forget(s.keeper.path)
			return s.choose(f.candidates(), true)
		}:
		}
	}
}

// choose serves the newest of what was found, unless something newer is served. What is quarantined is left out, unless there is nothing
// else: a wrong verdict must not leave a pod without flags.
func (s *Sidecar) choose(found []candidate, late bool) pull.Known {
	s.holder.making.Lock()
	defer s.holder.making.Unlock()
	served := s.holder.current.Load()
	r := restored{served: served, best: served, late: late}
	var quarantined []candidate
	for _, c := range found {
		if err := s.reopen(&c); err != nil {
			s.notTaken(c, err)
			continue
		}
		if c.head.Manifest().Revision > r.known.Head.Manifest().Revision {
			r.known.Head = c.head
		}
		switch {
		case len(c.Bundle) == 0:
		case s.keeper.condemned(c.digest()):
			s.notTaken(c, s.keeper.quarantine(c.head))
			quarantined = append(quarantined, c)
		default:
			s.consider(&r, c)
		}
	}
	slices.SortStableFunc(quarantined, func(a, b candidate) int { return s.keeper.deaths(a.digest()) - s.keeper.deaths(b.digest()) })
	for _, c := range quarantined {
		if r.best == nil {
			s.config.Log.Warn("there is nothing else to serve: trying what is quarantined", "file", c.Name, "revision", c.head.Manifest().Revision)
			s.consider(&r, c)
		}
	}
	if r.known.Head.Manifest().Revision == 0 {
		s.fallBack(&r)
	}
	s.serveRestored(r)
	return r.known
}

// fallBack takes up the newest past revision of the disk, where all that is newer was lost: better than none, and the store must not go
// back below what was accepted once.
func (s *Sidecar) fallBack(r *restored) {
	ctx, cancel := context.WithTimeout(context.Background(), restoreWait)
	defer cancel()
	for _, name := range s.keeper.heldNames() {
		loaded, err := s.keeper.loadHeld(ctx, name)
		if err != nil {
			return
		}
		c := candidate{Loaded: loaded, source: fromDisk, held: true}
		if s.reopen(&c) != nil { // who looks through them all says so
			continue
		}
		r.known.Head = c.head
		if !s.keeper.condemned(c.digest()) {
			s.consider(r, c)
		}
		return
	}
}

// consider takes up a candidate's flags if they are newer than what was found so far.
func (s *Sidecar) consider(r *restored, c candidate) {
	if !r.newer(c) {
		return
	}
	err := s.holder.attempt(c.head, func() error {
		verified, err := c.head.Open(c.Bundle)
		if err != nil {
			return err
		}
		packed := verified.Packed()
		next, err := s.holder.compile(verified, c.source, s.holder.roomForNewest(c.head.Manifest().Revision))
		if err != nil {
			return err
		}
		if s.holder.early(c.head, time.Now()) > 0 {
			r.ahead = append(r.ahead, next)
		} else {
			r.best = next
		}
		if r.known.Served == nil || r.known.Served.Head().Manifest().Revision < next.revision {
			r.known.Served, r.from = &packed, c
		}
		return nil
	})
	if err != nil {
		s.notTaken(c, err)
	}
}

// newer tells whether a candidate is newer than what was found: than what can be served, and than what is to be.
func (r *restored) newer(c candidate) bool {
	revision := c.head.Manifest().Revision
	return (r.best == nil || revision > r.best.revision) && !slices.ContainsFunc(r.ahead, func(a *flagset) bool { return a.revision == revision })
}

// notTaken says in the log and in /status why something that was found did not come into force. It may have been planted, so that on-call
// must see it wherever it lay.
func (s *Sidecar) notTaken(c candidate, err error) {
	reason := cmp.Or(bundle.ReasonOf(err), unreadable)
	s.leftOut.add(NotTaken{s.clock.at(time.Now()), c.source, c.Name, reason, err.Error()})
	s.config.Log.Warn("flags found at the start not taken", "from", c.source, "file", c.Name, "reason", string(reason), "error", err)
}

// leftOut is what was found at the start and not taken.
type leftOut struct {
	mu  sync.Mutex
	all []NotTaken
}

func (l *leftOut) add(n NotTaken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, n)
}

// forget drops what was said of a file, or of a folder as a whole.
func (l *leftOut) forget(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = slices.DeleteFunc(l.all, func(n NotTaken) bool { return n.File == name })
}

func (l *leftOut) list() []NotTaken {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]NotTaken{}, l.all...)
}

// serveRestored puts what was found into force, and tells the keeper which of it the disk holds already.
func (s *Sidecar) serveRestored(r restored) {
	s.holder.inherit(r.known.Head)
	if r.known.Served == nil {
		return
	}
	if r.from.source == fromDisk && r.from.state == string(r.from.head.Payload()) {
		now := time.Now()
		if age, known := s.clock.recall(r.from.confirmed, now, s.holder.published()); known {
			s.freshness.resume(age, now) // before any request is answered from them
		}
	}
	for _, one := range append([]*flagset{r.best}, r.ahead...) {
		if one != nil && one != r.served {
			s.holder.take(one)
		}
	}
	if r.from.source == fromDisk && !r.from.held && !r.late {
		s.keeper.took(r.from, r.known.Head)
	} else {
		s.keeper.adopt(*r.known.Served) // a disk that was late may hold by now what was served until it answered
	}
}

func (s *Sidecar) reopen(c *candidate) error {
	if c.Err != nil {
		return c.Err
	}
	head, err := s.policy().Open(c.Manifest)
	if err == nil && head.Manifest().Revision < s.config.MinRevision {
		err = bundle.Refuse(bundle.ReasonOlder, "revision %d is below --min-revision %d", head.Manifest().Revision, s.config.MinRevision)
	}
	c.head = head
	return err
}

// candidates gives what the state folder and the bootstrap folder hold, as far as they answer in time, and tells whether the former did.
func (s *Sidecar) candidates(ctx context.Context) (all []candidate, answered bool) {
	ctx, cancel := context.WithTimeout(ctx, restoreWait)
	defer cancel()
	bootstrap := make(chan candidate, 1)
	if s.config.Bootstrap != "" {
		go func() { bootstrap <- s.readBootstrap() }() // left behind where the folder hangs: nothing can end such a read
	}
	answered = true
	if s.keeper != nil {
		var f found
		if f, answered = inTime(ctx, s.keeper.found); answered {
			all = f.candidates()
		} else {
			s.keeper.settle(errSlowDisk)
			s.notTaken(candidate{Loaded: lkg.Loaded{Name: s.keeper.path}, source: fromDisk}, errNoAnswer)
		}
	}
	if s.config.Bootstrap != "" {
		if c, there := inTime(ctx, bootstrap); there {
			all = append(all, c)
		} else {
			s.notTaken(candidate{Loaded: lkg.Loaded{Name: s.config.Bootstrap}, source: fromBootstrap}, errNoAnswer)
		}
	}
	return all, answered
}

// inTime waits for a value until ctx ends. One that is there by then counts, though the wait for another may have taken all the time.
func inTime[T any](ctx context.Context, from <-chan T) (value T, there bool) {
	select {
	case value = <-from:
		return value, true
	case <-ctx.Done():
	}
	select {
	case value = <-from:
		return value, true
	default:
		return value, false
	}
}

func (f *found) candidates() []candidate {
	all := make([]candidate, len(f.entries))
	for i, l := range f.entries {
		all[i] = candidate{Loaded: l, source: fromDisk, confirmed: f.confirmed, state: f.state}
	}
	return all
}

// readBootstrap reads a flat folder: a manifest, and the bundle that it names. The name is taken from the manifest only after the
// manifest is verified, so the folder's own files are all that is ever opened.
func (s *Sidecar) readBootstrap() candidate {
	c := candidate{Loaded: lkg.Loaded{Name: filepath.Join(s.config.Bootstrap, bundle.HeadKey)}, source: fromBootstrap}
	if c.Manifest, c.Err = readPart(c.Name, bundle.MaxManifest); c.Err != nil {
		return c
	}
	head, err := s.policy().Open(c.Manifest)
	if err != nil {
		c.Err = err
		return c
	}
	name := filepath.Join(s.config.Bootstrap, bundle.FileName(head.Manifest().Bundle.Digest))
	if c.Bundle, c.Err = readPart(name, bundle.MaxStored); c.Err == nil && len(c.Bundle) == 0 {
		c.Err = errors.New(name + " is empty")
	}
	return c
}

// readPart reads a file of a bootstrap folder; one that is too long is refused for that, as it is when a store holds it.
func readPart(name string, limit int64) ([]byte, error) {
	data, err := readFile(name, limit)
	if errors.Is(err, errMore) {
		err = bundle.Refuse(bundle.ReasonOversized, "%w", err)
	}
	return data, err
}
