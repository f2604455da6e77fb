package publish

import (
	"fmt"
	"strconv"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Rule is what a publication would have broken.
type Rule string

// The rules.
const (
	RuleShrink   Rule = "shrink"   // empty, or less than half of the flags before
	RuleGrowth   Rule = "growth"   // more than twice the bytes before
	RuleLimit    Rule = "limit"    // nearer than a fifth to what a loader takes
	RuleUnsigned Rule = "unsigned" // what is signed stays so
	RuleKeys     Rule = "keys"     // whoever trusts the trust keys believes what is written
	RuleNoHead   Rule = "no-head"  // a store with revisions but no head needs a place to start
	RuleHasHead  Rule = "has-head" // a store with a head goes on above it
	RuleStart    Rule = "start"    // a store starts above every revision that it holds
	RuleJump     Rule = "jump"     // sidecars follow from one revision to the next
	RuleEarlier  Rule = "earlier"  // a renewal makes the end later
	RuleSettle   Rule = "settle"   // a revision becomes active before its end
	RulePin      Rule = "pin"      // the oldest pin only rises, up to the revision that is written
	RuleDamaged  Rule = "damaged"  // what a head names is there
	RuleHistory  Rule = "history"  // what is written once never changes, and the head is the newest of it
)

// Refusal is an error that names the rule. Whatever is refused has not moved the head.
type Refusal struct {
	Rule     Rule
	Revision int64 // for RuleNoHead, RuleHasHead, RuleStart and RuleJump: the lowest one that may be started at, 0 where that is not known
	Err      error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

func refuse(rule Rule, format string, args ...any) error {
	return &Refusal{Rule: rule, Err: fmt.Errorf(format, args...)}
}

// Conflict says that somebody else moved the head first.
type Conflict struct {
	Revision int64       // the one that was not written
	Head     bundle.Head // what stands instead; its zero value where that does not verify
	Err      error       // why it does not, or nil
	Flag     string      // whose overrides both wanted to change; "" where it was the flags
}

func (c *Conflict) Error() string {
	if c.Err != nil {
		return fmt.Sprintf("revision %d not published: the head changed meanwhile, and what stands there now does not verify: %v", c.Revision, c.Err)
	}
	m := c.Head.Manifest()
	what := ""
	if c.Flag != "" {
		what = fmt.Sprintf(", which touches the overrides of %s too,", Plain(c.Flag))
	}
	return fmt.Sprintf("revision %d not published: %s published revision %d%s at %s: %q",
		c.Revision, Plain(m.Change.Author), m.Revision, what, m.PublishedAt.Format("2006-01-02T15:04:05Z07:00"), m.Change.Message)
}

func (c *Conflict) Unwrap() error { return c.Err }

// Plain quotes a name that would say more than itself: it comes from a store, and may hold lines of its own.
func Plain(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}

// Unknown says that a store neither answered the write of a head nor shows what came of it. Reading the head later tells.
type Unknown struct {
	Revision    int64
	Write, Read error
}

func (u *Unknown) Error() string {
	return fmt.Sprintf("revision %d may or may not be published: %v; looking for it: %v", u.Revision, u.Write, u.Read)
}

func (u *Unknown) Unwrap() []error { return []error{u.Write, u.Read} }
