package main

import (
	"fmt"
	"strings"
	"time"
)

// table names what is wrong only where something is, and each thing that is wrong on a line of its own.
func (s *state) table() table {
	rows := table{
		{"environment", s.Environment},
		{"instance", strings.TrimSpace(s.Instance + " " + s.Version)},
		{"mode", s.Mode},
		{"signatures", onlyIf(s.Signatures == "off" && !s.developing(), "off: checksums alone are checked")},
		{"freshness", since(s.Freshness, s.Since)},
		{"validity", s.Validity},
		{"behind", onlyIf(s.Behind, "yes: the store holds newer flags that this sidecar does not serve")},
		{"revision", s.Active.text()},
		{"head", onlyIf(s.Sync.HeadRevision > s.newest(), fmt.Sprintf("%d, whose flags are not served", s.Sync.HeadRevision))},
		{"persisted", s.persisted()},
		{"store", s.Sync.Store},
		{"confirmed", moment(s.Sync.ConfirmedAt)},
		{"failures", onlyIf(s.Sync.Failures > 0, fmt.Sprint(s.Sync.Failures))},
		{"last error", s.Sync.LastError.text()},
		{"rejected", s.Rejected.text()},
	}
	for _, n := range s.NotTaken {
		rows = append(rows, [2]string{"not taken", fmt.Sprintf("%s from %s, %s: %s", n.File, n.From, n.Reason, n.Message)})
	}
	for _, what := range s.Degraded {
		rows = append(rows, [2]string{"degraded", what})
	}
	for _, p := range s.Pending {
		rows = append(rows, [2]string{"pending", fmt.Sprintf("%d, from %s on", p.Revision, moment(p.ActivateAt))})
	}
	for _, f := range s.FailingClosed {
		rows = append(rows, [2]string{"failing closed", f.Flag + ": " + since(f.Why, f.Since)})
	}
	rows = append(rows, [2]string{"closing next", s.NextClosing.text(s.Freshness != "fresh" || s.Sync.Failures > 0)})
	for _, b := range s.Broken {
		rows = append(rows, [2]string{"broken", b.Flag + ": " + b.Problem})
	}
	rows = append(rows, [2]string{"expired", strings.Join(s.Expired, ", ")})
	for _, o := range s.Overrides {
		rows = append(rows, [2]string{"override", o.text()})
	}
	return rows
}

// newest is the newest revision whose flags are served, or wait for their moment.
func (s *state) newest() int64 {
	revision := s.Active.Revision
	for _, p := range s.Pending {
		revision = max(revision, p.Revision)
	}
	return revision
}

// developing tells that flags come from a file: nothing is signed there, and nothing kept.
func (s *state) developing() bool { return s.Mode == "development" }

// persisted is what a restart would begin with, where that is older than what is served.
func (s *state) persisted() string {
	switch {
	case s.Persisted.Revision >= s.Active.Revision || s.developing():
		return ""
	case s.Persisted.Revision == 0:
		return "nothing: no flags are kept for a restart"
	}
	return fmt.Sprintf("%d: a restart begins there", s.Persisted.Revision)
}

func (a active) text() string {
	if a.Revision == 0 {
		return "none yet"
	}
	text := fmt.Sprintf("%d, %s, from %s", a.Revision, plural(a.Flags, "flag"), a.From)
	if a.Author != "" {
		text += fmt.Sprintf(", published %s by %s: %q", moment(a.PublishedAt), a.Author, a.Message)
	}
	return text
}

func (o forced) text() string {
	text := overrideText(o.Override)
	if o.Problem != "" {
		text += "; problem: " + o.Problem
	}
	return text
}

func (f *failure) text() string {
	if f == nil {
		return ""
	}
	return f.Kind + ": " + f.Message
}

func (r *rejected) text() string {
	switch {
	case r == nil:
		return ""
	case r.Revision == 0:
		return r.Reason + ": " + r.Message
	}
	return fmt.Sprintf("revision %d, %s: %s", r.Revision, r.Reason, r.Message)
}

// text tells of the next flags to fail closed, while it is more than what each poll puts off.
func (n *nextClosing) text(overdue bool) string {
	if n == nil || !overdue {
		return ""
	}
	return strings.Join(n.Flags, ", ") + " at " + moment(n.At) + ", unless the store confirms the flags before"
}

func since(what string, t time.Time) string {
	if t.IsZero() {
		return what
	}
	return what + " since " + moment(t)
}

func onlyIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}
