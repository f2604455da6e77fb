package sidecar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/flagfile"
	"github.com/burgeehq/burgee/sync/bundle"
)

// lookEvery is how often a development file is read again. Looking is sturdier than being told: editors replace files, and mounts of
// several kinds tell nothing.
const lookEvery = 500 * time.Millisecond

var (
	errUnreadable = errors.New("flag file not read")
	errUnsettled  = errors.New("flag file is being written")
)

// workbench serves a plain flag file: no signature, no environment, no disk. Revisions count up from 1.
type workbench struct {
	path     string
	holder   *holder
	seen     []byte                   // what the file held at the last look, if that was new; taken when two looks agree, since it may be half written
	last     []byte                   // what was last taken, or refused
	verdict  error                    // which of the two
	rejected atomic.Pointer[Rejected] // what the file holds is not acceptable
	failure  atomic.Pointer[Failure]  // the file cannot be read
}

// develop serves the file at once, or says why it cannot; later mistakes in it leave the last good flags in force.
func (s *Sidecar) develop(ctx context.Context, group *sync.WaitGroup) error {
	w := &workbench{path: s.config.FlagsFile, holder: s.holder}
	s.bench = w
	if err := w.look(); err != nil {
		return err
	}
	group.Go(func() { w.watch(ctx) })
	return nil
}

func (w *workbench) watch(ctx context.Context) {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.lookAgain()
		}
	}
}

// lookAgain keeps the last good flags where the file is not good, and says so once.
func (w *workbench) lookAgain() {
	err := w.look()
	if errors.Is(err, errUnsettled) {
		return // what was said of the file before stands until the next look
	}
	rejected, failure := w.rejected.Load(), w.failure.Load()
	news := false
	switch now := time.Now().UTC(); {
	case err == nil:
		rejected, failure = nil, nil
	case errors.Is(err, errUnreadable):
		if news = failure == nil || failure.Message != err.Error(); news {
			failure = &Failure{At: now, Kind: "unreadable", Message: err.Error()}
		}
		rejected = nil
	default:
		if news = rejected == nil || rejected.Message != err.Error(); news {
			rejected = &Rejected{At: now, Reason: bundle.ReasonDocument, Message: err.Error()}
		}
		failure = nil
	}
	w.rejected.Store(rejected)
	w.failure.Store(failure)
	if news {
		w.holder.log.Error("flag file not taken; the last good flags stay", "file", w.path, "error", err)
	}
}

// look serves what the file holds, if that is new.
func (w *workbench) look() error {
	raw, err := readFile(w.path, bundle.MaxDocument)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errUnreadable, err)
	case w.last == nil:
		w.last, w.verdict = raw, w.take(raw)
	case !bytes.Equal(raw, w.last) && !bytes.Equal(raw, w.seen):
		w.seen = raw
		return errUnsettled
	case !bytes.Equal(raw, w.last):
		w.last, w.verdict = raw, w.take(raw)
	}
	if w.verdict == nil {
		w.holder.confirm(time.Now())
		w.holder.look()
	}
	return w.verdict
}

func (w *workbench) take(raw []byte) error {
	rules, content, err := w.compile(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	revision := int64(1)
	if now := w.holder.current.Load(); now != nil {
		revision = now.revision + 1
	}
	next := newFlagset(rules, bundle.Head{}, revision, fromFile)
	next.content, next.token = content, []byte(bundle.UnsignedToken(revision, content))
	w.holder.confirm(time.Now()) // before any request is answered from it
	w.holder.take(next)
	return nil
}

// compile gives the flags of a file, and the digest of their document.
func (w *workbench) compile(raw []byte) (*eval.Ruleset, bundle.Digest, error) {
	document, err := flagfile.JSON(w.path, raw)
	if err != nil {
		return nil, "", err
	}
	w.holder.thrift.begin(len(document) + w.holder.weight())
	defer func() { w.holder.thrift.endSoon(w.holder.weight()) }()
	parsed, err := eval.Parse(document, eval.LoadLimits())
	if err != nil {
		return nil, "", err
	}
	content := bundle.Sum(document)
	rules := eval.CompileAfter(w.holder.served(), parsed, w.holder.options)
	if problem := rules.Oversize(); problem != nil {
		return nil, "", fmt.Errorf("%s: %s", problem.Path, problem.Message)
	}
	return rules, content, nil
}
