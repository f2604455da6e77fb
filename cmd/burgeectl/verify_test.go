package main

import (
	"strings"
	"testing"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/history"
	"github.com/burgeehq/burgee/sync/publish"
)

const (
	flagOff = `{"flags": {"a": {"state": "ENABLED", "variants": {"on": "\u0041/", "off": "<"}, "defaultVariant": "off"}}}`
	flagOn  = `{"flags": {"a": {"state": "ENABLED", "variants": {"on": "\u0041/", "off": "<"}, "defaultVariant": "on"}}, "$evaluators": {"s": {"==": [1.0, 1]}}}`
)

// TestLedgerCheck holds ledgers against documents: what compare wrote, through a ledger and back, and lies of every kind.
func TestLedgerCheck(t *testing.T) {
	for _, row := range []struct {
		name  string
		spoil func(*history.Step)
		want  string // "" is nothing wrong
	}{
		{"as it is", func(*history.Step) {}, ""},
		{"nothing told", func(s *history.Step) { s.Ledger.Entries = nil }, "it does not tell that $evaluators.s was added"},
		{"another kind", func(s *history.Step) { s.Ledger.Entries[1].Kind = "removed" }, "it tells that flags.a was removed; the flags show that it was changed"},
		{"another value before", func(s *history.Step) { s.Ledger.Entries[1].Before = []byte(`{}`) }, "it tells another change of flags.a"},
		{"another value after", func(s *history.Step) { s.Ledger.Entries[1].After = s.Ledger.Entries[1].Before }, "it tells another change of flags.a"},
		{"digits count", func(s *history.Step) { s.Ledger.Entries[0].After = []byte(`{"==":[1,1]}`) }, "it tells another change of $evaluators.s"},
		{"more than there was", func(s *history.Step) {
			s.Ledger.Entries = append(s.Ledger.Entries, bundle.Entry{Kind: "added", Flag: "b", After: []byte("{}")})
		}, "it tells that flags.b was added; the flags show no change of it"},
		{"overrides are no business of flags", func(s *history.Step) {
			s.Ledger.Entries = append(s.Ledger.Entries, bundle.Entry{Kind: "overridden", Flag: "a"})
		}, ""},
		{"no flags", func(s *history.Step) { s.After = []byte(`{`) }, "the flags of revision 0 cannot be read"},
		{"no flags before", func(s *history.Step) { s.Before = []byte(`{`) }, "the flags before revision 0 cannot be read"},
		{"the first", func(s *history.Step) { s.Before = nil }, "it tells that flags.a was changed; the flags show that it was added"},
	} {
		told, err := compare(publish.Step{Before: []byte(flagOff), After: []byte(flagOn)})
		if err != nil {
			t.Fatal(err)
		}
		stored, digest, err := bundle.PackLedger(bundle.Ledger{Entries: told.Entries})
		if err != nil {
			t.Fatal(err)
		}
		step := history.Step{Before: []byte(flagOff), After: []byte(flagOn)}
		if step.Ledger, err = bundle.OpenLedger(stored, digest); err != nil {
			t.Fatal(err)
		}
		row.spoil(&step)
		err = (&ledgerCheck{}).changes(step)
		if (err == nil) != (row.want == "") || err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v; want %q", row.name, err, row.want)
		}
	}
}

// A head that announces another number of flags than its document has is one that every sidecar refuses.
func TestLedgerCheckCountsFlags(t *testing.T) {
	parsed, err := eval.Parse([]byte(flagOff), eval.LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	err = (&ledgerCheck{}).check(history.Step{Before: []byte(flagOff), After: []byte(flagOff)})
	if err == nil || !strings.Contains(err.Error(), "says that it has 0 flags; it has 1") || parsed.Flags() != 1 {
		t.Errorf("%v", err)
	}
}
