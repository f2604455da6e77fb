package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

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

// given is the value of a flag that may be left out. One that is there and empty is a variable that nobody has set, and would mean
// everyone, or all.
func given(flag string, value *string, without string) (string, error) {
	switch {
	case value == nil:
		return "", nil
	case *value == "":
		return "", wrongly(without, "%s is empty", flag)
	}
	return *value, nil
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
	return o.finish(ctx, w, form, done, true)
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

// finish tells what was done, before a look at what it does and a wait for sidecars: both take time, and may be interrupted.
func (o *overriding) finish(ctx context.Context, w *world, form output, done publish.Overridden, forced bool) error {
	o.warn(w, done)
	if form != inJSON {
		if err := printOverridden(w.stdout, done, w.now()); err != nil {
			return err
		}
	}
	var seen *effect
	if forced {
		seen = look(ctx, w, o, done)
	}
	arrived, err := o.settle(ctx, w, form, done, seen)
	if form == inJSON {
		if err := printJSON(w.stdout, overriddenJSON(done, seen, arrived)); err != nil {
			return err
		}
	}
	return err
}

// settle waits for sidecars where that was asked for, and tells whether the override does what it says. Sidecars know that best: they may
// serve other flags than those of the head, which were looked at.
func (o *overriding) settle(ctx context.Context, w *world, form output, done publish.Overridden, seen *effect) (*arrival, error) {
	noEffect := seen.failure(done)
	planned := done.Outcome == publish.Planned
	if noEffect != nil && (planned || o.Wait) {
		tell(w, noEffect)
	}
	if planned {
		return nil, nil
	}
	if !o.Wait {
		return nil, noEffect
	}
	m := done.Head.Manifest()
	arrived, err := o.wait(ctx, w, form, goal{
		environment: o.Environment, revision: m.Revision, publishedAt: m.PublishedAt, came: done.Came, went: done.Went,
	})
	if err == nil && noEffect != nil && seen.InForce {
		err = noEffect // in force everywhere, and not what was asked for
	}
	return arrived, err
}

// tell says on standard error, with its way out, what is no error of the command.
func tell(w *world, err error) {
	_, hint := advise(err)
	fmt.Fprintln(w.stderr, oneLine(err.Error()))
	fmt.Fprintln(w.stderr, "hint:", oneLine(hint))
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
	hint := overriddenHint(n)
	if n.Foreign {
		hint += "; your key has not signed the newest revision: if sidecars refuse that one, burgeectl resign signs it anew"
	}
	return hint
}

func overriddenHint(n *publish.NotOverridden) string {
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
