package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/publish"
)

// difference is the verb diff.
type difference struct {
	remote
	contract
	guards
	growth
	Flags string `arg:"" help:"File of flags (JSON or YAML), or a folder whose files are merged." placeholder:"FLAGS"`
}

// Run shows what publishing the flags would change, and whether it would be refused. It needs no key and writes nothing.
func (d *difference) Run(ctx context.Context, w *world, form output) error {
	file, err := checkFlags(d.Flags, w.now(), d.Contract)
	if err != nil {
		return err
	}
	r, err := d.reader(ctx, w)
	if err != nil {
		return err
	}
	s, head, err := r.step(ctx, file.document)
	if err != nil {
		return err
	}
	parsed, err := parseStep(s)
	if err != nil {
		return err
	}
	state, err := r.state(ctx, w, head)
	if err != nil {
		return err
	}
	if state != nil && state.Revision > 0 {
		s.Revision = state.Revision
	}
	plan := planned{head, w.now(), s.Revision, parsed.compare(s), d.refusals(s, parsed, head.Manifest().Bundle.Flags, state)}
	printWarnings(w.stderr, file.warnings)
	if form == inJSON {
		err = printJSON(w.stdout, plan.json())
	} else {
		plan.print(w.stdout)
	}
	if err == nil && len(plan.refused) > 0 {
		err = &guarded{plan.refused, fmt.Sprintf("publish would refuse this for %s", plural(len(plan.refused), "reason"))}
	}
	return err
}

// step is what publishing a document would go from and to. A store without a head has nothing before.
func (r *reader) step(ctx context.Context, document []byte) (publish.Step, bundle.Head, error) {
	head, err := r.head(ctx, 0)
	if errors.Is(err, object.ErrNotFound) {
		return publish.Step{Revision: 1, After: document}, head, nil
	}
	if err != nil {
		return publish.Step{}, head, err
	}
	verified, err := r.bundle(ctx, head)
	if err != nil {
		return publish.Step{}, head, err
	}
	retired, err := publish.NewLooker(r.store, r.policy).Retired(ctx, head)
	if err != nil {
		return publish.Step{}, head, err
	}
	m := head.Manifest()
	return publish.Step{
		Revision: m.Revision + 1, Before: verified.Document(), After: document, Retired: retired, Overrides: m.Overrides,
	}, head, nil
}

// state finds out why publish would refuse whatever comes after the head, if it would. Whoever may read single objects alone, as a
// pipeline for pull requests may, is told that nobody looked.
func (r *reader) state(ctx context.Context, w *world, head bundle.Head) (*publish.Refusal, error) {
	err := publish.NewLooker(r.store, r.policy).State(ctx, head)
	refusal := (*publish.Refusal)(nil)
	switch {
	case errors.As(err, &refusal):
		return refusal, nil
	case errors.Is(err, object.ErrForbidden):
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("not checked whether publish goes on from this head: %v", err)))
		return nil, nil
	}
	return nil, err
}

// refusals are what publish would say, of the store first.
func (d *difference) refusals(s publish.Step, parsed step, before int, state *publish.Refusal) []problem {
	var found []problem
	if state != nil {
		found = append(found, problem{Path: "store", Message: state.Error(), Hint: ruleHint(state)})
	}
	found = append(found, d.broken(parsed, s.Retired)...)
	ref := bundle.Ref{Flags: parsed.after.Flags(), PreviousFlags: before, AllowShrink: d.AllowShrink}
	refusal := (*publish.Refusal)(nil)
	if err := publish.Guard(publish.Request{Document: s.After, AllowGrowth: d.AllowGrowth}, s.Before, ref); errors.As(err, &refusal) {
		found = append(found, problem{Path: "flags", Message: refusal.Error(), Hint: ruleHint(refusal)})
	}
	return found
}

// planned is what a publication would do.
type planned struct {
	head     bundle.Head // before; zero where there is none
	now      time.Time
	revision int64
	change   publish.Comparison
	refused  []problem
}

func (p planned) print(out io.Writer) {
	m := p.head.Manifest()
	what := fmt.Sprintf("revision %d, the first", p.revision)
	switch {
	case m.Revision == 0 && p.revision > 1:
		what = fmt.Sprintf("revision %d, after a head that is lost", p.revision)
	case m.Revision > 0:
		what = fmt.Sprintf("revision %d after revision %d of %s", p.revision, m.Revision, m.Environment)
	}
	if len(p.change.Entries) == 0 && m.Revision > 0 {
		fmt.Fprintln(out, oneLine(fmt.Sprintf("no change: revision %d of %s has the same flags", m.Revision, m.Environment)))
	} else {
		count := bundle.Count(p.change.Entries)
		fmt.Fprintln(out, oneLine(fmt.Sprintf("%s: %s, %d added, %d changed, %d removed", what, plural(p.change.Flags, "flag"), count.Added, count.Changed, count.Removed)))
	}
	for _, e := range p.change.Entries {
		printEntry(out, e)
	}
	if m.ActivateAt.After(p.now) {
		fmt.Fprintf(out, "revision %d is active from %s: what is published before takes its place\n", m.Revision, moment(m.ActivateAt))
	}
	if m.OldestPin > 1 {
		fmt.Fprintln(out, pinsEnd(m.OldestPin))
	}
	for _, o := range m.Overrides {
		fmt.Fprintf(out, "override kept: %s\n", overrideText(o))
	}
}

// signs mark lines the way diffs do.
var signs = map[string]string{"added": "+ ", "changed": "~ ", "removed": "- "}

// printEntry prints what an entry changed, a line a field.
func printEntry(out io.Writer, e bundle.Entry) {
	fmt.Fprintln(out, oneLine(signs[e.Kind]+e.Flag+e.Section))
	if e.Kind == "removed" {
		return
	}
	for _, f := range fieldsOf(e) {
		fmt.Fprintln(out, indented("    "+f.text()))
	}
}

// differenceJSON is the result of diff in JSON.
type differenceJSON struct {
	Environment string            `json:"environment,omitzero"`
	Before      int64             `json:"before"`              // the head's revision; 0 where there is none
	Revision    int64             `json:"revision"`            // the one that would be published
	ActivateAt  time.Time         `json:"activateAt,omitzero"` // when the head's flags begin to be served, as it says
	OldestPin   int64             `json:"oldestPin"`           // the head's; 0 where there is none
	Flags       int               `json:"flags"`               // in it
	Changes     []change          `json:"changes"`
	Overrides   []bundle.Override `json:"overrides"` // kept
	Refused     []problem         `json:"refused"`   // why publish would refuse it
}

func (p planned) json() differenceJSON {
	m := p.head.Manifest()
	out := differenceJSON{
		m.Environment, m.Revision, p.revision, m.ActivateAt, m.OldestPin, p.change.Flags, []change{}, append([]bundle.Override{}, m.Overrides...), append([]problem{}, p.refused...),
	}
	for _, e := range p.change.Entries {
		out.Changes = append(out.Changes, change{entry{e.Kind, e.Flag, e.Section}, fieldsOf(e)})
	}
	return out
}

func (*difference) examples() []string {
	return []string{
		`burgeectl diff flags`,
		`burgeectl diff flags.yaml --trust-key team.pub --output json`,
	}
}
