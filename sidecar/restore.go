package sidecar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
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
	source string // disk or bootstrap
}

func (s *Sidecar) policy() bundle.Policy {
	return bundle.Policy{Trust: s.config.Trust, Environment: s.config.Environment}
}

// restore serves the newest flags that the disk or the bootstrap folder holds, if they verify with today's keys, and tells the loop
// what was accepted before.
func (s *Sidecar) restore(ctx context.Context) pull.Known {
	var known pull.Known
	var best *flagset
	var from candidate
	for _, c := range s.candidates(ctx) {
		head, err := s.reopen(c)
		if err != nil {
			s.notTaken(c, err)
			continue
		}
		if head.Manifest().Revision > known.Head.Manifest().Revision {
			known.Head = head
		}
		if best != nil && head.Manifest().Revision <= best.revision || len(c.Bundle) == 0 {
			continue
		}
		verified, next, err := s.revive(c, head)
		if err != nil {
			s.notTaken(c, err)
			continue
		}
		known.Served, best, from = verified, next, c
	}
	s.serveRestored(known, best, from)
	return known
}

// notTaken says in the log and in /status why something that was found did not come into force. It may have been planted, so that on-call
// must see it wherever it lay.
func (s *Sidecar) notTaken(c candidate, err error) {
	reason := cmp.Or(bundle.ReasonOf(err), unreadable)
	s.leftOut = append(s.leftOut, NotTaken{time.Now().UTC(), c.source, c.Name, reason, err.Error()})
	s.config.Log.Warn("flags found at the start not taken", "from", c.source, "file", c.Name, "reason", string(reason), "error", err)
}

// serveRestored puts what was found into force, and tells the keeper which of it the disk holds already.
func (s *Sidecar) serveRestored(known pull.Known, best *flagset, from candidate) {
	if known.Head.Manifest().Revision > 0 {
		s.holder.newest.Store(&known.Head)
	}
	if best == nil {
		return
	}
	s.holder.activate(best)
	if from.source != fromDisk {
		s.keeper.adopt(*known.Served)
		return
	}
	if confirmed, state := s.keeper.took(from.Loaded, best, known.Head); state == string(best.head.Payload()) {
		now := time.Now()
		if age, known := s.clock.recall(confirmed, now, s.holder.published()); known {
			s.freshness.recall(age, now)
		}
	}
}

// took notes that an entry of the folder is in use, and gives the confirmation that stands beside it.
func (k *keeper) took(l lkg.Loaded, flags *flagset, newest bundle.Head) (confirmed time.Time, state string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.folder.Took(l)
	k.have = kept{revision: flags.revision, payload: flags.head.Payload(), headRevision: newest.Manifest().Revision}
	k.want = k.have
	return k.folder.Confirmed()
}

func (s *Sidecar) reopen(c candidate) (bundle.Head, error) {
	if c.Err != nil {
		return bundle.Head{}, c.Err
	}
	head, err := s.policy().Open(c.Manifest)
	if err == nil && head.Manifest().Revision < s.config.MinRevision {
		err = bundle.Refuse(bundle.ReasonOlder, "revision %d is below --min-revision %d", head.Manifest().Revision, s.config.MinRevision)
	}
	return head, err
}

// revive verifies and compiles a bundle from disk.
func (s *Sidecar) revive(c candidate, head bundle.Head) (*bundle.Verified, *flagset, error) {
	verified, err := head.Open(c.Bundle)
	if err != nil {
		return nil, nil, err
	}
	next, err := s.holder.compile(verified, c.source)
	return &verified, next, err
}

// candidates reads what the state folder and the bootstrap folder hold, as far as they answer in time.
func (s *Sidecar) candidates(ctx context.Context) []candidate {
	ctx, cancel := context.WithTimeout(ctx, restoreWait)
	defer cancel()
	bootstrap := make(chan candidate, 1)
	if s.config.Bootstrap != "" {
		go func() { bootstrap <- s.readBootstrap() }() // left behind where the folder hangs: nothing can end such a read
	}
	var all []candidate
	if s.keeper != nil {
		select {
		case found := <-s.keeper.found:
			for _, l := range found {
				all = append(all, candidate{l, fromDisk})
			}
		case <-ctx.Done():
			s.notTaken(candidate{lkg.Loaded{Name: s.keeper.path}, fromDisk}, errNoAnswer)
		}
	}
	if s.config.Bootstrap != "" {
		select {
		case c := <-bootstrap:
			all = append(all, c)
		case <-ctx.Done():
			s.notTaken(candidate{lkg.Loaded{Name: s.config.Bootstrap}, fromBootstrap}, errNoAnswer)
		}
	}
	return all
}

// readBootstrap reads a flat folder: a manifest, and the bundle that it names. The name is taken from the manifest only after the
// manifest is verified, so the folder's own files are all that is ever opened.
func (s *Sidecar) readBootstrap() candidate {
	c := candidate{lkg.Loaded{Name: filepath.Join(s.config.Bootstrap, bundle.HeadKey)}, fromBootstrap}
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
