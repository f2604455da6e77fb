package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

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
	_, effects := eval.Compile(doc, eval.Options{}).Under(forEval(overrides), nil)
	at := slices.IndexFunc(overrides, func(o bundle.Override) bool { return o.Flag == own.Flag && o.Segment == own.Segment })
	return &effect{true, effects[at].InForce, effects[at].Problem, wayOut(doc, own)}, nil
}

// wayOut is what to do about an override that does not do what it says.
func wayOut(doc *eval.Document, o bundle.Override) string {
	var segments []string
	for _, segment := range doc.Evaluators() {
		segments = append(segments, segment.Name)
	}
	slices.Sort(segments)
	variants := doc.Variants(o.Flag)
	switch {
	case !doc.Has(o.Flag):
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
