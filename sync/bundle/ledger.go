package bundle

import (
	"fmt"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Ledger is one revision's change in full, and what must be remembered of flags that are gone.
type Ledger struct {
	Format      int       `json:"format"`
	Environment string    `json:"environment"`
	Revision    int64     `json:"revision"`
	Entries     []Entry   `json:"entries"`
	Retired     []Retired `json:"retired"`
	RollbackTo  int64     `json:"rollbackTo,omitzero"` // the revision whose bundle this one went back to

	// Anew says that the flags of the revision before could not be read, so that entries tell of all flags as added.
	Anew bool `json:"anew,omitzero"`

	// RetiredFrom names the ledger whose tombstones belong here too and are not repeated: it could not be read when this one was written.
	RetiredFrom Digest `json:"retiredFrom,omitempty"`
}

// Kinds of entries. Those of overrides have the override as it was and is; the others have a place of the document.
const (
	EntryAdded      = "added"
	EntryChanged    = "changed"
	EntryRemoved    = "removed"
	EntryOverridden = "overridden" // an override of the flag came, or took the place of one
	EntryRestored   = "restored"   // an override of the flag went
)

// Entry is one change: of a place of the document, which is a flag, or where Flag is empty a section such as "$evaluators.staff"; or of
// an override.
type Entry struct {
	Kind    string         `json:"kind"`
	Flag    string         `json:"flag,omitempty"`
	Section string         `json:"section,omitempty"`
	Before  jsontext.Value `json:"before,omitempty"`
	After   jsontext.Value `json:"after,omitempty"`
}

// Count is how many flags entries touch, as a manifest tells it. Sections are no flags.
func Count(entries []Entry) Change {
	var c Change
	for _, e := range entries {
		switch {
		case e.Flag == "":
		case e.Kind == EntryAdded:
			c.Added++
		case e.Kind == EntryRemoved:
			c.Removed++
		case e.Kind == EntryChanged: // overrides change no flag
			c.Changed++
		}
	}
	return c
}

// Retired is the tombstone of a flag: its key must not come back with another meaning.
type Retired struct {
	Flag     string   `json:"flag"`
	Type     string   `json:"type"`
	Variants []string `json:"variants"`
	Revision int64    `json:"revision"` // the one that removed it
}

// PackLedger compresses a ledger into what a store holds.
func PackLedger(l Ledger) (stored []byte, digest Digest, err error) {
	l.Format = Format
	data, err := json.Marshal(l)
	if err != nil {
		return nil, "", fmt.Errorf("encode ledger: %w", err)
	}
	if len(data) > MaxLedger {
		return nil, "", fmt.Errorf("encode ledger: %d bytes; at most %d are taken: publish the change in parts", len(data), MaxLedger)
	}
	if stored, err = compress(data); err != nil {
		return nil, "", err
	}
	return stored, Sum(stored), nil
}

// OpenLedger verifies the stored bytes of a ledger against the digest that a manifest names. The error is a *Refusal.
func OpenLedger(stored []byte, want Digest) (Ledger, error) {
	var l Ledger
	if got := Sum(stored); got != want {
		return l, Refuse(ReasonDigest, "ledger has digest %s; the manifest says %s", got, want)
	}
	data, err := decompress(stored, MaxLedger)
	if err != nil {
		return l, err
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return l, Refuse(ReasonPayload, "read ledger: %w", err)
	}
	return l, nil
}
