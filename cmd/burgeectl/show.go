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
	if s.Flags && damage != nil {
		return damage
	}
	switch {
	case s.Flags && form == inJSON:
		_, err = fmt.Fprintf(w.stdout, "%s\n", verified.Document())
	case s.Flags:
		err = printFlags(w.stdout, verified.Document())
	case form == inJSON:
		err = printJSON(w.stdout, shown{head.Manifest(), r.verified, append([]string{}, head.Signers()...), damage == nil})
	default:
		err = printManifest(w.stdout, head, r.verified)
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
	Signers  []string        `json:"signers"`  // key ids
	BundleOK bool            `json:"bundleOK"` // the bundle is there and as the manifest says
}

func printManifest(out io.Writer, head bundle.Head, verified bool) error {
	m := head.Manifest()
	signers := "not verified"
	if verified {
		signers = strings.Join(head.Signers(), ", ")
	}
	rows := table{
		{"revision", fmt.Sprint(m.Revision)},
		{"environment", m.Environment},
		{"published", fmt.Sprintf("%s by %s", moment(m.PublishedAt), m.Change.Author)},
		{"message", m.Change.Message},
		{"change", fmt.Sprintf("%d added, %d changed, %d removed", m.Change.Added, m.Change.Changed, m.Change.Removed)},
		{"flags", fmt.Sprint(m.Bundle.Flags)},
		{"activate at", moment(m.ActivateAt)},
		{"valid until", moment(m.ValidUntil)},
		{"bundle", fmt.Sprintf("%s (%s)", m.Bundle.Digest, plural(int(m.Bundle.Size), "byte"))},
		{"ledger", string(m.Ledger)},
		{"previous", string(m.Previous)},
		{"payload", string(head.Payload())},
		{"signed by", signers},
	}
	for _, o := range m.Overrides {
		rows = append(rows, [2]string{"override", overrideText(o)})
	}
	return rows.print(out)
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
