package sidecar

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/pull"
)

// found is a manifest that a folder held, with its bundle where it had one.
type found struct {
	source   string // disk or bootstrap
	name     string // of the file
	manifest []byte
	bundle   []byte
}

func (s *Sidecar) policy() bundle.Policy {
	return bundle.Policy{Trust: s.config.Trust, Environment: s.config.Environment}
}

// restore serves the newest flags that the disk or the bootstrap folder holds, if they verify with today's keys, and tells the loop
// what was accepted before.
func (s *Sidecar) restore() pull.Known {
	var known pull.Known
	var best *flagset
	for _, f := range s.findLocal() {
		head, err := s.reopen(f)
		if err != nil {
			s.config.Log.Warn("flags on disk not taken", "file", f.name, "reason", string(bundle.ReasonOf(err)), "error", err)
			continue
		}
		if head.Manifest().Revision > known.Head.Manifest().Revision {
			known.Head = head
		}
		if best != nil && head.Manifest().Revision <= best.revision || f.bundle == nil {
			continue
		}
		if verified, next := s.revive(f, head); next != nil {
			known.Served, best = verified, next
		}
	}
	s.serveRestored(known, best)
	return known
}

func (s *Sidecar) serveRestored(known pull.Known, best *flagset) {
	if known.Head.Manifest().Revision > 0 {
		s.holder.newest.Store(&known.Head)
	}
	if best == nil {
		return
	}
	s.holder.activate(best)
	if s.keeper != nil && best.source == fromDisk {
		s.keeper.restored(best.revision)
		s.freshness.recall(s.keeper.folder.Confirmed(), time.Now())
	}
}

func (s *Sidecar) reopen(f found) (bundle.Head, error) {
	head, err := s.policy().Open(f.manifest)
	if err == nil && head.Manifest().Revision < s.config.MinRevision {
		err = bundle.Refuse(bundle.ReasonOlder, "revision %d is below --min-revision %d", head.Manifest().Revision, s.config.MinRevision)
	}
	return head, err
}

// revive compiles a bundle from disk; nil where it is not good.
func (s *Sidecar) revive(f found, head bundle.Head) (*bundle.Verified, *flagset) {
	verified, err := head.Open(f.bundle)
	if err == nil {
		var next *flagset
		if next, err = s.holder.compile(verified, f.source); err == nil {
			return &verified, next
		}
	}
	s.config.Log.Warn("flags on disk not taken", "file", f.name, "reason", string(bundle.ReasonOf(err)), "error", err)
	return nil, nil
}

// findLocal reads what the state folder and the bootstrap folder hold.
func (s *Sidecar) findLocal() []found {
	var all []found
	if s.keeper != nil {
		for _, l := range s.keeper.folder.Load() {
			if l.Err != nil {
				s.config.Log.Warn("flags on disk not taken", "file", l.Name, "error", l.Err)
				continue
			}
			f := found{source: fromDisk, name: l.Name, manifest: l.Manifest}
			if len(l.Bundle) > 0 {
				f.bundle = l.Bundle
			}
			all = append(all, f)
		}
	}
	if s.config.Bootstrap == "" {
		return all
	}
	f, err := s.readBootstrap()
	if err != nil {
		s.config.Log.Warn("bootstrap flags not taken", "folder", s.config.Bootstrap, "error", err)
		return all
	}
	return append(all, f)
}

// Where flags came from.
const (
	fromStore     = "store"
	fromDisk      = "disk"
	fromBootstrap = "bootstrap"
	fromFile      = "file"
)

// readBootstrap reads a flat folder: a manifest, and the bundle that it names. The name is taken from the manifest only after the
// manifest is verified, so the folder's own files are all that is ever opened.
func (s *Sidecar) readBootstrap() (found, error) {
	f := found{source: fromBootstrap, name: filepath.Join(s.config.Bootstrap, bundle.HeadKey)}
	var err error
	if f.manifest, err = readAtMost(f.name, bundle.MaxManifest); err != nil {
		return f, err
	}
	head, err := s.reopen(f)
	if err != nil {
		return f, err
	}
	f.bundle, err = readAtMost(filepath.Join(s.config.Bootstrap, bundle.FileName(head.Manifest().Bundle.Digest)), bundle.MaxStored)
	return f, err
}

func readAtMost(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("read %s: more than %d bytes", name, limit)
	case len(data) == 0:
		return nil, fmt.Errorf("read %s: %w", name, errors.New("empty"))
	}
	return data, nil
}
