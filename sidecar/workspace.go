package sidecar

import (
	"sync"

	"github.com/burgeehq/burgee/eval"
)

// workspace is what one request needs and a later one can use again.
type workspace struct {
	context eval.Context
	key     []byte
	pin     []byte // as the context had it
	header  []byte // of several lines
	baggage []byte // a pin that was escaped in there
	view    view

	answering answering // of a state that is found by what its flags are
	tally     *tally
}

// workspaces hands them out. One that a panic met is not given back.
type workspaces struct{ pool sync.Pool }

func newWorkspaces(m *meter) *workspaces {
	return &workspaces{sync.Pool{New: func() any { return &workspace{tally: m.tally()} }}}
}

func (p *workspaces) get() *workspace {
	w, _ := p.pool.Get().(*workspace) // there is nothing else in it
	return w
}

func (p *workspaces) put(w *workspace) {
	w.context.Reset()
	w.view, w.answering.token = view{}, nil // nothing of a state that goes, nor of a request
	p.pool.Put(w)
}
