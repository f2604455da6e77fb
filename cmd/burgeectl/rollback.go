package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/history"
	"github.com/burgeehq/burgee/sync/publish"
)

// goingBack is the verb rollback.
type goingBack struct {
	writing
	switching
	To          int64         `required:"" help:"The revision whose flags shall be the next one's." placeholder:"REV"`
	ValidFor    time.Duration `help:"How long the revision is valid; by default until the end that the newest one has." placeholder:"DURATION"`
	AllowShrink bool          `help:"Go back to flags that are none, or less than half of those of today."`
}

// Run publishes the flags of an older revision as they are stored. They were checked when they were published, and whoever goes back has
// no time for rules that are newer than they are: neither lint nor contract is asked.
func (g *goingBack) Run(ctx context.Context, w *world, form output) error {
	if err := g.check(); err != nil {
		return err
	}
	author, err := g.author(w)
	if err != nil {
		return err
	}
	publisher, err := g.publisher(ctx, w)
	if err != nil {
		return err
	}
	from, err := g.find(ctx, w, publisher.Policy())
	if err != nil {
		return err
	}
	result, err := publisher.Publish(ctx, publish.Request{
		Document: from.Document(), From: from, Author: author, Message: g.Message, Compare: compare, ValidFor: g.ValidFor,
		Settle: g.Settle, OldestPin: g.OldestPin, AllowShrink: g.AllowShrink, AllowGrowth: true, DryRun: g.DryRun,
	})
	if refusal := (*publish.Refusal)(nil); errors.As(err, &refusal) && refusal.Rule == publish.RuleShrink {
		return advised{err, exitRefused, "is this the right revision? --allow-shrink goes back to it all the same"}
	}
	if err != nil {
		return g.foreign(err)
	}
	g.warn(w, from, result)
	return g.finish(ctx, w, form, g.Environment, result, func(arrived *arrival) error {
		if form == inJSON {
			return printJSON(w.stdout, wentBack{publishedJSON(result, arrived), g.To})
		}
		if err := printPublished(w.stdout, result); err != nil {
			return err
		}
		if err := g.printPins(w.stdout, result.Head.Manifest()); err != nil || result.Outcome == publish.Unchanged {
			return err
		}
		_, err := fmt.Fprintf(w.stdout, "rollback to revision %d\n", g.To)
		return err
	})
}

// wentBack is the result of rollback in JSON: that of publish, and the revision that was gone back to.
type wentBack struct {
	published
	RollbackTo int64 `json:"rollbackTo"`
}

func (g *goingBack) check() error {
	if err := g.checkMessage(); err != nil {
		return err
	}
	if g.To < 1 {
		return wrongly("revisions begin at 1; burgeectl history lists them", "--to %d is no revision", g.To)
	}
	if err := checkValidFor(g.ValidFor); err != nil {
		return err
	}
	if err := g.switching.check(g.ValidFor); err != nil {
		return err
	}
	return g.checkTargets()
}

// find reads the older revision, verified by the chain from the head that the publisher believes.
func (g *goingBack) find(ctx context.Context, w *world, policy bundle.Policy) (bundle.Verified, error) {
	opened, err := g.openStore(ctx, w)
	if err != nil {
		return bundle.Verified{}, err
	}
	past := history.New(opened, policy)
	newest, err := past.Head(ctx)
	if damage := (*history.Damage)(nil); errors.As(err, &damage) {
		return bundle.Verified{}, g.foreign(fmt.Errorf("verify head: %w", damage.Err)) // as publish has it
	}
	if err != nil {
		return bundle.Verified{}, err
	}
	head, err := findRevision(ctx, past, newest, g.To)
	if err != nil {
		return bundle.Verified{}, err
	}
	verified, err := past.Bundle(ctx, head)
	if err != nil {
		return verified, fmt.Errorf("read flags of revision %d: %w", g.To, err)
	}
	return verified, nil
}

// warn says on standard error what went well and still deserves a look.
func (g *goingBack) warn(w *world, from bundle.Verified, result publish.Result) {
	g.warnOfTrust(w)
	if result.Outcome == publish.Unchanged {
		return
	}
	fmt.Fprintf(w.stderr, "not checked: the flags are those of revision %d, whatever lint and contract say of them today\n", g.To)
	if parsed, err := eval.Parse(from.Document(), eval.LoadLimits()); err == nil {
		for _, found := range idle(parsed, result.Head.Manifest().Overrides) {
			fmt.Fprintln(w.stderr, oneLine(found))
		}
	}
	warnOfLoss(w, result)
	warnOfCopy(w, result)
}

func (*goingBack) examples() []string {
	return []string{
		`burgeectl rollback --to 41 --key oncall.key --message 'INC-8: pages time out'`,
		`burgeectl rollback --to 41 --key oncall.key --message INC-8 --dry-run`,
		`burgeectl rollback --to 41 --oldest-pin 43 --key oncall.key --message 'INC-8: nor shall running requests see 42'`,
	}
}
