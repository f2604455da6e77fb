package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/history"
)

// verification is the verb verify.
type verification struct {
	remote
	AtLeast int64 `help:"A revision that the store had already: without it, a store that was put back as a whole looks good." placeholder:"REV"`
}

// Run looks at every object of the store.
func (v *verification) Run(ctx context.Context, w *world, form output) error {
	if v.AtLeast < 0 {
		return wrongly("revisions begin at 1", "--at-least %d is no revision", v.AtLeast)
	}
	r, err := v.reader(ctx, w)
	if err != nil {
		return err
	}
	checker := &ledgerCheck{}
	report, err := r.past().Verify(ctx, history.Verification{AtLeast: v.AtLeast, Compare: checker.check})
	if err != nil {
		return err
	}
	if form == inJSON {
		err = printJSON(w.stdout, verifiedJSON(r, report))
	} else {
		err = printReport(w, r, report)
	}
	if err != nil {
		return err
	}
	return v.verdict(report)
}

// verdict is nil for a good store.
func (v *verification) verdict(report history.Report) error {
	if len(report.Damage) == 0 {
		return nil
	}
	if only := report.Damage[0]; v.AtLeast == 0 && len(report.Damage)+len(report.Spare) == 1 && report.Revisions == 0 &&
		only.Key == bundle.HeadKey && errors.Is(only.Err, history.ErrMissing) {
		return advised{errors.New("the store is empty"), exitFailed, "if something was published here, it is gone: --at-least REV tells verify so"}
	}
	n := plural(len(report.Damage), "object") + " damaged"
	if report.More > 0 {
		n = "more than " + n
	}
	hint := "put what is right back from a backup, and find out who can write to the store"
	if slices.ContainsFunc(report.Damage, func(d *history.Damage) bool { return d.Key == bundle.HeadKey && otherKeys(d.Err) }) {
		hint = foreignHint
	}
	return advised{fmt.Errorf("the store is not as it was written: %s", n), exitRefused, hint}
}

func printReport(w *world, r *reader, report history.Report) error {
	for _, d := range report.Damage {
		fmt.Fprintln(w.stderr, oneLine(d.Error()))
	}
	if report.Revisions == 0 {
		return nil
	}
	m := report.Head.Manifest()
	rows := table{
		{"environment", m.Environment},
		{"revision", fmt.Sprint(m.Revision)},
		{"published", fmt.Sprintf("%s by %s", moment(m.PublishedAt), m.Change.Author)},
		{"payload", string(report.Head.Payload())},
		{"signed by", signedBy(r, report.Head)},
		{"looked at", fmt.Sprintf("%s from %d on, %s", plural(report.Revisions, "revision"), report.First, plural(report.Bundles, "bundle"))},
	}
	state := "good"
	if len(report.Damage) > 0 {
		state = "damaged"
	}
	rows = append(rows, [2]string{"store", state})
	if report.Owed != "" {
		rows = append(rows, [2]string{"owed", report.Owed + ": its publisher was stopped, or somebody took it away; whoever publishes next writes it"})
	}
	for _, key := range report.Spare {
		rows = append(rows, [2]string{"spare", key})
	}
	return rows.print(w.stdout)
}

func signedBy(r *reader, head bundle.Head) string {
	if !r.verified {
		return "not verified"
	}
	return strings.Join(head.Signers(), ", ")
}

// verifiedStore is the result of verify in JSON.
type verifiedStore struct {
	Good        bool           `json:"good"`
	Verified    bool           `json:"verified"` // signatures were looked at
	Environment string         `json:"environment"`
	Revision    int64          `json:"revision"` // the newest that could be verified; 0 where there is none
	Payload     bundle.Digest  `json:"payload"`
	Signers     []string       `json:"signers"`
	First       int64          `json:"first"`
	Revisions   int            `json:"revisions"`
	Bundles     int            `json:"bundles"`
	Owed        string         `json:"owed,omitzero"` // the copy of the newest revision, where it is not there
	Spare       []string       `json:"spare"`
	Damage      []objectDamage `json:"damage"`
	More        int            `json:"more"` // findings that are not listed
}

type objectDamage struct {
	Object  string `json:"object"`
	Problem string `json:"problem"`
}

