package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// chronicle is the verb history.
type chronicle struct {
	remote
	Flag  string `arg:"" optional:"" help:"Only what changed this flag, field by field." placeholder:"FLAG"`
	Limit int    `help:"How many revisions to show; 0 shows all." default:"20" placeholder:"N"`
}

// past is the result of history in JSON.
type past struct {
	Verified  bool    `json:"verified"` // signatures were looked at
	Revisions []event `json:"revisions"`
	More      bool    `json:"more"` // there are older ones
}

// event is one revision, as history tells it.
type event struct {
	Revision    int64            `json:"revision"`
	PublishedAt time.Time        `json:"publishedAt"`
	Author      string           `json:"author"`
	Message     string           `json:"message"`
	RollbackTo  int64            `json:"rollbackTo,omitzero"`
	Resigned    bool             `json:"resigned"` // neither flags nor overrides nor beginning, end or oldest pin differ: it was signed again
	ActivateAt  time.Time        `json:"activateAt,omitzero"`
	ValidUntil  time.Time        `json:"validUntil,omitzero"`
	OldestPin   int64            `json:"oldestPin"`
	Changes     []change         `json:"changes"`
	Overrides   []overrideChange `json:"overrides"`
	Proof       string           `json:"proof"`   // signature, chain or none
	Signers     []string         `json:"signers"` // of the keys given

	before *bundle.Manifest // of the revision before: its zero value at the first, nil where it cannot be read
	skips  int64            // the revision before, where numbers were skipped
}

// change is one changed place of the flags. Its fields are told where one flag is asked for.
type change struct {
	entry
	Fields []field `json:"fields,omitempty"`
}

// overrideChange is an override that came or went.
type overrideChange struct {
	Kind    string `json:"kind"` // set or lifted
	Flag    string `json:"flag"`
	Variant string `json:"variant"`
	Segment string `json:"segment"`
}

// Run tells the past, newest first. A revision is told once the one before it is known.
func (c *chronicle) Run(ctx context.Context, w *world, form output) error {
	if c.Limit < 0 {
		return wrongly("give how many revisions to show, or 0 for all", "--limit %d is no number of revisions", c.Limit)
	}
	r, err := c.reader(ctx, w)
	if err != nil {
		return err
	}
	newest, err := r.open(ctx, bundle.HeadKey)
	if err != nil {
		return err
	}
	told := telling{chronicle: c, reader: r, out: w.stdout, json: form == inJSON, events: []event{}, flags: map[string]bool{}}
	err = told.all(ctx, newest)
	if form == inJSON {
		return errors.Join(printJSON(w.stdout, past{r.verified, told.events, told.more}), err)
	}
	if err == nil && told.more {
		fmt.Fprintf(w.stderr, "there are older revisions: --limit 0 shows all\n")
	}
	return err
}

// telling is one history on its way out.
type telling struct {
	*chronicle
	reader *reader
	out    io.Writer
	json   bool
	events []event         // of JSON
	shown  int             // how many were told
	more   bool            // there are older ones
	flags  map[string]bool // that were ever changed, for whoever misspelt one
}

var errEnough = errors.New("enough")

