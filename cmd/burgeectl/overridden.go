package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/publish"
)

func printOverridden(out io.Writer, done publish.Overridden, now time.Time) error {
	m := done.Head.Manifest()
	again := ""
	if len(done.Entries) == 0 {
		again = ": the override stood already, and is signed anew"
	}
	switch done.Outcome {
	case publish.Unchanged:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("unchanged: revision %d of %s has this override", m.Revision, m.Environment)))
	case publish.Planned:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("would write revision %d of %s%s", m.Revision, m.Environment, again)))
	default:
		fmt.Fprintln(out, oneLine(fmt.Sprintf("wrote revision %d of %s%s", m.Revision, m.Environment, again)))
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
	if m.ActivateAt.After(now) {
		fmt.Fprintf(out, "the flags of this revision are active from %s; overrides act at once\n", moment(m.ActivateAt))
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
	Unread   []string          `json:"unread"`          // of the past: it is left to whoever publishes next
	Effect   *effect           `json:"effect,omitzero"` // not of restore
	Wait     *arrival          `json:"wait,omitzero"`   // with --wait
}

func overriddenJSON(done publish.Overridden, seen *effect, arrived *arrival) overridden {
	out := overridden{
		Outcome: done.Outcome, Manifest: done.Head.Manifest(), Came: done.Came, Went: done.Went,
		Damage: []string{}, Unread: []string{}, Effect: seen, Wait: arrived,
	}
	for _, err := range done.Damage {
		if lasting(err) {
			out.Damage = append(out.Damage, err.Error())
		} else {
			out.Unread = append(out.Unread, err.Error())
		}
	}
	return out
}

// warn says on standard error what went well and still deserves a look.
func (o *overriding) warn(w *world, done publish.Overridden) {
	o.warnOfTrust(w)
	for _, err := range done.Damage {
		if !lasting(err) {
			fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("tombstones were not read: %v; publishing reads them later", err)))
			continue
		}
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("beside its head the store is damaged: %v", err)))
		fmt.Fprintln(w.stderr, "hint: put the object back from a backup; publishing needs it")
	}
	warnOfCopy(w, done.Result)
}

// lasting tells damage of the store from a store that was slow or away.
func lasting(err error) bool {
	return errors.As(err, new(*publish.Refusal)) || bundle.ReasonOf(err) != "" || errors.Is(err, object.ErrNotFound) || errors.Is(err, object.ErrTooLarge)
}
