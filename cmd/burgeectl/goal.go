package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// goal is what a sidecar has to say before it counts as there.
type goal struct {
	environment string
	revision    int64
	publishedAt time.Time         // when that was made
	activateAt  time.Time         // when its flags begin to be served; zero where that is at once
	flags       bool              // of that revision or a later one are served
	came, went  []bundle.Override // are in force, and are not
}

// early is how long it still takes until a sidecar can be there.
func (g *goal) early(now time.Time) time.Duration { return max(0, g.activateAt.Sub(now)) }

// missing tells what keeps a sidecar from the goal; "" says that it is there.
func (g *goal) missing(s *state) string {
	head := max(s.Sync.HeadRevision, s.Active.Revision)
	switch {
	case s.Mode != "store":
		return fmt.Sprintf("it follows no store; its mode is %q", s.Mode)
	case s.Environment != g.environment:
		return fmt.Sprintf("it is of environment %q", s.Environment)
	case head < g.revision:
		return fmt.Sprintf("at revision %d%s", head, s.trouble())
	case g.flags && s.Active.Revision >= g.revision && s.Active.PublishedAt.Before(g.publishedAt):
		return fmt.Sprintf("it serves revision %d, which was published before this one: of another store, or of this one before it was begun anew%s",
			s.Active.Revision, s.trouble())
	case g.flags && s.Active.Revision < g.revision:
		return fmt.Sprintf("its head is at revision %d, and it serves revision %d%s", head, s.Active.Revision, s.trouble())
	}
	for _, o := range g.came {
		found := slices.IndexFunc(s.Overrides, func(f forced) bool { return sameForce(f.Override, o) && !f.At.Before(o.At) })
		switch {
		case found < 0:
			return fmt.Sprintf("at revision %d without the override%s", head, s.trouble())
		case !s.Overrides[found].InForce:
			return fmt.Sprintf("at revision %d, and the override has no effect: %s", head, s.Overrides[found].Problem)
		}
	}
	for _, o := range g.went {
		if len(g.came) == 0 && slices.ContainsFunc(s.Overrides, func(f forced) bool { return sameForce(f.Override, o) && !f.At.After(g.publishedAt) }) {
			return fmt.Sprintf("at revision %d, and the override is still in force%s", head, s.trouble())
		}
	}
	return ""
}

func sameForce(a, b bundle.Override) bool {
	return a.Flag == b.Flag && a.Segment == b.Segment && a.Variant == b.Variant
}

// distrusts tells whether a sidecar refuses the newest head for who signed it, which no poll will change.
func (s *state) distrusts() bool {
	return s.Rejected != nil && slices.Contains([]bundle.Reason{bundle.ReasonSignature, bundle.ReasonUnsigned}, bundle.Reason(s.Rejected.Reason))
}

// trouble is what a sidecar says about why it is behind.
func (s *state) trouble() string {
	switch {
	case s.Rejected != nil:
		return ": it refuses " + s.Rejected.text()
	case s.Sync.LastError != nil:
		return ": " + s.Sync.LastError.text()
	}
	return ""
}
