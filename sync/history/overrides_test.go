package history

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// Whoever holds a key can sign any overrides, but not with a ledger that tells of others.
func TestLedgersThatLieAboutOverridesAreFound(t *testing.T) {
	stands := bundle.Override{Flag: "a", Author: "bo", Message: "on fire", At: noon}
	other := bundle.Override{Flag: "a", Variant: "on", Author: "bo", Message: "on", At: noon}
	long := bundle.Override{Flag: "b", Author: "bo", Message: strings.Repeat("why ", 250), At: noon}
	text := func(o bundle.Override) []byte {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	came := func(o bundle.Override) bundle.Entry {
		return bundle.Entry{Kind: bundle.EntryOverridden, Flag: o.Flag, After: text(o)}
	}
	for name, row := range map[string]struct {
		after   []bundle.Override
		entries []bundle.Entry
		want    string // "" where all is well
	}{
		"untold":            {[]bundle.Override{stands, long}, nil, `does not tell that "b" was overridden`},
		"told as another":   {[]bundle.Override{other}, []bundle.Entry{{Kind: bundle.EntryRestored, Flag: "a", Before: text(stands)}, came(stands)}, `does not tell that "a" was overridden`},
		"taken away":        {nil, nil, `does not tell that an override of "a" was lifted`},
		"not there":         {[]bundle.Override{stands}, []bundle.Entry{{Kind: bundle.EntryRestored, Flag: "a", Before: text(other)}}, `"a" that was lifted, and that was not there`},
		"in no one's place": {[]bundle.Override{stands, long}, []bundle.Entry{{Kind: bundle.EntryOverridden, Flag: "b", Before: text(long), After: text(long)}}, "was not there"},
		"of another flag":   {[]bundle.Override{stands, long}, []bundle.Entry{{Kind: bundle.EntryOverridden, Flag: "c", After: text(long)}}, `with the name of "c"`},
		"of nothing":        {[]bundle.Override{stands}, []bundle.Entry{{Kind: bundle.EntryOverridden, Flag: "b"}}, `which override of "b" it means`},
		"told, but not so":  {[]bundle.Override{stands}, []bundle.Entry{came(long)}, `override of "b" was lifted`},
		"other words":       {[]bundle.Override{stands, {Flag: "b", Author: "bo", Message: "else", At: noon}}, []bundle.Entry{came(long)}, `does not tell that "b" was overridden`},

		"told":      {[]bundle.Override{stands, long}, []bundle.Entry{came(long)}, ""},
		"shortened": {[]bundle.Override{stands.Shortened(4), long.Shortened(90)}, []bundle.Entry{came(long)}, ""},
		"replaced":  {[]bundle.Override{other}, []bundle.Entry{{Kind: bundle.EntryOverridden, Flag: "a", Before: text(stands), After: text(other)}}, ""},
		"restored":  {nil, []bundle.Entry{{Kind: bundle.EntryRestored, Flag: "a", Before: text(stands)}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.publish(flags{"a": 1})
			if _, err := s.publisher().Override(t.Context(), publish.Overriding{Flag: "a", Author: "bo", Message: "on fire"}); err != nil {
				t.Fatal(err)
			}
			s.forge(func(m *bundle.Manifest) { m.Overrides = append([]bundle.Override{}, row.after...) }, func(l *bundle.Ledger) { l.Entries = row.entries })
			report := verify(t, s, s.Objects())
			switch got := told(report); {
			case row.want == "" && len(report.Damage) > 0:
				t.Errorf("damage %s", got)
			case !strings.Contains(got, row.want):
				t.Errorf("got %q; want %q", got, row.want)
			}
		})
	}
}
