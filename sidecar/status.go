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
	NotTaken  []NotTaken `json:"notTaken"` // what the disk and the bootstrap folder held at the start, and why it did not come into force
	Held      []int64    `json:"held"`     // revisions that can be answered from

	Pending       []Pending       `json:"pending"`       // what is held for its moment
	FailingClosed []FailingClosed `json:"failingClosed"` // flags that answer their safe variant, since they are older than their owners allow
	NextClosing   *NextClosing    `json:"nextClosing"`   // what will, unless the store confirms the flags before; null where nothing does
	ShortBounds   []ShortBound    `json:"shortBounds"`   // flags that one slow poll can close
	Broken        []Broken        `json:"broken"`
	Expired       []string        `json:"expired"`

	quarantined bool      // the newest head's bundle is; degraded tells more
	validUntil  time.Time // of the newest accepted head; zero where it has no end
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
	Variant string    `json:"variant"` // empty is the safe variant
	Segment string    `json:"segment,omitempty"`
	Author  string    `json:"author"`
	Message string    `json:"message,omitempty"`
	At      time.Time `json:"at"`
	InForce bool      `json:"inForce"`           // it decides, for everyone or for whoever is in the segment
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

// NotTaken is what lay on disk or in the bootstrap folder when this process started, and was refused or could not be read. It is of the
// start: the file may be another one by now.
type NotTaken struct {
	At      time.Time     `json:"at"`
	From    string        `json:"from"`   // disk or bootstrap
	File    string        `json:"file"`   // or the folder, where that did not answer
	Reason  bundle.Reason `json:"reason"` // or "unreadable"
	Message string        `json:"message"`
}

// Pending is a revision that waits for the moment that its head sets.
type Pending struct {
	Revision   int64     `json:"revision"`
	ActivateAt time.Time `json:"activateAt"`
}

// FailingClosed is a flag that answers its safe variant, and why: "stale" or "expired".
type FailingClosed struct {
	Flag  string     `json:"flag"`
	Why   string     `json:"why"`
	Since *time.Time `json:"since"`
}

// NextClosing is the next moment at which flags fail closed, and which.
type NextClosing struct {
	At    time.Time `json:"at"`
	Flags []string  `json:"flags"`
}

// ShortBound is a flag that may not even be as old as two polls are apart.
type ShortBound struct {
	Flag         string `json:"flag"`
	MaxStaleness string `json:"maxStaleness"`
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
		Degraded: []string{}, Overrides: []Override{}, Held: []int64{}, Pending: []Pending{}, FailingClosed: []FailingClosed{}, ShortBounds: []ShortBound{}, Broken: []Broken{}, Expired: []string{},
		Active: Active{Signers: []string{}}, NotTaken: s.leftOut.list(),
	}
	if s.config.Trust.Unsigned() {
		st.Signatures = "off"
	}
	doubt := s.clock.judge(now, s.holder.published())
	if doubt != "" {
		st.Degraded = append(st.Degraded, "clock: this machine's time "+doubt+"; nothing counts as expired until it agrees again, or a newly published head agrees with it")
	}
	var confirmed time.Time
	st.Freshness, st.Since, confirmed = s.freshness.state(now)
	st.Since = s.clock.at(st.Since)
	s.describeFlags(&st)
	s.describeOverrides(&st)
	if doubt == "" {
		s.describeAges(&st, s.clock.at(now))
	}
	s.describeClosing(&st, now, confirmed)
	s.describeDisk(&st, now)
	s.describeQuarantine(&st)
	s.describeSync(&st, confirmed)
	s.describeDevelopment(&st)
	return st
}

func (s *Sidecar) describeFlags(st *Status) {
	flags := s.holder.current.Load()
	if flags == nil {
		return
	}
	m := flags.head.Manifest()
	st.Active = Active{
		Revision: flags.revision, Digest: m.Bundle.ContentDigest, PublishedAt: stamp(m.PublishedAt), Author: m.Change.Author,
		Message: m.Change.Message, ActivatedAt: s.stamp(flags.since), From: flags.source, Signers: append([]string{}, flags.head.Signers()...), Flags: flags.rules.Len(),
	}
	st.Held = append(st.Held, flags.pins.held...)
	for _, w := range flags.pins.waiting {
		st.Pending = append(st.Pending, Pending{w.revision, w.head.Manifest().ActivateAt})
	}
	for _, problem := range flags.rules.Broken() {
		st.Broken = append(st.Broken, Broken{problem.Flag, problem.Message})
	}
}

func (s *Sidecar) describeOverrides(st *Status) {
	for _, o := range s.holder.overrides() {
		st.Overrides = append(st.Overrides, Override{o.Flag, o.Variant, o.Segment, o.Author, o.Message, o.At, o.InForce, o.Problem})
	}
}

// describeAges tells what is past its end, by a clock that is believed.
func (s *Sidecar) describeAges(st *Status, today time.Time) {
	if flags := s.holder.current.Load(); flags != nil {
		for _, flag := range flags.rules.Flags() {
			if flag.ExpiredAt(today) {
				st.Expired = append(st.Expired, flag.Key())
			}
		}
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
	st.Sync = Sync{Store: s.config.StoreName, ConfirmedAt: s.stamp(confirmed)}
	if s.loop == nil {
		return
	}
	state := s.loop.State()
	st.Sync.HeadRevision = state.HeadRevision
	st.Sync.LastAttempt, st.Sync.LastSuccess = s.stamp(state.LastAttempt), s.stamp(state.LastSuccess)
	st.Sync.LastChange, st.Sync.NextAttempt = s.stamp(state.LastChange), s.stamp(state.NextAttempt)
	st.Sync.Failures = state.Failures
	if f := state.LastError; f != nil {
		st.Sync.LastError = &Failure{s.clock.at(f.At), f.Kind, f.Message}
	}
	if r := state.Rejected; r != nil {
		st.Rejected = &Rejected{s.clock.at(r.At), r.Revision, r.Reason, r.Message}
	}
	st.Behind = isBehind(state, st.newestRevision()) || s.pins.frozen(s.holder.newestRevision(), time.Now())
}

func (s *Sidecar) describeDevelopment(st *Status) {
	if s.bench == nil {
		return
	}
	st.Mode, st.Signatures, st.Sync.Store = "development", "off", s.bench.path
	if r := s.bench.rejected.Load(); r != nil {
		st.Rejected = &Rejected{s.clock.at(r.At), r.Revision, r.Reason, r.Message}
	}
	if f := s.bench.failure.Load(); f != nil {
		st.Sync.LastError = &Failure{s.clock.at(f.At), f.Kind, f.Message}
	}
	st.Behind = st.Rejected != nil
}

// isBehind: an accepted head whose bundle is not served, or a head that was refused for anything but being old.
func isBehind(state pull.State, active int64) bool {
	return state.HeadRevision > active || state.Rejected != nil && state.Rejected.Reason != bundle.ReasonOlder
}

// newestRevision is that of the newest flags that are served, or wait for their moment.
func (st *Status) newestRevision() int64 {
	revision := st.Active.Revision
	for _, p := range st.Pending {
		revision = max(revision, p.Revision)
	}
	return revision
}

// stamp is the time of a reading; null where there was none.
func (s *Sidecar) stamp(reading time.Time) *time.Time { return stamp(s.clock.at(reading)) }

func stamp(at time.Time) *time.Time {
	if at.IsZero() {
		return nil
	}
	at = at.UTC()
	return &at
}
