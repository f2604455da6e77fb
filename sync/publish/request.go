package publish

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Request is one publication.
type Request struct {
	Document        []byte                         // the flags: a JSON document that Compare has the last word on
	Author, Message string                         // who publishes, and why; both required
	Compare         func(Step) (Comparison, error) // required; its error stops the publication and is given back as it is

	// From goes back to a revision of this store: Document is its document, its bundle is used as it is stored, and the ledger says so.
	// Whatever is damaged beside the head does not stop it.
	From bundle.Verified

	ValidFor    time.Duration // how long the revision is valid; 0 means without end, or with From the end that the head has
	Settle      time.Duration // how long sidecars have to fetch the revision before they all begin to serve it; 0 means as soon as each has it
	OldestPin   int64         // snapshots below this revision no longer count; 0 means as the head has it
	StartAt     int64         // the revision to write, of a store that lost its head or stands behind its sidecars; 0 means that the store decides
	AllowShrink bool          // the document may be empty, or hold less than half of the flags before
	AllowGrowth bool          // the document may more than double
	DryRun      bool          // find out everything, write nothing
}

// Step is what a publication goes from and to.
type Step struct {
	Revision      int64            // the one to be written
	Before, After []byte           // the documents; Before is nil where there was none
	Retired       []bundle.Retired // the tombstones so far
	Overrides     []bundle.Override
}

// ErrBefore is what Compare wraps where it cannot read Step.Before.
var ErrBefore = errors.New("read the flags before")

// Comparison is what only somebody who understands flags can say of a Step.
type Comparison struct {
	Flags   int              // in the new document
	Entries []bundle.Entry   // every change
	Retired []bundle.Retired // the tombstones from now on: those so far, and those of flags that go
}

// Outcome is how a publication ended.
type Outcome string

// The outcomes.
const (
	Published Outcome = "published"
	Planned   Outcome = "planned"   // a dry run: nothing was written
	Unchanged Outcome = "unchanged" // the head is all that was asked for: there was nothing to write
)

// Result is what Publish did.
type Result struct {
	Outcome Outcome
	Head    bundle.Head    // the revision that now stands, or would
	Entries []bundle.Entry // what it changes
	Same    bool           // it has the flags of the head before
	Lost    []error        // what of the revision before is damaged, and could not be taken along
	Ended   time.Time      // the end that the revision before had, where this one has none
	CopyErr error          // why its copy under revisions/ is not there yet; whoever publishes next writes it
}

func (r *Request) check() error {
	switch {
	case r.Compare == nil:
		return errors.New("publish: Compare is required")
	case r.Author == "" || r.Message == "":
		return errors.New("publish: Author and Message are required")
	case r.From.Document() != nil && !bytes.Equal(r.From.Document(), r.Document):
		return errors.New("publish: Document is not that of From")
	case r.ValidFor < 0:
		return errors.New("publish: ValidFor is negative")
	case r.Settle != 0 && (r.Settle < MinSettle || r.Settle > MaxSettle):
		return fmt.Errorf("publish: Settle is %s; want %s to %s", r.Settle, MinSettle, MaxSettle)
	case r.OldestPin < 0:
		return errors.New("publish: OldestPin is no revision")
	case r.StartAt < 0 || r.StartAt > bundle.MaxRevision:
		return errors.New("publish: StartAt is no revision")
	}
	return nil
}
