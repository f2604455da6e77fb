package main

import (
	"fmt"
	"io"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// switching is what the verbs take that publish flags: when these begin to be served, and which pins end with that.
type switching struct {
	Settle    time.Duration `help:"Let all sidecars switch at one moment, so long from now; by default each does when it has the flags." placeholder:"DURATION"`
	OldestPin int64         `help:"Snapshots below this revision no longer count; by default those of the newest one." placeholder:"REV"`
}

func (s *switching) check(validFor time.Duration) error {
	switch {
	case s.Settle != 0 && (s.Settle < publish.MinSettle || s.Settle > publish.MaxSettle):
		return wrongly("give a little more than sidecars take to poll and fetch, such as 30s, or leave it out for flags that act as soon as a sidecar has them",
			"--settle %s is not from %s to %s", s.Settle, publish.MinSettle, publish.MaxSettle)
	case s.Settle != 0 && validFor != 0 && validFor <= s.Settle:
		return wrongly("a revision is good for longer than it settles", "--valid-for %s is over when --settle %s is", validFor, s.Settle)
	case s.OldestPin < 0 || s.OldestPin > bundle.MaxRevision:
		return wrongly("burgeectl show tells the oldest pin of the newest revision, which is the least that can be given", "--oldest-pin %d is no revision", s.OldestPin)
	}
	return nil
}

// printPins says what was asked for of pins.
func (s *switching) printPins(out io.Writer, m bundle.Manifest) error {
	if s.OldestPin == 0 {
		return nil
	}
	_, err := fmt.Fprintln(out, pinsEnd(m.OldestPin))
	return err
}

func pinsEnd(oldest int64) string {
	return fmt.Sprintf("snapshots below revision %d no longer count", oldest)
}