func verifiedJSON(r *reader, report history.Report) verifiedStore {
	m := report.Head.Manifest()
	out := verifiedStore{
		Good: len(report.Damage) == 0, Verified: r.verified, Environment: m.Environment, Revision: m.Revision, Payload: report.Head.Payload(),
		Signers: append([]string{}, report.Head.Signers()...), First: report.First, Revisions: report.Revisions, Bundles: report.Bundles,
		Owed: report.Owed, Spare: append([]string{}, report.Spare...), Damage: []objectDamage{}, More: report.More,
	}
	for _, d := range report.Damage {
		out.Damage = append(out.Damage, objectDamage{d.Key, d.Err.Error()})
	}
	return out
}

// ledgerCheck holds ledgers against the flags before and after them. It keeps what it has parsed last, which the next step, one revision
// back, has as its outcome.
type ledgerCheck struct {
	document []byte
	parsed   *eval.Document
	flags    int // after the step that was looked at last
}

func (c *ledgerCheck) check(s history.Step) error {
	if err := c.changes(s); err != nil {
		return err
	}
	if want, got := s.Head.Manifest().Bundle.Flags, c.flags; want != got {
		return fmt.Errorf("revision %d says that it has %d flags; it has %d", s.Head.Manifest().Revision, want, got)
	}
	return nil
}

// changes compares what the ledger tells with what the flags show.
func (c *ledgerCheck) changes(s history.Step) error {
	after, err := c.parse(s.After)
	if err != nil {
		return fmt.Errorf("the flags of revision %d cannot be read: %w", s.Head.Manifest().Revision, err)
	}
	c.flags = after.Flags()
	if bytes.Equal(s.Before, s.After) {
		return sameChanges(nil, s.Ledger.Entries)
	}
	before, err := c.parse(s.Before)
	if err != nil {
		return fmt.Errorf("the flags before revision %d cannot be read: %w", s.Head.Manifest().Revision, err)
	}
	return sameChanges(eval.Diff(before, after), s.Ledger.Entries)
}

func (c *ledgerCheck) parse(document []byte) (*eval.Document, error) {
	if document == nil {
		return nil, nil
	}
	if !bytes.Equal(document, c.document) {
		parsed, err := eval.Parse(document, eval.LoadLimits())
		if err != nil {
			return nil, err
		}
		c.document, c.parsed = document, parsed
	}
	return c.parsed, nil
}

// sameChanges compares what a ledger tells of flags with what they show. What it tells of overrides is no business of theirs.
func sameChanges(shown []eval.Change, told []bundle.Entry) error {
	left := map[string]bundle.Entry{}
	for _, e := range told {
		if ofFlags(e) {
			left[eval.Change{Flag: e.Flag, Section: e.Section}.Path()] = e
		}
	}
	for _, change := range shown {
		e, ok := left[change.Path()]
		switch {
		case !ok:
			return fmt.Errorf("it does not tell that %.200s was %s", change.Path(), change.Kind)
		case e.Kind != change.Kind:
			return fmt.Errorf("it tells that %.200s was %.40s; the flags show that it was %s", change.Path(), e.Kind, change.Kind)
		case !sameValue(e.Before, change.Before) || !sameValue(e.After, change.After):
			return fmt.Errorf("it tells another change of %.200s than the flags show", change.Path())
		}
		delete(left, change.Path())
	}
	for _, path := range slices.Sorted(maps.Keys(left)) {
		return fmt.Errorf("it tells that %.200s was %.40s; the flags show no change of it", path, left[path].Kind)
	}
	return nil
}

// ofFlags tells whether an entry is about the document: those of overrides have kinds of their own.
func ofFlags(e bundle.Entry) bool {
	return e.Kind == bundle.EntryAdded || e.Kind == bundle.EntryChanged || e.Kind == bundle.EntryRemoved
}

// sameValue compares what stands in a ledger with what stands in a document. Encoding a ledger spells strings anew, so both are encoded.
func sameValue(a, b jsontext.Value) bool {
	if len(a) == 0 || len(b) == 0 {
		return len(a) == len(b)
	}
	spelled, err := json.Marshal(a)
	other, otherErr := json.Marshal(b)
	a, b = spelled, other
	return err == nil && otherErr == nil && a.Compact() == nil && b.Compact() == nil && bytes.Equal(a, b)
}

func (*verification) examples() []string {
	return []string{
		`burgeectl verify --trust-key team.pub`,
		`burgeectl verify --trust-key team.pub --at-least 42`,
	}
}
