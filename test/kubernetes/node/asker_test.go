//go:build linux

package node

import (
	"fmt"
	"testing"
	"time"
)

// line is one of the application's log; asker/main.go writes it.
type line struct {
	Time   time.Time
	Event  string
	Over   string
	Answer answer
	Error  string
	User   int
	Reads  int
	Failed int
}

type answer struct {
	Value    float64
	Revision string
	Reason   string
}

// reads are the changes of what the application read, over both ways.
func (l *log) reads(t *testing.T) []line {
	t.Helper()
	return l.events(t, "read")
}

func (l *log) events(t *testing.T, event string) []line {
	t.Helper()
	var found []line
	for _, one := range decode[line](t, l) {
		if one.Event == event {
			found = append(found, one)
		}
	}
	return found
}

// failures are those reads that gave no value.
func failures(reads []line) []line {
	var failed []line
	for _, r := range reads {
		if r.Error != "" {
			failed = append(failed, r)
		}
	}
	return failed
}

// willRead waits until the application reads that value of that revision over both ways, and gives the time of the later change.
func (l *log) willRead(t *testing.T, value float64, revision string) time.Time {
	t.Helper()
	var at time.Time
	eventually(t, func() error {
		last := map[string]line{}
		for _, r := range l.reads(t) {
			last[r.Over] = r
		}
		for _, over := range []string{"socket", "tcp"} {
			r := last[over]
			if r.Answer.Value != value || r.Answer.Revision != revision || r.Error != "" {
				return fmt.Errorf("over %s the application reads %+v; want %v of revision %s", over, r, value, revision)
			}
			if r.Time.After(at) {
				at = r.Time
			}
		}
		return nil
	})
	return at
}
