package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/publish"
)

// overriding is what the verbs have in common that change the head's overrides: kill, set and restore.
type overriding struct {
	writing
	Flag string `arg:"" help:"Key of the flag." placeholder:"FLAG"`
}

// maxKey is how long keys and names may be that a head is given, in characters: it has room for 32 overrides.
const maxKey = 500

// check refuses what no override can be made of, whatever the store holds.
func (o *overriding) check(segment, variant string) error {
	if o.Flag == "" {
		return wrongly("name the flag, such as burgeectl kill new_pricing", "the flag's key is empty")
	}
	if err := checkText("FLAG", o.Flag, maxKey); err != nil {
		return err
	}
	if err := checkText("--segment", segment, maxKey); err != nil {
		return err
	}
	if err := checkText("--variant", variant, maxKey); err != nil {
		return err
	}
	if err := o.checkMessage(); err != nil {
		return err
	}
	return o.checkTargets()
}

// force is what kill and set do: the override, then a look at the flags, then the wait for sidecars. Nothing that the look finds keeps a
// kill from standing.
func (o *overriding) force(ctx context.Context, w *world, form output, variant, segment string) error {
	author, publisher, err := o.begin(ctx, w, segment, variant)
	if err != nil {
		return err
	}
	done, err := publisher.Override(ctx, publish.Overriding{
		Flag: o.Flag, Variant: variant, Segment: segment, Author: author, Message: o.Message, DryRun: o.DryRun,
	})
	if err != nil {
		return o.advise(err)
	}
	o.warn(w, done)
	seen := look(ctx, w, o, done)
	return o.finish(ctx, w, form, done, seen)
}

func (o *overriding) begin(ctx context.Context, w *world, segment, variant string) (string, *publish.Publisher, error) {
	if err := o.check(segment, variant); err != nil {
		return "", nil, err
	}
	author, err := o.author(w)
	if err != nil {
		return "", nil, err
	}
	publisher, err := o.publisher(ctx, w)
	return author, publisher, err
}

// warn says on standard error what went well and still deserves a look.
func (o *overriding) warn(w *world, done publish.Overridden) {
	o.warnOfTrust(w)
	for _, damage := range done.Damage {
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("beside its head the store is damaged: %v", damage)))
		fmt.Fprintln(w.stderr, "hint: put the object back from a backup; publishing needs it")
	}
	warnOfCopy(w, done.Result)
}

// finish prints what was done, and waits for sidecars where that was asked for and can come true.
func (o *overriding) finish(ctx context.Context, w *world, form output, done publish.Overridden, seen *effect) error {
	noEffect := seen.failure(done)
	if form != inJSON {
		if err := printOverridden(w.stdout, done); err != nil {
			return err
		}
	}
	var arrived *arrival
	var late error
	if noEffect == nil && done.Outcome != publish.Planned {
		arrived, late = o.wait(ctx, w, form, goal{
			environment: o.Environment, revision: done.Head.Manifest().Revision, came: done.Came, went: done.Went,
		})
	}
	if form == inJSON {
		if err := printJSON(w.stdout, overriddenJSON(done, seen, arrived)); err != nil {
			return err
		}
	}
	return errors.Join(noEffect, late)
}

// advise gives the errors of overriding the ways out that fit it.
func (o *overriding) advise(err error) error {
	refusal, conflict, missing := (*publish.Refusal)(nil), (*publish.Conflict)(nil), (*publish.NotOverridden)(nil)
	switch {
	case errors.As(err, &missing):
		return advised{err, exitRefused, standingHint(missing)}
	case errors.As(err, &refusal) && refusal.Rule == publish.RuleLimit:
		return advised{err, exitRefused, "burgeectl restore FLAG lifts the overrides of a flag that needs none any more; a shorter --message takes less room"}
	case errors.As(err, &conflict) && conflict.Flag != "":
		return advised{err, exitRefused, "burgeectl show prints the overrides that stand; if you still want yours, do it again"}
	case errors.As(err, &conflict):
		return advised{err, exitRefused, "others publish all the time here: do it again"}
	case errors.Is(err, object.ErrNotFound) && bundle.ReasonOf(err) == "" && !errors.As(err, &refusal):
		return advised{err, exitFailed, "check --store; where nothing was published there is no flag to override"}
	}
	return o.foreign(err)
}

// standingHint lists what can be restored.
func standingHint(n *publish.NotOverridden) string {
	if len(n.Standing) == 0 {
		return "no flag is overridden"
	}
	var flags, segments []string
	for _, o := range n.Standing {
		if !slices.Contains(flags, o.Flag) {
			flags = append(flags, o.Flag)
		}
		if o.Flag == n.Flag {
			segments = append(segments, cmp.Or(o.Segment, "everyone"))
		}
	}
	if len(segments) > 0 {
		return fmt.Sprintf("it is overridden for %s", strings.Join(segments, ", "))
	}
	hint := "overridden are " + strings.Join(flags, ", ")
	return strings.TrimSpace(suggest(n.Flag, flags) + " " + hint)
}

