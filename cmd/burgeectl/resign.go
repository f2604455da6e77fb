package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// resigning is the verb resign.
type resigning struct {
	writing
	ValidFor time.Duration `help:"How long the revision is valid; by default it ends when the one before does." placeholder:"DURATION"`
}

// Run makes the next revision of what the store holds, signed with the keys given and no others. No flags are read.
func (r *resigning) Run(ctx context.Context, w *world, form output) error {
	if err := checkValidFor(r.ValidFor); err != nil {
		return err
	}
	return r.resign(ctx, w, form, publish.Resigning{ValidFor: r.ValidFor})
}

// resign is what the verbs do that change no flags.
func (v *writing) resign(ctx context.Context, w *world, form output, r publish.Resigning) (err error) {
	if err := v.checkMessage(); err != nil {
		return err
	}
	if err := v.checkTargets(); err != nil {
		return err
	}
	if r.Author, err = v.author(w); err != nil {
		return err
	}
	r.Message, r.DryRun = v.Message, v.DryRun
	publisher, err := v.publisher(ctx, w)
	if err != nil {
		return err
	}
	result, err := publisher.Resign(ctx, r)
	if err != nil {
		return v.foreign(err)
	}
	v.warnOfTrust(w)
	warnOfCopy(w, result)
	return v.finish(ctx, w, form, v.Environment, result, func(arrived *arrival) error {
		if form == inJSON {
			return printJSON(w.stdout, resigned{result.Outcome, result.Head.Manifest(), publisher.Signers(), arrived})
		}
		return printResigned(w.stdout, result, publisher.Signers())
	})
}

// resigned is the result of resign and renew in JSON.
type resigned struct {
	Outcome  publish.Outcome `json:"outcome"`
	Manifest bundle.Manifest `json:"manifest"`
	Signers  []string        `json:"signers"`       // ids of the keys that signed it
	Wait     *arrival        `json:"wait,omitzero"` // with --wait
}

func printResigned(out io.Writer, result publish.Result, signers []string) error {
	if err := printPublished(out, result); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, "signed by", cmp.Or(strings.Join(signers, ", "), "nobody"))
	return err
}

func (*resigning) examples() []string {
	return []string{
		`burgeectl resign --key old.key --key new.key --message 'Both keys, for a rotation'`,
		`burgeectl resign --key new.key --message 'The new key alone' --dry-run`,
	}
}
