package sidecar

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

const (
	checksASecond = 10 // signatures of tokens: whoever sends forged ones must not have the processor for it
	maxWaiting    = 64 // requests that wait for a pull at once
	maxProven     = 64 // tokens that are remembered as good
	behindPolls   = 2  // a pin ahead that the store does not bear out for so long speaks against the store
)

// pins believes the tokens that requests bring, or not. What is held is told by the bytes and never comes here; the rest is verified, which
// costs, so no more than a few in a second are.
type pins struct {
	trust    bundle.Trust
	patience time.Duration // how long the store may fail to bear out a pin ahead
	waiting  atomic.Int32

	mu     sync.Mutex
	proven map[string]struct{} // tokens that verified, with all that is in them
	spent  int                 // checks in the present second
	second time.Time           // when it began
	ahead  int64               // the highest revision that a good token told of
	unmet  int64               // one that the store does not have, as far as is known
	told   time.Time           // since when a good token told of that; zero: there is none
}

func newPins(c Config) *pins {
	return &pins{trust: c.Trust, patience: behindPolls * c.Poll, proven: map[string]struct{}{}}
}

// verify tells what speaks against a token; pinNone where some trusted key signed it. text is the same as it came.
func (p *pins) verify(text []byte, t bundle.Token, now time.Time) pinResult {
	p.mu.Lock()
	_, known := p.proven[string(text)]
	if !known && !p.mayCheck(now) {
		p.mu.Unlock()
		return pinUnchecked
	}
	p.mu.Unlock()
	if known {
		return pinNone
	}
	if !p.trust.VerifyToken(t) {
		return pinForged
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.proven) >= maxProven {
		clear(p.proven) // those in use are back within a second or so
	}
	p.proven[string(text)] = struct{}{}
	return pinNone
}

// mayCheck counts the checks of a second.
func (p *pins) mayCheck(now time.Time) bool {
	if now.Sub(p.second) >= time.Second {
		p.second, p.spent = now, 0
	}
	p.spent++
	return p.spent <= checksASecond
}

// tell notes a revision that a good token told of, beyond what is served.
func (p *pins) tell(revision int64, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if revision > p.ahead {
		if p.told.IsZero() {
			p.unmet, p.told = revision, now
		}
		p.ahead = revision
	}
}

// frozen tells whether the store has long not borne out what a good token told of: then it is stuck, or somebody keeps the news from us. The
// store's newest revision is given.
func (p *pins) frozen(newest int64, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case newest >= p.ahead:
		p.told = time.Time{}
	case newest >= p.unmet: // it moves, though others are ahead of it
		p.unmet, p.told = p.ahead, now
	}
	return !p.told.IsZero() && now.Sub(p.told) > p.patience
}

// enter takes a place among those who wait; whoever has one leaves it.
func (p *pins) enter() bool {
	if p.waiting.Add(1) <= maxWaiting {
		return true
	}
	p.leave()
	return false
}

func (p *pins) leave() { p.waiting.Add(-1) }

// tokenFits tells whether a head's token is of that head: a publisher's mistake must not travel.
func tokenFits(m bundle.Manifest) bool {
	t, err := bundle.ParseToken([]byte(m.Snapshot))
	return err == nil && t.Revision == m.Revision && t.Of(m.Environment) && t.Names(m.Bundle.ContentDigest)
}
