package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/history"
	"github.com/burgeehq/burgee/sync/object"
)

// checker holds what people were told against what the store held at each moment: whether there is one order of all that was done, which
// each of them could have seen between the beginning and the end of what they did. The store's own log of heads is that order.
type checker struct {
	t      *testing.T
	k      key
	f      *fake
	log    []written
	places map[string][]int // in the log, by message
	raws   map[string]int   // places in the log, by what was written
}

// written is a head that the store held, and the state that it stands for.
type written struct {
	commit
	bundle.Manifest
	forced map[string]string // the variant and whose it is, by flag and segment
}

func newChecker(t *testing.T, k key, f *fake) *checker {
	t.Helper()
	c := &checker{t: t, k: k, f: f, places: map[string][]int{}, raws: map[string]int{}}
	policy := k.policy(t)
	for i, commit := range f.commits {
		head, err := policy.Open(commit.raw)
		if err != nil {
			t.Fatalf("head %d of the store: %v", i, err)
		}
		w := written{commit, head.Manifest(), map[string]string{}}
		for _, o := range w.Overrides {
			w.forced[place(o.Flag, o.Segment)] = o.Variant + " " + o.Message
		}
		c.log = append(c.log, w)
		c.places[w.Change.Message] = append(c.places[w.Change.Message], i)
		c.raws[string(commit.raw)] = i
	}
	return c
}

func place(flag, segment string) string { return flag + "@" + segment }

func (c *checker) check(deeds []*deed) {
	c.t.Helper()
	c.verify()
	c.replay(deeds)
	tally := map[string]int{}
	for _, d := range deeds {
		told, problem := c.judge(d)
		if problem != "" {
			c.t.Errorf("%s (%s of %s), told %s: %s", d.message, d.kind, place(d.flag, d.segment), told, problem)
		}
		tally[told]++
	}
	c.t.Logf("%d deeds, %d revisions, %d objects: %v", len(deeds), len(c.log), len(c.f.objects), tally)
	for _, told := range []string{"done", "conflict", "died", "failed"} {
		if len(deeds) >= 1000 && tally[told] == 0 {
			c.t.Errorf("nobody was told %q: the test does not try what it should", told)
		}
	}
}

// verify is burgeectl verify: all that the store holds is in its one chain, or left behind whole.
func (c *checker) verify() {
	c.t.Helper()
	report, err := history.New(c.f, c.k.policy(c.t)).Verify(context.Background(), history.Verification{AtLeast: int64(len(c.log)), Compare: tellsTheStep})
	if err != nil || len(report.Damage) > 0 || report.Owed != "" || report.Revisions != len(c.log) {
		c.t.Fatalf("verify: %v; %d revisions of %d, owed %q, damage %v", err, report.Revisions, len(c.log), report.Owed, report.Damage)
	}
}

// tellsTheStep wants a ledger to tell what the documents show.
func tellsTheStep(s history.Step) error {
	want, err := compare(Step{Before: s.Before, After: s.After})
	if err != nil {
		return err
	}
	got := slices.DeleteFunc(slices.Clone(s.Ledger.Entries), func(e bundle.Entry) bool {
		return e.Kind == bundle.EntryOverridden || e.Kind == bundle.EntryRestored
	})
	if !slices.EqualFunc(got, want.Entries, func(a, b bundle.Entry) bool { return a.Kind == b.Kind && a.Flag == b.Flag }) {
		return fmt.Errorf("entries %v; want %v", got, want.Entries)
	}
	return nil
}

