package main

import (
	"context"

	"github.com/burgeehq/burgee/sync/publish"
)

// restoring is the verb restore.
type restoring struct {
	overriding
	Segment *string `help:"Lift the override for this segment alone; by default all of the flag's." placeholder:"NAME"`
}

// Run lifts overrides, so that the flag's own rule decides again.
func (r *restoring) Run(ctx context.Context, w *world, form output) error {
	segment, err := given("--segment", r.Segment, "leave it out to lift all of the flag's overrides")
	if err != nil {
		return err
	}
	author, publisher, err := r.begin(ctx, w, segment, "")
	if err != nil {
		return err
	}
	done, err := publisher.Restore(ctx, publish.Restoring{
		Flag: r.Flag, Segment: segment, Author: author, Message: r.Message, DryRun: r.DryRun,
	})
	if err != nil {
		return r.advise(err)
	}
	return r.finish(ctx, w, form, done, false)
}

func (*restoring) examples() []string {
	return []string{
		`burgeectl restore new_pricing --key oncall.key --message 'INC-7 is over'`,
		`burgeectl restore new_pricing --segment staff --key oncall.key --message 'tried enough'`,
	}
}
