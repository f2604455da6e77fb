// Package bundle is the format in which flags travel: a small signed manifest that names a revision, and the flag document that the
// manifest vouches for by digest. Only Policy.Open, Policy.OpenPrevious and Head.Open make a Head and a Verified, so whoever is handed
// one holds bytes that passed every check. It reads bytes and gives values; it does no I/O and knows nothing of what flags mean.
package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Format is the generation of the manifest that this package reads and writes.
const Format = 1

// Manifest is the payload of a head: one revision of one environment.
type Manifest struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Revision    int64  `json:"revision"`           // grows by one with every write of the head
	Previous    Digest `json:"previous,omitempty"` // of the payload of the revision before

	// The chain: beside the payload, the bytes of the head before, whose signatures no key may be left to verify, and its number.
	PreviousHead     Digest `json:"previousHead,omitempty"`
	PreviousRevision int64  `json:"previousRevision,omitzero"`

	Bundle      Ref        `json:"bundle"`
	Ledger      Digest     `json:"ledger"`
	Overrides   []Override `json:"overrides"`
	PublishedAt time.Time  `json:"publishedAt"`
	ActivateAt  time.Time  `json:"activateAt,omitzero"` // when the flags begin to be served; one that is past, or not there, is at once
	ValidUntil  time.Time  `json:"validUntil,omitzero"`
	OldestPin   int64      `json:"oldestPin"` // pins below it no longer count
	Change      Change     `json:"change"`
	Snapshot    string     `json:"snapshot"` // the revision token that answers offer; made by Seal
	Critical    []string   `json:"critical"` // fields that a reader must know, or refuse the manifest
}

// Ref names the bundle of a revision.
type Ref struct {
	Digest        Digest `json:"digest"` // of the stored bytes
	Size          int64  `json:"size"`   // of the stored bytes
	ContentDigest Digest `json:"contentDigest"`
	Flags         int    `json:"flags"`
	PreviousFlags int    `json:"previousFlags"`
	AllowShrink   bool   `json:"allowShrink"` // the publisher meant an empty or halved bundle
}

// Override forces one flag to one variant, for everyone or for a named segment. Publishers write at most one for each flag and segment.
type Override struct {
	Flag    string    `json:"flag"`
	Variant string    `json:"variant"` // empty is the safe variant, as the flags have it that each sidecar serves
	Segment string    `json:"segment"` // a name in $evaluators; empty is everyone
	Author  string    `json:"author"`
	Message string    `json:"message"`
	At      time.Time `json:"at"`
}

// Change says who made a revision and why, with the number of flags that it touched.
type Change struct {
	Author  string `json:"author"`
	Message string `json:"message"`
	Added   int    `json:"added"`
	Changed int    `json:"changed"`
	Removed int    `json:"removed"`
}

// known lists the fields that may stand in critical: those that this version acts on.
var known = []string{
	"format", "environment", "revision", "previous", "previousHead", "previousRevision", "bundle", "ledger", "overrides", "publishedAt",
	"activateAt", "validUntil", "oldestPin", "change", "snapshot",
}

// Follow makes m the manifest after another one: whoever holds m can tell the other's bytes from all others.
func (m *Manifest) Follow(before Head) {
	m.Previous, m.PreviousHead, m.PreviousRevision = before.payload, Sum(before.raw), before.manifest.Revision
}

func decodeManifest(payload []byte) (Manifest, error) {
	var m Manifest
	if err := refuseNull(payload); err != nil {
		return m, Refuse(ReasonPayload, "read manifest: %w", err)
	}
	if err := json.Unmarshal(payload, &m); err != nil {
		return m, Refuse(ReasonPayload, "read manifest: %w", err)
	}
	if m.Format != Format {
		return m, Refuse(ReasonFormat, "manifest has format %d; this version reads %d: upgrade", m.Format, Format)
	}
	for _, field := range m.Critical {
		if !slices.Contains(known, field) {
			return m, Refuse(ReasonFormat, "manifest needs %.80q to be understood, and this version does not know it: upgrade", field)
		}
	}
	if err := m.check(); err != nil {
		return m, Refuse(ReasonPayload, "read manifest: %w", err)
	}
	return m, nil
}

// check finds values that no publisher of ours writes.
func (m *Manifest) check() error {
	switch {
	case m.Environment == "":
		return errors.New("environment is empty")
	case m.Revision < 1 || m.Revision > MaxRevision:
		return fmt.Errorf("revision %d; want 1 to %d", m.Revision, MaxRevision)
	case m.Previous != "" && !m.Previous.valid():
		return fmt.Errorf("previous %.80q is not a digest", m.Previous)
	case m.PreviousHead != "" && !m.PreviousHead.valid():
		return fmt.Errorf("previousHead %.80q is not a digest", m.PreviousHead)
	case m.PreviousRevision < 0 || m.PreviousRevision >= m.Revision:
		return fmt.Errorf("previousRevision %d; want less than revision %d", m.PreviousRevision, m.Revision)
	case !m.Ledger.valid():
		return fmt.Errorf("ledger %.80q is not a digest", m.Ledger)
	case m.PublishedAt.IsZero():
		return errors.New("publishedAt is missing")
	case m.OldestPin < 0 || m.OldestPin > m.Revision:
		return fmt.Errorf("oldestPin %d; want 0 to revision %d", m.OldestPin, m.Revision)
	case len(m.Overrides) > MaxOverrides:
		return fmt.Errorf("%d overrides; at most %d are taken", len(m.Overrides), MaxOverrides)
	}
	for i, o := range m.Overrides {
		if o.Flag == "" {
			return fmt.Errorf("overrides[%d] names no flag", i)
		}
	}
	return m.Bundle.check()
}

func (r *Ref) check() error {
	switch {
	case !r.Digest.valid():
		return fmt.Errorf("bundle.digest %.80q is not a digest", r.Digest)
	case !r.ContentDigest.valid():
		return fmt.Errorf("bundle.contentDigest %.80q is not a digest", r.ContentDigest)
	case r.Size < 1 || r.Size > MaxStored:
		return fmt.Errorf("bundle.size %d; want 1 to %d", r.Size, MaxStored)
	case r.Flags < 0 || r.PreviousFlags < 0:
		return fmt.Errorf("bundle.flags %d and previousFlags %d; want no less than 0", r.Flags, r.PreviousFlags)
	}
	return nil
}

// Shrinks tells whether the bundle is empty or lost more than half of its flags, which needs the publisher's mark.
func (r *Ref) Shrinks() bool { return r.Flags == 0 || 2*r.Flags < r.PreviousFlags }

// refuseNull finds nulls, which decoding would take for zeros. A manifest has none; what is absent is left out.
func refuseNull(payload []byte) error {
	decoder := jsontext.NewDecoder(bytes.NewReader(payload))
	for {
		switch token, err := decoder.ReadToken(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case token.Kind() == 'n':
			return fmt.Errorf("%.200q is null", decoder.StackPointer()) // its names are whatever somebody wrote
		}
	}
}
