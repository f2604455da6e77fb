package sidecar

import (
	"bytes"
	"context"
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

// workbench serves a plain flag file: no signature, no environment, no disk. Revisions count up from 1.
type workbench struct {
	path     string
	holder   *holder
	last     []byte // what the file held when it was last looked at
	verdict  error  // what became of that
	rejected atomic.Pointer[Rejected]
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
	if err == nil {
		w.rejected.Store(nil)
		return
	}
	if last := w.rejected.Load(); last != nil && last.Message == err.Error() {
		return
	}
	w.rejected.Store(&Rejected{At: time.Now().UTC(), Reason: bundle.ReasonDocument, Message: err.Error()})
	w.holder.log.Error("flag file not taken; the last good flags stay", "file", w.path, "error", err)
}

// look serves what the file holds, if that is new.
func (w *workbench) look() error {
	raw, err := readAtMost(w.path, bundle.MaxDocument)
	if err != nil {
		return err
	}
	if w.last == nil || !bytes.Equal(raw, w.last) {
		w.last, w.verdict = raw, w.take(raw)
	}
	if w.verdict == nil {
		w.holder.freshness.confirm(time.Now())
	}
	return w.verdict
}

func (w *workbench) take(raw []byte) error {
	rules, err := w.compile(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", w.path, err)
	}
	revision := int64(1)
	if now := w.holder.current.Load(); now != nil {
		revision = now.revision + 1
	}
	w.holder.activate(newFlagset(rules, bundle.Head{}, revision, fromFile))
	return nil
}

func (w *workbench) compile(raw []byte) (*eval.Ruleset, error) {
	document, err := flagfile.JSON(w.path, raw)
	if err != nil {
		return nil, err
	}
	parsed, err := eval.Parse(document, eval.LoadLimits())
	if err != nil {
		return nil, err
	}
	return eval.Compile(parsed, w.holder.options), nil
}
