package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// publication is the verb publish.
type publication struct {
	writing
	contract
	guards
	growth
	switching
	Flags    string        `arg:"" help:"File of flags (JSON or YAML), or a folder whose files are merged." placeholder:"FLAGS"`
	ValidFor time.Duration `help:"How long the revision is valid; without end by default." placeholder:"DURATION"`
	StartAt  int64         `help:"Number of this revision, where sidecars are ahead of the store because it was lost, or lost its head." placeholder:"N"`
}

// Run loads the flags as a sidecar would, and publishes them.
func (p *publication) Run(ctx context.Context, w *world, form output) error {
	if err := p.check(); err != nil {
		return err
	}
	file, err := checkFlags(p.Flags, w.now(), p.Contract)
	if err != nil {
		return err
	}
	author, err := p.author(w)
	if err != nil {
		return err
	}
	publisher, err := p.publisher(ctx, w)
	if err != nil {
		return err
	}
	result, err := publisher.Publish(ctx, publish.Request{
		Document: file.document, Author: author, Message: p.Message, Compare: p.compare, ValidFor: p.ValidFor,
		Settle: p.Settle, OldestPin: p.OldestPin, StartAt: p.StartAt, AllowShrink: p.AllowShrink, AllowGrowth: p.AllowGrowth, DryRun: p.DryRun,
	})
	if err != nil {
		return p.foreign(err)
	}
	p.warn(w, file, result)
	return p.finish(ctx, w, form, p.Environment, result, func(arrived *arrival) error {
		if form == inJSON {
			return printJSON(w.stdout, publishedJSON(result, arrived))
		}
		if err := printPublished(w.stdout, result); err != nil {
			return err
		}
		return p.printPins(w.stdout, result.Head.Manifest())
	})
}

// check refuses what no revision can be made of, whatever the flags and the store hold.
func (p *publication) check() error {
	if err := p.checkMessage(); err != nil {
		return err
	}
	if p.StartAt < 0 || p.StartAt > bundle.MaxRevision {
		return wrongly(fmt.Sprintf("revisions go from 1 to %d", bundle.MaxRevision), "--start-at %d is no revision", p.StartAt)
	}
	if err := checkValidFor(p.ValidFor); err != nil {
		return err
	}
	if err := p.switching.check(p.ValidFor); err != nil {
		return err
	}
	return p.checkTargets()
}

// checkValidFor refuses an end that lies before its beginning.
func checkValidFor(d time.Duration) error {
	if d < 0 {
		return wrongly("leave it out for a revision that is valid without end", "--valid-for %s is negative", d)
	}
	return nil
}

// warn says on standard error what went well and still deserves a look.
func (p *publication) warn(w *world, file *flagFile, result publish.Result) {
	p.warnOfTrust(w)
	printWarnings(w.stderr, file.warnings)
	for _, found := range idle(file.parsed, result.Head.Manifest().Overrides) {
		fmt.Fprintln(w.stderr, oneLine(found))
	}
	warnOfLoss(w, result)
	warnOfCopy(w, result)
}

// idle says of each override that does not do what it says over the flags why that is so.
func idle(doc *eval.Document, overrides []bundle.Override) []string {
	var all []string
	_, effects := eval.Compile(doc, eval.Options{}).Under(forEval(overrides), nil)
	for i, e := range effects {
		switch {
		case e.InForce && e.Problem != "":
			all = append(all, fmt.Sprintf("override of %s: %s", overrides[i].Flag, e.Problem))
		case e.Problem != "":
			all = append(all, fmt.Sprintf("override of %s has no effect: %s", overrides[i].Flag, e.Problem))
		}
	}
	return all
}

func forEval(overrides []bundle.Override) []eval.Override {
	var all []eval.Override
	for _, o := range overrides {
		all = append(all, eval.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment})
	}
	return all
}

func printPublished(out io.Writer, result publish.Result) error {
	m := result.Head.Manifest()
	if result.Outcome == publish.Unchanged {
		_, err := fmt.Fprintln(out, oneLine(fmt.Sprintf("unchanged: revision %d of %s has the same flags%s", m.Revision, m.Environment, span(m))))
		return err
	}
	verb := map[publish.Outcome]string{publish.Published: "published", publish.Planned: "would publish"}[result.Outcome]
	what := fmt.Sprintf("%s, %d added, %d changed, %d removed", plural(m.Bundle.Flags, "flag"), m.Change.Added, m.Change.Changed, m.Change.Removed)
	if result.Same {
		what = "the same flags"
	}
	fmt.Fprintln(out, oneLine(fmt.Sprintf("%s revision %d of %s: %s%s", verb, m.Revision, m.Environment, what, span(m))))
	for _, e := range result.Entries {
		fmt.Fprintln(out, " ", oneLine(e.Kind+" "+e.Flag+e.Section))
	}
	for _, o := range m.Overrides {
		fmt.Fprintf(out, "override kept: %s\n", overrideText(o))
	}
	_, err := fmt.Fprintf(out, "bundle %s\n", m.Bundle.Digest)
	return err
}

// span is when a revision begins to be served and when it ends, as far as it says so.
func span(m bundle.Manifest) (text string) {
	if !m.ActivateAt.IsZero() {
		text = ", active from " + moment(m.ActivateAt)
	}
	if !m.ValidUntil.IsZero() {
		text += ", valid until " + moment(m.ValidUntil)
	}
	return text
}

// published is the result of publish in JSON.
type published struct {
	Outcome  publish.Outcome `json:"outcome"`
	Manifest bundle.Manifest `json:"manifest"`
	Changes  []entry         `json:"changes"`
	Lost     []string        `json:"lost,omitzero"` // what of the revision before is damaged, and was not taken along
	Wait     *arrival        `json:"wait,omitzero"` // with --wait
}

type entry struct {
	Kind    string `json:"kind"`
	Flag    string `json:"flag,omitzero"`
	Section string `json:"section,omitzero"`
}

func publishedJSON(result publish.Result, arrived *arrival) published {
	out := published{Outcome: result.Outcome, Manifest: result.Head.Manifest(), Changes: []entry{}, Wait: arrived}
	for _, lost := range result.Lost {
		out.Lost = append(out.Lost, lost.Error())
	}
	for _, e := range result.Entries {
		out.Changes = append(out.Changes, entry{e.Kind, e.Flag, e.Section})
	}
	return out
}

func (*publication) examples() []string {
	return []string{
		`burgeectl publish flags.json --message 'Ship the new checkout' --store s3://flags/shop/prod --environment shop/prod --key prod.key`,
		`burgeectl publish flags.json --message 'Ship the new checkout' --dry-run`,
		`burgeectl publish flags.json --message 'Campaign until Friday' --valid-for 72h --key env:SIGNING_KEY`,
		`burgeectl publish flags.json --message 'The new prices, everywhere at once' --settle 30s --key env:SIGNING_KEY`,
	}
}