func printOverridden(out io.Writer, done publish.Overridden) error {
	m := done.Head.Manifest()
	switch done.Outcome {
	case publish.Unchanged:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("unchanged: revision %d of %s has this override", m.Revision, m.Environment)))
	case publish.Planned:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("would write revision %d of %s", m.Revision, m.Environment)))
	default:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("wrote revision %d of %s", m.Revision, m.Environment)))
	}
	for _, o := range done.Came {
		fmt.Fprintf(out, "override: %s\n", overrideText(o))
	}
	for _, o := range done.Went {
		word := "lifted"
		if len(done.Came) > 0 {
			word = "replaced"
		}
		fmt.Fprintf(out, "%s: %s\n", word, overrideText(o))
	}
	for _, o := range m.Overrides {
		if !slices.ContainsFunc(done.Came, func(came bundle.Override) bool { return came.Flag == o.Flag && came.Segment == o.Segment }) {
			fmt.Fprintf(out, "stands: %s\n", overrideText(o))
		}
	}
	return nil
}

// overridden is the result of kill, set and restore in JSON.
type overridden struct {
	Outcome  publish.Outcome   `json:"outcome"`
	Manifest bundle.Manifest   `json:"manifest"`
	Came     []bundle.Override `json:"came"` // none of restore
	Went     []bundle.Override `json:"went"` // replaced, or lifted
	Damage   []string          `json:"damage"`
	Effect   *effect           `json:"effect,omitzero"` // not of restore
	Wait     *arrival          `json:"wait,omitzero"`   // with --wait
}

func overriddenJSON(done publish.Overridden, seen *effect, arrived *arrival) overridden {
	out := overridden{Outcome: done.Outcome, Manifest: done.Head.Manifest(), Came: done.Came, Went: done.Went, Damage: []string{}, Effect: seen, Wait: arrived}
	for _, damage := range done.Damage {
		out.Damage = append(out.Damage, damage.Error())
	}
	return out
}

// effect is what a look at the head's flags told of an override.
type effect struct {
	Checked bool   `json:"checked"` // false where the flags could not be read
	InForce bool   `json:"inForce"`
	Problem string `json:"problem"` // why it does not do what it says, or why that could not be checked
	hint    string
}

// lookTime is how long the look at the flags may take: the override stands already.
const lookTime = 10 * time.Second

// look reads the flags that the head stands for, and tells what the override does to them. Sidecars may serve others.
func look(ctx context.Context, w *world, o *overriding, done publish.Overridden) *effect {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	document, err := o.document(ctx, w, done.Head)
	if err == nil {
		var seen *effect
		if seen, err = effectOf(document, done.Head.Manifest().Overrides, done.Came[0]); err == nil {
			return seen
		}
	}
	fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("not checked whether the override has an effect: %v", err)))
	return &effect{Problem: err.Error()}
}

// document is what the head vouches for: a head that this command has verified or made, so that no key is needed.
func (o *overriding) document(ctx context.Context, w *world, head bundle.Head) ([]byte, error) {
	opened, err := o.openStore(ctx, w)
	if err != nil {
		return nil, err
	}
	verified, err := (&reader{store: opened, foreign: o.foreign}).bundle(ctx, head)
	return verified.Document(), err
}

// effectOf tells what one of the overrides does to the flags.
func effectOf(document []byte, overrides []bundle.Override, own bundle.Override) (*effect, error) {
	doc, err := eval.Parse(document, eval.LoadLimits())
	if err != nil {
		return nil, err
	}
	_, effects := eval.Compile(doc, eval.Options{}).WithOverrides(forEval(overrides))
	at := slices.IndexFunc(overrides, func(o bundle.Override) bool { return o.Flag == own.Flag && o.Segment == own.Segment })
	return &effect{true, effects[at].InForce, effects[at].Problem, wayOut(document, doc, own)}, nil
}

// wayOut is what to do about an override that does not do what it says.
func wayOut(document []byte, doc *eval.Document, o bundle.Override) string {
	definition, there := doc.Definition(o.Flag)
	segments, variants := membersOf(document, "$evaluators"), membersOf(definition, "variants")
	switch {
	case !there:
		return suggestOr(o.Flag, doc.Keys(), "the flags are ") + " (burgeectl restore takes this one back)"
	case o.Segment != "" && !slices.Contains(segments, o.Segment):
		return suggestOr(o.Segment, segments, "the segments are ")
	case o.Variant == "":
		return "name the variant to serve, with --variant: " + strings.Join(variants, ", ")
	case !slices.Contains(variants, o.Variant):
		return suggestOr(o.Variant, variants, "the variants are ")
	}
	return "burgeectl restore lifts all overrides of the flag; then this one can be made again"
}

// membersOf lists the names in an object that stands in another.
func membersOf(document []byte, name string) []string {
	var sections map[string]jsontext.Value
	var members map[string]jsontext.Value
	if json.Unmarshal(document, &sections) != nil || json.Unmarshal(sections[name], &members) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(members))
}

// failure says that the override that was made does not do what it says.
func (e *effect) failure(done publish.Overridden) error {
	if e == nil || !e.Checked || e.Problem == "" {
		return nil
	}
	stands := fmt.Sprintf("the override stands in revision %d", done.Head.Manifest().Revision)
	if done.Outcome == publish.Planned {
		stands = "the override would stand"
	}
	what := "has no effect"
	if e.InForce {
		what = "does not do what it says"
	}
	return advised{fmt.Errorf("%s, but it %s: %s", stands, what, e.Problem), exitFailed, e.hint}
}