// replay does all that stands in the log again, on a model, and wants each head to be what came of it: so nothing is undone by somebody
// who did not see it.
func (c *checker) replay(deeds []*deed) {
	c.t.Helper()
	by := map[string]*deed{}
	for _, d := range deeds {
		by[d.message] = d
	}
	var document []byte
	forced, retired := map[string]string{}, map[string]bool{}
	for i, w := range c.log {
		d := by[w.Change.Message]
		if d == nil || w.Revision != int64(i+1) {
			c.t.Fatalf("head %d of the store is revision %d, by nobody: %q", i, w.Revision, w.Change.Message)
		}
		switch d.kind {
		case publishing:
			bury(retired, document, d.document)
			document = d.document
		case overriding:
			forced[place(d.flag, d.segment)] = d.variant + " " + d.message
		case restoring:
			for at := range forced {
				if d.segment == "" && strings.HasPrefix(at, d.flag+"@") || at == place(d.flag, d.segment) {
					delete(forced, at)
				}
			}
		}
		if w.Bundle.ContentDigest != bundle.Sum(document) {
			c.t.Errorf("revision %d (%s of %s) has other flags than were published last", w.Revision, d.kind, d.message)
		}
		if !maps.Equal(w.forced, forced) {
			c.t.Errorf("revision %d (%s of %s) has the overrides %v; want %v", w.Revision, d.kind, d.message, w.forced, forced)
		}
		if got := c.retired(w.Ledger); !maps.Equal(got, retired) {
			c.t.Errorf("revision %d (%s of %s) has the tombstones %v; want %v", w.Revision, d.kind, d.message, got, retired)
		}
		if c.t.Failed() {
			return
		}
	}
}

// bury keeps the tombstones of a model.
func bury(retired map[string]bool, before, after []byte) {
	was, is := map[string]int{}, map[string]int{}
	if before != nil && json.Unmarshal(before, &was) != nil || json.Unmarshal(after, &is) != nil {
		panic("these documents are ours")
	}
	for name := range was {
		retired[name] = true
	}
	for name := range is {
		delete(retired, name)
	}
}

func (c *checker) retired(from bundle.Digest) map[string]bool {
	c.t.Helper()
	all, _, err := newPublisher(c.t, c.k.config(c.f)).tombstones(context.Background(), from)
	if err != nil {
		c.t.Fatal(err)
	}
	names := map[string]bool{}
	for _, r := range all {
		names[r.Flag] = true
	}
	return names
}

// judge says what somebody was told, and what is wrong with it.
func (c *checker) judge(d *deed) (told, problem string) {
	conflict, absent := (*Conflict)(nil), (*NotOverridden)(nil)
	places := c.places[d.message]
	if len(places) > 1 {
		return "", fmt.Sprintf("it was written %d times", len(places))
	}
	if len(places) == 1 && c.log[places[0]].moment < d.begun {
		return "", "it was written before it began"
	}
	switch {
	case d.dead:
		return "died", ""
	case errors.As(d.err, new(*Unknown)):
		return "unknown", ""
	case d.err == nil && d.result.Outcome == Unchanged:
		return "unchanged", c.unchanged(d, places)
	case d.err == nil:
		return "done", c.done(d, places)
	case d.lateHead && len(places) == 1: // what a store does after it was given up is nothing that a look at it tells
		return "failed, and done late", ""
	case len(places) == 1:
		return "failed", fmt.Sprintf("it was written: %v", d.err)
	case errors.As(d.err, &conflict):
		return "conflict", c.conflict(d, conflict)
	case errors.As(d.err, &absent):
		return "absent", c.absent(d, absent)
	case d.met == 0 && (!errors.Is(d.err, object.ErrNotFound) || c.log[0].moment < d.begun): // there may be no flags to force yet
		return "failed", fmt.Sprintf("it met no fault: %v", d.err)
	}
	return "failed", ""
}

// done wants one place in the chain, between the beginning and the end, and what was told of it true.
func (c *checker) done(d *deed, places []int) string {
	if len(places) != 1 {
		return "it was never written"
	}
	w := c.log[places[0]]
	if w.moment > d.ended {
		return "it was written after its end"
	}
	if !bytes.Equal(d.result.Head.Raw(), w.raw) {
		return "it was told of another head"
	}
	went := map[string]string{}
	for _, o := range d.result.Went {
		went[place(o.Flag, o.Segment)] = o.Variant + " " + o.Message
	}
	want := map[string]string{}
	for at, what := range c.before(places[0]) {
		if is := w.forced[at]; is != what {
			want[at] = what
		}
	}
	if !maps.Equal(went, want) {
		return fmt.Sprintf("it was told that %v went; it was %v", went, want)
	}
	if (d.kind == overriding || d.kind == restoring) && !c.saw(d, only(d.flag, c.before(places[0]))) {
		return "it is over what somebody else did with that flag after it had looked"
	}
	return ""
}

