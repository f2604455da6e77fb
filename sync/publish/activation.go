package publish

import (
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// MinSettle and MaxSettle bound how long a revision may wait for its moment. Flags that are published and not served yet are a surprise to
// whoever comes next, so it is not days.
const (
	MinSettle = time.Second
	MaxSettle = time.Hour
)

// moment is when a revision that settles from now on becomes active: a whole second, and no sooner than was asked for.
func moment(now time.Time, settle time.Duration) time.Time {
	at := now.UTC().Add(settle)
	if whole := at.Truncate(time.Second); !whole.Equal(at) {
		return whole.Add(time.Second)
	}
	return at
}

// pending tells whether the flags of a head are still to become active.
func (p *Publisher) pending(head bundle.Head) bool { return head.Manifest().ActivateAt.After(p.now()) }

// carryActivation is for a revision over the same bundle: the bundle becomes active when it would have without it. The moment is kept for
// a while after it has passed, because a clock that is ahead here would else make sidecars switch early; to them a moment that is past is
// as none. Then it goes, so that no pod with a clock far behind waits for it.
func (p *Publisher) carryActivation(m *bundle.Manifest) {
	if !m.ActivateAt.After(p.now().Add(-bundle.ClockSlack)) {
		m.ActivateAt = time.Time{}
	}
}

// checkActivation refuses a revision that would be over before it begins.
func checkActivation(m *bundle.Manifest) error {
	if m.ActivateAt.IsZero() || m.ValidUntil.IsZero() || m.ActivateAt.Before(m.ValidUntil) {
		return nil
	}
	return refuse(RuleSettle, "the revision would become active at %s, and is valid until %s", m.ActivateAt.Format(time.RFC3339), m.ValidUntil.UTC().Format(time.RFC3339))
}

// raiseOldestPin takes the oldest pin that a request asks for. It only rises: who ended pins did not mean them to come back.
func raiseOldestPin(m *bundle.Manifest, asked, head, next int64) error {
	switch {
	case asked == 0:
		return nil
	case asked < head:
		return refuse(RulePin, "the oldest pin cannot be %d: the head has %d, and it only rises", asked, head)
	case asked > next:
		return refuse(RulePin, "the oldest pin cannot be %d: the revision to be written is %d", asked, next)
	}
	m.OldestPin = asked
	return nil
}
