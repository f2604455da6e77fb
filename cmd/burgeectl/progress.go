package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// How long a store may take for one call before somebody is told that it is being waited for. A terminal is told early, because the line
// goes away again; a log late, and once a call.
const (
	patienceOfTerminal = time.Second
	patienceOfLog      = 5 * time.Second
)

// watched is a store that says what it is waiting for when an answer takes long.
type watched struct {
	object.Store
	out     io.Writer
	columns int  // of the terminal; 0 where it is none
	live    bool // a line can be taken back
	saying  *sync.Mutex
}

// withProgress says it on w.stderr.
func withProgress(store object.Store, w *world) object.Store {
	wide := columns(w.stderr)
	return &watched{store, unpainted(w.stderr), wide, wide > 0 && w.getenv("TERM") != "dumb", &sync.Mutex{}}
}

func (p *watched) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	defer p.begin("reading " + key)()
	return p.Store.Get(ctx, key, have, limit)
}

func (p *watched) Create(ctx context.Context, key string, body []byte) (string, error) {
	defer p.begin("writing " + key)()
	return p.Store.Create(ctx, key, body)
}

func (p *watched) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	defer p.begin("writing " + key)()
	return p.Store.Replace(ctx, key, have, body)
}

func (p *watched) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	defer p.begin("listing " + prefix)()
	return p.Store.List(ctx, prefix, after, limit)
}

// begin watches one call, until the function that it gives is called. Of calls at the same time, the first one has the line.
func (p *watched) begin(what string) (end func()) {
	if !p.saying.TryLock() {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		p.watch(what, done)
	}()
	return func() {
		close(done)
		<-ended
		p.saying.Unlock()
	}
}

func (p *watched) watch(what string, done <-chan struct{}) {
	began, patience := time.Now(), patienceOfLog
	if p.live {
		patience = patienceOfTerminal
	}
	tick := time.NewTicker(patience)
	defer tick.Stop()
	said := false
	for {
		select {
		case <-done:
			if said && p.live {
				fmt.Fprint(p.out, "\r\x1b[K")
			}
			return
		case <-tick.C:
		}
		line := oneLine(fmt.Sprintf("waiting for %s: %s, %d s", p.Store, what, time.Since(began)/time.Second))
		switch {
		case p.live:
			fmt.Fprint(p.out, "\r\x1b[K"+shorten(line, p.columns-1)) // a full line would go on in the next one, and stay there
		case !said:
			fmt.Fprintln(p.out, line)
		}
		said = true
	}
}
