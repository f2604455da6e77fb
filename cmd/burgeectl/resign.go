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
	waiting
	ValidFor time.Duration `help:"How long the revision is valid; by default it ends when the one before does." placeholder:"DURATION"`
}

// Run makes the next revision of what the store holds, signed with the keys given and no others. No flags are read.
func (r *resigning) Run(ctx context.Context, w *world, form output) error {
	if err := r.checkMessage(); err != nil {
		return err
	}
	if err := checkValidFor(r.ValidFor); err != nil {
		return err
	}
	if err := r.check(); err != nil {
		return err
	}
	author, err := r.author(w)
	if err != nil {
		return err
	}
	publisher, err := r.publisher(ctx, w)
	if err != nil {
		return err
	}
	result, err := publisher.Resign(ctx, publish.Resigning{Author: author, Message: r.Message, ValidFor: r.ValidFor, DryRun: r.DryRun})
	if err != nil {
		return r.foreign(err)
	}
	r.warnOfTrust(w)
	warnOfCopy(w, result)
	return r.finish(ctx, w, form, r.Environment, result, func(arrived *arrival) error {
		if form == inJSON {
			return printJSON(w.stdout, resigned{result.Outcome, result.Head.Manifest(), publisher.Signers(), arrived})
		}
		return printResigned(w.stdout, result, publisher.Signers())
	})
}

// resigned is the result of resign in JSON.
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
