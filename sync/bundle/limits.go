package bundle

import "time"

// What a loader takes, in bytes, counts and ratios. The limits on what is inside a document are eval's.
const (
	MaxManifest   = 16 << 10 // bytes of a signed manifest
	MaxDocument   = 4 << 20  // bytes of a flag document, unpacked
	MaxStored     = MaxDocument + 64<<10
	MaxLedger     = 16 << 20 // bytes of a ledger, unpacked
	MaxRatio      = 50       // unpacked bytes for each stored one
	MaxOverrides  = 32
	MaxSignatures = 16
	MaxJump       = 1_000_000 // revisions that a head may be past a known one, so that a key misused once cannot use up all the numbers
	MaxRevision   = 1<<53 - 1 // the largest whole number that every JSON reader keeps
)

// ClockSlack is how far two honest clocks may be apart. Who publishes and who serves have to take it for the same: a moment that is past by
// more is past on every clock that a sidecar believes.
const ClockSlack = 5 * time.Minute
