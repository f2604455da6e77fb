package publish

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Overriding forces a flag to a variant, for everyone or for a segment.
type Overriding struct {
	Flag            string // required
	Variant         string // empty is the safe variant
	Segment         string // empty is everyone
	Author, Message string // who does it, and why; both required

	DryRun bool // find out everything, write nothing
}

// Restoring lifts a flag's overrides.
type Restoring struct {
	Flag            string // required
	Segment         string // whose override is lifted; empty lifts all of the flag's
	Author, Message string // who does it, and why; both required

	DryRun bool // find out everything, write nothing
}

// Overridden is what Override and Restore did.
type Overridden struct {
	Result
	Came   []bundle.Override // what was asked for, as it stands now; none where overrides were lifted
	Went   []bundle.Override // what stood before, and does no more
	Damage []error           // what is wrong with the store beside the head, and was left so
}

// NotOverridden says that there is nothing to restore.
type NotOverridden struct {
	Flag, Segment string
	Standing      []bundle.Override // all that there are
	Foreign       bool              // the head lacks the signature of one of the publisher's keys
}

func (n *NotOverridden) Error() string {
	if n.Segment != "" {
		return fmt.Sprintf("flag %s is not overridden for segment %s", Plain(n.Flag), Plain(n.Segment))
	}
	return fmt.Sprintf("flag %s is not overridden", Plain(n.Flag))
}

// Override makes the next revision over the head's bundle with one override more, or with another in place of one for the same flag and
// segment. The bundle is not read, so that nothing that is wrong with it stands in the way, and neither do tombstones that cannot be read:
// the new ledger says where they are. An override that stands already makes a revision only where one of the keys has not signed the head:
// sidecars that trust that key alone have not taken it up. Whoever moves the head meanwhile is no conflict, unless they change the overrides of the same flag.
// Errors are those of Publish, and one about a store without a head, where there is nothing to force.
func (p *Publisher) Override(ctx context.Context, o Overriding) (Overridden, error) {
	return p.changeOverrides(ctx, change{o.Flag, o.Author, o.Message, o.DryRun, func(standing []bundle.Override, at time.Time) (step, error) {
		return force(standing, bundle.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment, Author: o.Author, Message: o.Message, At: at})
	}})
}

// Restore is Override for lifting them. A *NotOverridden says that there are none.
func (p *Publisher) Restore(ctx context.Context, r Restoring) (Overridden, error) {
	return p.changeOverrides(ctx, change{r.Flag, r.Author, r.Message, r.DryRun, func(standing []bundle.Override, _ time.Time) (step, error) {
		return lift(standing, r.Flag, r.Segment)
	}})
}

// change is what is asked of a head's overrides.
type change struct {
	flag, author, message string
	dryRun                bool
	from                  func(standing []bundle.Override, at time.Time) (step, error)
}

func (c *change) check() error {
	switch {
	case c.flag == "":
		return errors.New("publish: Flag is required")
	case c.author == "" || c.message == "":
		return errors.New("publish: Author and Message are required")
	}
	return nil
}

// step is what a change comes to over the overrides that stand.
type step struct {
	next, came, went []bundle.Override
	entries          []bundle.Entry // none where all is as it was asked for
}

func force(standing []bundle.Override, o bundle.Override) (step, error) {
	s := step{came: []bundle.Override{o}}
	for _, other := range standing {
		switch {
		case other.Flag != o.Flag || other.Segment != o.Segment:
			s.next = append(s.next, other)
		case other.Variant == o.Variant:
			return step{next: standing, came: []bundle.Override{other}}, nil
		default:
			s.went = append(s.went, other)
		}
	}
	if s.next = append(s.next, o); len(s.next) > bundle.MaxOverrides {
		return step{}, refuse(RuleLimit, "there are %d overrides, and no head holds more: %s", len(standing), flagsOf(standing))
	}
	if err := checkRoom(s.next); err != nil {
		return step{}, err
	}
	entry := bundle.Entry{Kind: bundle.EntryOverridden, Flag: o.Flag, After: inJSON(o)}
	for _, other := range s.went {
		entry.Before = inJSON(other)
	}
	s.entries = []bundle.Entry{entry}
	return s, nil
}

func lift(standing []bundle.Override, flag, segment string) (step, error) {
	s := step{next: []bundle.Override{}}
	for _, o := range standing {
		if o.Flag != flag || segment != "" && o.Segment != segment {
			s.next = append(s.next, o)
			continue
		}
		s.went = append(s.went, o)
		s.entries = append(s.entries, bundle.Entry{Kind: bundle.EntryRestored, Flag: flag, Before: inJSON(o)})
	}
	if len(s.went) == 0 {
		return step{}, &NotOverridden{Flag: flag, Segment: segment, Standing: standing}
	}
	return s, nil
}

// flagsOf lists flags for people; one that has several overrides stands once.
func flagsOf(overrides []bundle.Override) string {
	var flags []string
	for _, o := range overrides {
		if name := Plain(o.Flag); !slices.Contains(flags, name) {
			flags = append(flags, name)
		}
	}
	return strings.Join(flags, ", ")
}

func inJSON(o bundle.Override) jsontext.Value {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // texts and a time: there is nothing in it that JSON cannot say
	}
	return text
}

// of gives the overrides of one flag.
func of(flag string, overrides []bundle.Override) []bundle.Override {
	var its []bundle.Override
	for _, o := range overrides {
		if o.Flag == flag {
			its = append(its, o)
		}
	}
	slices.SortFunc(its, func(a, b bundle.Override) int { return cmp.Compare(a.Segment, b.Segment) })
	return its
}

func same(a, b []bundle.Override) bool { return slices.EqualFunc(a, b, bundle.Override.Same) }
