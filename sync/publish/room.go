package publish

import (
	"errors"
	"sort"

	"github.com/burgeehq/burgee/sync/bundle"
)

// The room that a head has for the names in its overrides, in bytes: for each of 32 there are freeNames, whatever the others have. Longer
// names are taken as well, until those of all together, and freeNames for each override that is still to come, need more than maxNames.
const (
	freeNames = 64
	maxNames  = bundle.MaxOverrides * 75
)

// checkRoom refuses an override, the last of those that would stand, whose names would take the room of the kills to come.
func checkRoom(overrides []bundle.Override) error {
	own := overrides[len(overrides)-1].Names()
	need := (bundle.MaxOverrides - len(overrides)) * freeNames
	for _, o := range overrides {
		need += o.Names()
	}
	if need > maxNames && own > freeNames {
		return refuse(RuleLimit, "flag, variant and segment have %d bytes; beside the overrides that stand %d are taken",
			own, max(freeNames, maxNames-(need-own)))
	}
	return nil
}

// sealShort seals a manifest that is too long with the texts of its overrides shortened as little as it takes, the longest first: what
// others have said must not keep anybody from a kill. Ledgers have these texts whole.
func (p *Publisher) sealShort(m bundle.Manifest) (raw []byte, err error) {
	whole, longest := m.Overrides, 0
	for _, o := range whole {
		longest = max(longest, len(o.Author), len(o.Message))
	}
	try := func(less int) bool {
		m.Overrides = make([]bundle.Override, len(whole))
		for i, o := range whole {
			m.Overrides[i] = o.Shortened(longest - less)
		}
		raw, err = bundle.Seal(m, p.keys...)
		return !errors.Is(err, bundle.ErrTooLong)
	}
	try(sort.Search(longest, try)) // the last that was tried need not be the one that was found
	return raw, err
}
