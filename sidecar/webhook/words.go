package webhook

import (
	"strings"
	"sync"
	"time"
)

// Bounds of what stands in the log, and in answers to what is no review.
const (
	maxName   = 253 // bytes of a name, which nobody has validated yet
	maxWhy    = 1 << 10
	warnEvery = time.Minute
)

// short cuts a text that strangers have made.
func short(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

func shortName(name string) string { return short(name, maxName) }

// seldom lets a warning through once a minute: whoever reaches the address can cause as many as they like.
type seldom struct {
	mu     sync.Mutex
	next   time.Time
	unsaid int
}

// times is how often there was reason for the warning since it was last given, this time among them; 0 while it is not to be given.
func (s *seldom) times() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsaid++
	now := time.Now()
	if now.Before(s.next) {
		return 0
	}
	n := s.unsaid
	s.next, s.unsaid = now.Add(warnEvery), 0
	return n
}
