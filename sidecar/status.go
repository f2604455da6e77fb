package sidecar

import (
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/pull"
)

// Status is what /status says: never better than the truth, and no context attribute, secret or signed URL in it. A time that never
// was is null.
type Status struct {
	Environment string    `json:"environment"`
	Instance    string    `json:"instance"`
	Version     string    `json:"version"`
	Mode        string    `json:"mode"`       // store or development
	Signatures  string    `json:"signatures"` // required, or off: then checksums alone are checked
	Freshness   string    `json:"freshness"`  // empty, fresh or stale
	Since       time.Time `json:"since"`      // of that freshness
	Validity    string    `json:"validity"`   // valid, or expired: past the head's validUntil
	Behind      bool      `json:"behind"`     // the store holds newer flags that are not served
	Degraded    []string  `json:"degraded"`

	Active    Active     `json:"active"`
	Persisted Persisted  `json:"persisted"`
	Overrides []Override `json:"overrides"`
	Sync      Sync       `json:"sync"`
	Rejected  *Rejected  `json:"rejected"`
	Held      []int64    `json:"held"` // revisions that can be answered from

	FailingClosed []string `json:"failingClosed"`
	Broken        []Broken `json:"broken"`
	Expired       []string `json:"expired"`

	quarantined bool // the newest head's bundle is; degraded tells more
}

// Active is what is served.
type Active struct {
	Revision    int64         `json:"revision"` // 0 while nothing is
	Digest      bundle.Digest `json:"digest"`   // of the document
	PublishedAt *time.Time    `json:"publishedAt"`
	Author      string        `json:"author"`
	Message     string        `json:"message"`
	ActivatedAt *time.Time    `json:"activatedAt"`
	From        string        `json:"from"` // store, disk, bootstrap or file
	Signers     []string      `json:"signers"`
	Flags       int           `json:"flags"`
}

// Persisted is what a restart would find.
type Persisted struct {
	Revision int64 `json:"revision"`
}

// Override is a flag that is forced.
type Override struct {
	Flag    string    `json:"flag"`
	Variant string    `json:"variant"`
	Segment string    `json:"segment,omitempty"`
	Author  string    `json:"author"`
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
	Problem string    `json:"problem,omitempty"` // why it does not do what it says
}

// Sync is how the store is doing.
type Sync struct {
	Store        string     `json:"store"`
	HeadRevision int64      `json:"headRevision"` // the newest accepted head, whose overrides are in force
	LastAttempt  *time.Time `json:"lastAttempt"`
	LastSuccess  *time.Time `json:"lastSuccess"`
	LastChange   *time.Time `json:"lastChange"`
	ConfirmedAt  *time.Time `json:"confirmedAt"`
	Failures     int        `json:"failures"`
	NextAttempt  *time.Time `json:"nextAttempt"`
	LastError    *Failure   `json:"lastError"`
}

// Failure is why the store could not be read.
type Failure struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Message string    `json:"message"`
}

// Rejected is the store's state, or the development file's, where it is not acceptable.
type Rejected struct {
	At       time.Time     `json:"at"`
	Revision int64         `json:"revision"` // 0 where the head could not be verified
	Reason   bundle.Reason `json:"reason"`
	Message  string        `json:"message"`
}

// Broken is a flag that could not be compiled.
type Broken struct {
	Flag    string `json:"flag"`
	Problem string `json:"problem"`
}

const (
	valid   = "valid"
	expired = "expired"
)

// Status tells how the sidecar is doing.
func (s *Sidecar) Status(now time.Time) Status {
	st := Status{
		Environment: s.config.Environment, Instance: s.config.Instance, Version: s.config.Version,
		Mode: "store", Signatures: "required", Validity: valid,
		Degraded: []string{}, Overrides: []Override{}, Held: []int64{}, FailingClosed: []string{}, Broken: []Broken{}, Expired: []string{},
		Active: Active{Signers: []string{}},
	}
	if s.config.Trust.Unsigned() {
		st.Signatures = "off"
	}
	var confirmed time.Time
	st.Freshness, st.Since, confirmed = s.freshness.state(now)
	st.Since = st.Since.UTC()
	s.describeFlags(&st, now)
	s.describeDisk(&st, now)
	s.describeQuarantine(&st)
	s.describeSync(&st, confirmed)
	s.describeDevelopment(&st)
	return st
}

