package bundle

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