func (t *telling) all(ctx context.Context, newest bundle.Head) error {
	pending := bundle.Head{}
	for head, err := range t.reader.past().Back(ctx, newest) {
		if pending.Raw() != nil {
			before := new(head.Manifest())
			if err != nil {
				before = nil
			}
			if err := t.tell(ctx, pending, before); errors.Is(err, errEnough) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if err != nil {
			return fmt.Errorf("go back from revision %d: %w", pending.Manifest().Revision, err)
		}
		pending = head
	}
	if err := t.tell(ctx, pending, &bundle.Manifest{}); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if t.Flag != "" && t.shown == 0 {
		hint := "burgeectl history without a flag lists what changed"
		if alike := near(t.Flag, slices.Sorted(maps.Keys(t.flags))); len(alike) > 0 {
			hint = fmt.Sprintf("did you mean %s?", alike[0])
		}
		return advised{fmt.Errorf("no revision changed %q", t.Flag), exitFailed, hint}
	}
	return nil
}

// tell tells of one revision, given the one before it, if it is asked for.
func (t *telling) tell(ctx context.Context, head bundle.Head, before *bundle.Manifest) error {
	if t.Limit > 0 && t.shown == t.Limit {
		t.more = true
		return errEnough
	}
	ledger, err := t.reader.past().Ledger(ctx, head)
	if err != nil {
		return fmt.Errorf("read what revision %d changed: %w", head.Manifest().Revision, err)
	}
	e := t.event(head, before, ledger)
	if t.Flag != "" && len(e.Changes) == 0 && len(e.Overrides) == 0 {
		return nil
	}
	t.shown++
	if t.json {
		t.events = append(t.events, e)
		return nil
	}
	return e.print(t.out)
}

func (t *telling) event(head bundle.Head, before *bundle.Manifest, ledger bundle.Ledger) event {
	m := head.Manifest()
	e := event{
		Revision: m.Revision, PublishedAt: m.PublishedAt, Author: m.Change.Author, Message: m.Change.Message, RollbackTo: ledger.RollbackTo,
		ActivateAt: m.ActivateAt, ValidUntil: m.ValidUntil, OldestPin: m.OldestPin, Changes: []change{}, Overrides: []overrideChange{},
		Proof: t.reader.proof(head), Signers: append([]string{}, head.Signers()...), before: before,
	}
	for _, told := range ledger.Entries {
		t.flags[told.Flag] = true
		if !ofFlags(told) || t.Flag != "" && told.Flag != t.Flag {
			continue
		}
		c := change{entry: entry{told.Kind, told.Flag, told.Section}}
		if t.Flag != "" {
			c.Fields = fieldsOf(told)
		}
		e.Changes = append(e.Changes, c)
	}
	if before == nil {
		return e
	}
	all := overrideChanges(before.Overrides, m.Overrides, "")
	e.Overrides = overrideChanges(before.Overrides, m.Overrides, t.Flag)
	e.Resigned = before.Revision > 0 && len(ledger.Entries) == 0 && len(all) == 0 && m.ValidUntil.Equal(before.ValidUntil) &&
		m.OldestPin == before.OldestPin && e.begins() == ""
	if m.Before() < m.Revision-1 {
		e.skips = m.Before()
	}
	return e
}

// overrideChanges compares the overrides of two revisions, of one flag or all. An override is known by flag and segment.
func overrideChanges(before, after []bundle.Override, flag string) []overrideChange {
	changes := []overrideChange{}
	type place struct{ flag, segment string }
	were := map[place]bundle.Override{}
	for _, o := range before {
		were[place{o.Flag, o.Segment}] = o
	}
	for _, o := range after {
		was, there := were[place{o.Flag, o.Segment}]
		delete(were, place{o.Flag, o.Segment})
		if flag != "" && o.Flag != flag || there && was == o {
			continue
		}
		changes = append(changes, overrideChange{"set", o.Flag, o.Variant, o.Segment})
	}
	for _, o := range before {
		if _, gone := were[place{o.Flag, o.Segment}]; gone && (flag == "" || o.Flag == flag) {
			changes = append(changes, overrideChange{"lifted", o.Flag, o.Variant, o.Segment})
		}
	}
	return changes
}

// maxTold is how many changes of one revision are told; show has them all.
const maxTold = 20

func (e *event) print(out io.Writer) error {
	lines := []string{fmt.Sprintf("revision %d, %s, by %s: %q", e.Revision, moment(e.PublishedAt), publish.Plain(e.Author), e.Message)}
	if e.RollbackTo > 0 {
		lines = append(lines, fmt.Sprintf("  back to the flags of revision %d", e.RollbackTo))
	}
	if e.Resigned {
		lines = append(lines, "  signed again, nothing else")
	}
	if begins := e.begins(); begins != "" {
		lines = append(lines, "  "+begins)
	}
	switch {
	case e.before == nil || e.ValidUntil.Equal(e.before.ValidUntil):
	case e.ValidUntil.IsZero():
		lines = append(lines, "  valid without end")
	default:
		lines = append(lines, "  valid until "+moment(e.ValidUntil))
	}
	if e.before != nil && e.before.Revision > 0 && e.OldestPin != e.before.OldestPin {
		lines = append(lines, "  "+pinsEnd(e.OldestPin))
	}
	if e.skips > 0 {
		lines = append(lines, fmt.Sprintf("  follows revision %d", e.skips))
	}
	for _, o := range e.Overrides {
		lines = append(lines, "  "+o.text())
	}
	for i, c := range e.Changes {
		if i == maxTold {
			lines = append(lines, fmt.Sprintf("  and %d more: burgeectl show %d lists them", len(e.Changes)-maxTold, e.Revision))
			break
		}
		lines = append(lines, "  "+c.Kind+" "+c.Flag+c.Section)
		for _, f := range c.Fields {
			lines = append(lines, "    "+f.text())
		}
	}
	for _, line := range lines {
		if _, err := fmt.Fprintln(out, indented(line)); err != nil {
			return err
		}
	}
	return nil
}

// begins says when the flags were to be served, where that is another moment than the revision before has. One that drops a moment which is
// past changes nothing.
func (e *event) begins() string {
	switch {
	case e.before == nil || e.ActivateAt.Equal(e.before.ActivateAt):
		return ""
	case !e.ActivateAt.IsZero():
		return "active from " + moment(e.ActivateAt)
	case e.before.ActivateAt.After(e.PublishedAt):
		return "active at once"
	}
	return ""
}

// indented is oneLine that keeps the spaces a line begins with.
func indented(line string) string {
	own := 0
	for own < len(line) && line[own] == ' ' {
		own++
	}
	return line[:own] + oneLine(line[own:])
}

func (o overrideChange) text() string {
	whom := "everyone"
	if o.Segment != "" {
		whom = "segment " + o.Segment
	}
	if o.Kind == "lifted" {
		return fmt.Sprintf("override lifted: %s for %s", o.Flag, whom)
	}
	return fmt.Sprintf("override: %s = %s for %s", o.Flag, cmp.Or(o.Variant, "its safe variant"), whom)
}

func (*chronicle) examples() []string {
	return []string{
		`burgeectl history`,
		`burgeectl history new_pricing --limit 5`,
		`burgeectl history --trust-key team.pub --output json`,
	}
}
