package sidecar

import (
	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// pinTable is what requests can be pinned to. It never changes after it is made.
type pinTable struct {
	byToken  map[string]pinned
	contents []pinnedContent
	oldest   int64   // pins below it no longer count
	held     []int64 // revisions that can be answered from, newest first
	waiting  []*flagset
}

// pinned is a state that answers can be had from: another flagset, or a past over the served one.
type pinned struct {
	set  *flagset // it, or the served flagset that past is a difference to
	past *pastSet // nil: set's own flags
	*answering
}

// pinnedContent finds a state by what its flags are: other revisions may have had the same.
type pinnedContent struct {
	digest bundle.Digest
	pinned
}

// pastSet is an earlier state of the flags, under the circumstances of the present one.
type pastSet struct {
	rules  *eval.Past
	counts counts // of its own flags
}

// lookup finds a flag, and where its answers are counted.
func (p *pinned) lookup(key []byte) (*eval.Flag, *counts) {
	if p.past == nil {
		return p.set.rules.Lookup(key), &p.set.counts
	}
	flag, own := p.past.rules.Lookup(key)
	if own {
		return flag, &p.past.counts
	}
	return flag, &p.set.counts
}

// all gives every flag, in the order of their keys, with where its answers are counted.
func (p *pinned) all(yield func(*eval.Flag, *counts) bool) {
	if p.past == nil {
		for _, flag := range p.set.rules.Flags() {
			if !yield(flag, &p.set.counts) {
				return
			}
		}
		return
	}
	for flag, own := range p.past.rules.All() {
		where := &p.set.counts
		if own {
			where = &p.past.counts
		}
		if !yield(flag, where) {
			return
		}
	}
}

// metadata is the flag set's own, for bulk answers.
func (p *pinned) metadata() []byte {
	if p.past == nil {
		return p.set.rules.Metadata()
	}
	return p.past.rules.Metadata()
}

// find gives the state that a token means by what it says of the flags.
func (t *pinTable) find(token bundle.Token) (pinned, bool) {
	if token.Revision < t.oldest {
		return pinned{}, false
	}
	for i := range t.contents {
		if token.Names(t.contents[i].digest) {
			return t.contents[i].pinned, true
		}
	}
	return pinned{}, false
}
