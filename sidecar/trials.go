package sidecar

import (
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/lkg"
)

const (
	defaultHealthyAfter = 30 * time.Second
	maxDeaths           = 2  // with so many a bundle is quarantined
	maxTried            = 16 // bundles that one process notes; the earliest are forgotten
)

// trials tell which bundles kill the process. A bundle is noted before it is taken up, and the note is taken back when the process has
// lived with it for long enough, or stops in order; so what a start finds are deaths.
type trials struct {
	past lkg.Trials      // deaths, as this process found them
	run  []bundle.Digest // noted by this process, in this order

	proved  []bundle.Digest // by this process: what a disk tells later counts no more for these
	forgets bool            // nor for any other
}

// deaths counts the processes before this one that died with a bundle.
func (t *trials) deaths(d bundle.Digest) int { return t.past[string(d)] }

func (t *trials) note(d bundle.Digest) {
	t.takeBack(d)
	if t.run = append(t.run, d); len(t.run) > maxTried {
		t.run = t.run[1:]
	}
}

func (t *trials) takeBack(d bundle.Digest) {
	t.run = slices.DeleteFunc(t.run, func(other bundle.Digest) bool { return other == d })
}

// prove acquits a bundle with which the process got well, and those that it noted before. One that was noted since may be in the act of
// killing it.
func (t *trials) prove(d bundle.Digest) {
	proved := t.run[:slices.Index(t.run, d)+1]
	for _, one := range append(slices.Clone(proved), d) {
		delete(t.past, string(one))
	}
	t.run = slices.Delete(t.run, 0, len(proved))
	if !slices.Contains(t.proved, d) {
		t.proved = append(t.proved, d)
	}
	if len(t.proved) > maxTried {
		t.proved = t.proved[1:]
	}
}

// take takes in the deaths that a disk tells of, but for those of bundles that did well since.
func (t *trials) take(past lkg.Trials) {
	t.past = lkg.Trials{}
	for d, deaths := range past {
		if !t.forgets && !slices.Contains(t.proved, bundle.Digest(d)) {
			t.past[d] = deaths
		}
	}
}

// record is what the next start should find if this process dies now: then the bundle that was taken up last is to blame.
func (t *trials) record() lkg.Trials {
	all := lkg.Trials{}
	if n := len(t.run); n > 0 {
		all[string(t.run[n-1])] = t.deaths(t.run[n-1]) + 1
	}
	for d, deaths := range t.past {
		if all[d] == 0 && len(all) < lkg.MaxTrials {
			all[d] = deaths
		}
	}
	return all
}

// condemned tells whether a bundle is quarantined: too many processes died with it.
func (k *keeper) condemned(d bundle.Digest) bool { return k.deaths(d) >= maxDeaths }

func (k *keeper) deaths(d bundle.Digest) int {
	if k == nil {
		return 0
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.trials.deaths(d)
}

// quarantine says so of a head's bundle.
func (k *keeper) quarantine(head bundle.Head) error {
	m := head.Manifest()
	return bundle.Refuse(bundle.ReasonQuarantined, "bundle %s of revision %d is quarantined, since %d processes died soon after taking it up: publish another one; or remove %s and restart",
		m.Bundle.Digest, m.Revision, k.deaths(m.Bundle.Digest), lkg.TrialsFile(k.path))
}

// try notes a bundle that is about to be read and compiled. It returns when that is on disk, as far as a death of the process goes, or
// has failed, or takes too long.
func (k *keeper) try(d bundle.Digest) {
	if k != nil {
		k.wait(k.amend(func(t *trials) { t.note(d) }))
	}
}

// untry takes the note back: the bundle was refused, and the process lives.
func (k *keeper) untry(d bundle.Digest) {
	if k != nil {
		k.amend(func(t *trials) { t.takeBack(d) })
	}
}

// prove acquits a bundle, and where it is what the store's newest head names, forgets all others: they are published no more.
func (k *keeper) prove(d bundle.Digest, newest bool) {
	k.amend(func(t *trials) {
		t.prove(d)
		if newest {
			t.past, t.forgets = nil, true
		}
		k.want.proved = d
	})
}

// amend changes the trials, and lets the folder hold what comes of it.
func (k *keeper) amend(change func(*trials)) <-chan struct{} {
	return k.ask(func(want *kept) {
		change(&k.trials)
		want.trials = k.trials.record()
	})
}

// takeTrials takes in what earlier processes left. Where the folder is not this one's, it is judged by all the same, but not written.
func (k *keeper) takeTrials(past lkg.Trials, own bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trials.take(past)
	if own {
		k.have.trials = past
		k.want.trials = k.trials.record()
	}
}

// release takes back what this process noted: it stops in order.
func (k *keeper) release() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.trials.run = nil
	k.want.trials = k.trials.record()
}