// saw tells whether a flag had those overrides when somebody looked for the first time. Who sets and restores it in between leaves no trace.
func (c *checker) saw(d *deed, forced map[string]string) bool {
	looked := &deed{begun: d.begun, ended: d.seen}
	for i, w := range c.log {
		if c.stood(i, looked) && maps.Equal(only(d.flag, w.forced), forced) {
			return true
		}
	}
	return false
}

// before are the overrides over which a head was written.
func (c *checker) before(i int) map[string]string {
	if i == 0 {
		return nil
	}
	return c.log[i-1].forced
}

// stood tells whether a head was the store's at some moment of a deed.
func (c *checker) stood(i int, d *deed) bool {
	return c.log[i].moment < d.ended && (i+1 == len(c.log) || c.log[i+1].moment > d.begun)
}

// unchanged wants a head that was all that was asked for while it was asked.
func (c *checker) unchanged(d *deed, places []int) string {
	i, known := c.raws[string(d.result.Head.Raw())]
	switch {
	case len(places) > 0:
		return "it was written"
	case !known || !c.stood(i, d):
		return "the head that it was told of did not stand"
	case d.kind != overriding || !strings.HasPrefix(c.log[i].forced[place(d.flag, d.segment)], d.variant+" "):
		return "the head that it was told of is not what it asked for"
	}
	return ""
}

// absent wants a head without the override that was to be lifted.
func (c *checker) absent(d *deed, told *NotOverridden) string {
	for i, w := range c.log {
		if c.stood(i, d) && same(told.Standing, w.Overrides) && len(of(told.Flag, segments(w.Overrides, told.Segment))) == 0 {
			return ""
		}
	}
	return fmt.Sprintf("there was no such moment: %v", told)
}

// segments are the overrides for a segment; all of them where that is "".
func segments(overrides []bundle.Override, segment string) []bundle.Override {
	return slices.DeleteFunc(slices.Clone(overrides), func(o bundle.Override) bool { return segment != "" && o.Segment != segment })
}

// conflict wants it to name what somebody else wrote meanwhile, and where it is about a flag, who touched that.
func (c *checker) conflict(d *deed, told *Conflict) string {
	i, known := c.raws[string(told.Head.Raw())]
	switch {
	case told.Err != nil || !known:
		return fmt.Sprintf("it names a head that never was: %v", told)
	case c.log[i].Change.Message == d.message:
		return "it is with itself"
	case c.log[i].moment < d.begun || c.log[i].moment > d.ended:
		return fmt.Sprintf("it is with somebody who was not there at the time: %v", told)
	case told.Flag == "" && told.Revision > told.Head.Manifest().Revision:
		return fmt.Sprintf("it names somebody who was not first: %v", told)
	case told.Flag != "" && (d.kind == publishing || d.kind == resigning || told.Flag != d.flag):
		return fmt.Sprintf("it is about a flag that it did not touch: %v", told)
	case told.Flag == "" && (d.kind == overriding || d.kind == restoring):
		return fmt.Sprintf("nobody touched its flag: %v", told)
	case told.Flag != "" && d.met == 0 && maps.Equal(only(told.Flag, c.log[i].forced), only(told.Flag, c.before(i))):
		return fmt.Sprintf("it names somebody who did not touch that flag: %v", told)
	}
	return ""
}

// only are the overrides of one flag.
func only(flag string, forced map[string]string) map[string]string {
	its := maps.Clone(forced)
	maps.DeleteFunc(its, func(at, _ string) bool { return !strings.HasPrefix(at, flag+"@") })
	return its
}
