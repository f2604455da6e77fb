package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

const firstRevision = "revisions begin at 1; leave it out for the newest"

type show struct {
	remote
	Revision *int64 `arg:"" optional:"" help:"Which revision; the newest by default." placeholder:"REV"`
	Flags    bool   `help:"Show the flags rather than the manifest; as JSON, the document itself."`
}

// Run prints the manifest even where the bundle is damaged, which is when somebody looks.
func (s *show) Run(ctx context.Context, w *world, form output) error {
	revision := int64(0) // the newest
	if s.Revision != nil {
		if revision = *s.Revision; revision < 1 {
			return wrongly(firstRevision, "revision %d", revision)
		}
	}
	r, err := s.reader(ctx, w)
	if err != nil {
		return err
	}
	head, err := r.head(ctx, revision)
	if err != nil {
		return err
	}
	verified, damage := r.bundle(ctx, head)
	ledger, lost := r.past().Ledger(ctx, head)
	if !s.Flags && lost != nil {
		damage = errors.Join(damage, fmt.Errorf("read what revision %d changed: %w", head.Manifest().Revision, lost))
	}
	if s.Flags && damage != nil {
		return damage
	}
	switch {
	case s.Flags && form == inJSON:
		_, err = fmt.Fprintf(w.stdout, "%s\n", verified.Document())
	case s.Flags:
		err = printFlags(w.stdout, verified.Document())
	case form == inJSON:
		err = printJSON(w.stdout, shownJSON(r, head, ledger, verified))
	default:
		err = printManifest(w.stdout, r, head, ledger)
	}
	return errors.Join(err, damage)
}

// negative finds a revision below zero, which reads like a flag, among the arguments of show; "" where there is none.
func negative(args []string) string {
	for i, arg := range args {
		number := strings.HasPrefix(arg, "-")
		_, err := strconv.ParseInt(arg, 10, 64)
		if value := i > 0 && strings.HasPrefix(args[i-1], "-"); number && err == nil && !value {
			return arg
		}
	}
	return ""
}

// shown is the result of show in JSON.
type shown struct {
	Manifest bundle.Manifest `json:"manifest"`
	Verified bool            `json:"verified"` // signatures were looked at
	Proof    string          `json:"proof"`    // signature, chain or none
	Signers  []string        `json:"signers"`  // ids of those keys given that signed it
	BundleOK bool            `json:"bundleOK"` // the bundle is there and as the manifest says

	RollbackTo int64   `json:"rollbackTo,omitzero"` // the revision whose flags these are
	Changes    []entry `json:"changes"`             // what the ledger tells; empty where it is damaged
}

func shownJSON(r *reader, head bundle.Head, ledger bundle.Ledger, verified bundle.Verified) shown {
	out := shown{
		Manifest: head.Manifest(), Verified: r.verified, Proof: r.proof(head), Signers: append([]string{}, head.Signers()...),
		BundleOK: verified.Stored() != nil, RollbackTo: ledger.RollbackTo, Changes: []entry{},
	}
	for _, e := range ledger.Entries {
		out.Changes = append(out.Changes, entry{e.Kind, e.Flag, e.Section})
	}
	return out
}

func printManifest(out io.Writer, r *reader, head bundle.Head, ledger bundle.Ledger) error {
	m := head.Manifest()
	rows := table{
		{"revision", fmt.Sprint(m.Revision)},
		{"environment", m.Environment},
		{"published", fmt.Sprintf("%s by %s", moment(m.PublishedAt), m.Change.Author)},
		{"message", m.Change.Message},
		{"change", fmt.Sprintf("%d added, %d changed, %d removed", m.Change.Added, m.Change.Changed, m.Change.Removed)},
		{"flags", fmt.Sprint(m.Bundle.Flags)},
		{"activate at", moment(m.ActivateAt)},
		{"valid until", moment(m.ValidUntil)},
		{"oldest pin", fmt.Sprint(m.OldestPin)},
		{"bundle", fmt.Sprintf("%s (%s)", m.Bundle.Digest, plural(int(m.Bundle.Size), "byte"))},
		{"ledger", string(m.Ledger)},
		{"previous", string(m.Previous)},
		{"payload", string(head.Payload())},
		{"signed by", signedBy(r, head)},
	}
	if head.Chained() {
		rows = append(rows, [2]string{"vouched for", "by the chain of later revisions"})
	}
	if ledger.RollbackTo > 0 {
		rows = append(rows, [2]string{"rollback to", fmt.Sprint(ledger.RollbackTo)})
	}
	for _, o := range m.Overrides {
		rows = append(rows, [2]string{"override", overrideText(o)})
	}
	if err := rows.print(out); err != nil {
		return err
	}
	for _, e := range ledger.Entries {
		if _, err := fmt.Fprintln(out, " ", oneLine(e.Kind+" "+e.Flag+e.Section)); err != nil {
			return err
		}
	}
	return nil
}

func printFlags(out io.Writer, document []byte) error {
	doc, err := eval.Parse(document, eval.LoadLimits())
	if err != nil {
		return err
	}
	rows := table{}
	for _, key := range doc.Keys() {
		rows = append(rows, [2]string{key, doc.Type(key)})
	}
	return rows.print(out)
}

func (*show) examples() []string {
	return []string{
		`burgeectl show --store s3://flags/shop/prod --trust-key prod.pub`,
		`burgeectl show 41 --output json`,
		`burgeectl show --flags --output json`,
	}
}