func (s *Sidecar) describeFlags(st *Status, now time.Time) {
	flags := s.holder.current.Load()
	if flags == nil {
		return
	}
	m := flags.head.Manifest()
	st.Active = Active{
		Revision: flags.revision, Digest: m.Bundle.ContentDigest, PublishedAt: stamp(m.PublishedAt), Author: m.Change.Author,
		Message: m.Change.Message, ActivatedAt: stamp(flags.since), From: flags.source, Signers: append([]string{}, flags.head.Signers()...), Flags: flags.rules.Len(),
	}
	st.Held = append(st.Held, flags.revision)
	for _, problem := range flags.rules.Broken() {
		st.Broken = append(st.Broken, Broken{problem.Flag, problem.Message})
	}
	for _, flag := range flags.rules.Flags() {
		if flag.ExpiredAt(now) {
			st.Expired = append(st.Expired, flag.Key())
		}
	}
	if newest := s.holder.newest.Load(); newest != nil {
		describeOverrides(st, newest.Manifest(), flags)
		describeValidity(st, newest.Manifest(), now)
	}
}

func describeOverrides(st *Status, m bundle.Manifest, flags *flagset) {
	for i, o := range m.Overrides {
		shown := Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment, Author: o.Author, Message: o.Message, At: o.At}
		if i < len(flags.idle) {
			shown.Problem = flags.idle[i]
		}
		st.Overrides = append(st.Overrides, shown)
	}
}

// clockSlack is how far two honest clocks may be apart.
const clockSlack = 5 * time.Minute

// describeValidity never calls flags expired by a clock that is behind their own time of publication: such a clock is wrong.
func describeValidity(st *Status, m bundle.Manifest, now time.Time) {
	switch {
	case now.Add(clockSlack).Before(m.PublishedAt):
		st.Degraded = append(st.Degraded, "clock: this machine's time is before the time at which its flags were published")
	case !m.ValidUntil.IsZero() && now.After(m.ValidUntil):
		st.Validity = expired
	}
}

func (s *Sidecar) describeDisk(st *Status, now time.Time) {
	revision, problem := s.keeper.state(now)
	st.Persisted.Revision = revision
	if problem != nil {
		st.Degraded = append(st.Degraded, "persistence: "+problem.Error())
	}
}

// describeQuarantine names the newest head's bundle where processes died with it.
func (s *Sidecar) describeQuarantine(st *Status) {
	newest, now := s.holder.newest.Load(), s.holder.current.Load()
	if newest == nil || now == nil || !s.keeper.condemned(newest.Manifest().Bundle.Digest) {
		return
	}
	text := "quarantine: " + s.keeper.quarantine(*newest).Error()
	if sameBundle(now.head.Manifest().Bundle, newest.Manifest().Bundle) {
		text += "; it is served all the same, since there is nothing else"
	}
	st.Degraded, st.quarantined = append(st.Degraded, text), true
}

func (s *Sidecar) describeSync(st *Status, confirmed time.Time) {
	st.Sync = Sync{Store: s.config.StoreName, ConfirmedAt: stamp(confirmed)}
	if s.loop == nil {
		return
	}
	state := s.loop.State()
	st.Sync.HeadRevision = state.HeadRevision
	st.Sync.LastAttempt, st.Sync.LastSuccess = stamp(state.LastAttempt), stamp(state.LastSuccess)
	st.Sync.LastChange, st.Sync.NextAttempt = stamp(state.LastChange), stamp(state.NextAttempt)
	st.Sync.Failures = state.Failures
	if f := state.LastError; f != nil {
		st.Sync.LastError = &Failure{f.At.UTC(), f.Kind, f.Message}
	}
	if r := state.Rejected; r != nil {
		st.Rejected = &Rejected{r.At.UTC(), r.Revision, r.Reason, r.Message}
	}
	st.Behind = isBehind(state, st.Active.Revision)
}

func (s *Sidecar) describeDevelopment(st *Status) {
	if s.bench == nil {
		return
	}
	st.Mode, st.Signatures, st.Sync.Store = "development", "off", s.bench.path
	st.Rejected, st.Sync.LastError = s.bench.rejected.Load(), s.bench.failure.Load()
	st.Behind = st.Rejected != nil
}

// isBehind: an accepted head whose bundle is not served, or a head that was refused for anything but being old.
func isBehind(state pull.State, active int64) bool {
	return state.HeadRevision > active || state.Rejected != nil && state.Rejected.Reason != bundle.ReasonOlder
}

func stamp(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
