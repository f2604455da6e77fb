package publish

import (
	"bytes"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// verifyChain checks all that a whole store promises, and gives the manifests from the first revision to the head.
func verifyChain(t *testing.T, f *fake, policy bundle.Policy) []bundle.Manifest {
	t.Helper()
	objects := f.snapshot()
	raw, ok := objects[bundle.HeadKey]
	if !ok {
		t.Fatal("the store has no head")
	}
	var chain []bundle.Manifest
	head, err := policy.Open(raw)
	for {
		if err != nil {
			t.Fatalf("a head in the chain: %v", err)
		}
		m := head.Manifest()
		verifyRevision(t, objects, head)
		chain = append([]bundle.Manifest{m}, chain...)
		if m.Previous == "" {
			break
		}
		if want := below(objects, m.Revision); m.PreviousRevision != want || m.PreviousHead == "" {
			t.Fatalf("revision %d says that it follows %d, head %q; want %d and a digest", m.Revision, m.PreviousRevision, m.PreviousHead, want)
		}
		head, err = policy.OpenPrevious(head, objects[bundle.RevisionKey(m.Before())])
	}
	if m := chain[0]; m.OldestPin != m.Revision || m.Bundle.PreviousFlags != 0 {
		t.Errorf("the first revision %d has oldestPin %d and %d previous flags", m.Revision, m.OldestPin, m.Bundle.PreviousFlags)
	}
	return chain
}

// below is the newest revision under another, of those that have a copy: some may have been skipped.
func below(objects map[string][]byte, revision int64) int64 {
	for revision--; revision > 0 && objects[bundle.RevisionKey(revision)] == nil; revision-- {
		continue
	}
	return revision
}

func verifyRevision(t *testing.T, objects map[string][]byte, head bundle.Head) {
	t.Helper()
	m := head.Manifest()
	if !bytes.Equal(objects[bundle.RevisionKey(m.Revision)], head.Raw()) {
		t.Errorf("%s is not the copy of revision %d", bundle.RevisionKey(m.Revision), m.Revision)
	}
	if _, err := head.Open(objects[bundle.Key(m.Bundle.Digest)]); err != nil {
		t.Errorf("bundle of revision %d: %v", m.Revision, err)
	}
	ledger, err := bundle.OpenLedger(objects[bundle.LedgerKey(m.Ledger)], m.Ledger)
	if err != nil {
		t.Errorf("ledger of revision %d: %v", m.Revision, err)
	}
	if ledger.Revision != m.Revision || ledger.Environment != m.Environment {
		t.Errorf("ledger of revision %d is of revision %d of %q", m.Revision, ledger.Revision, ledger.Environment)
	}
	if got := bundle.Count(ledger.Entries); got.Added != m.Change.Added || got.Changed != m.Change.Changed || got.Removed != m.Change.Removed {
		t.Errorf("ledger of revision %d counts %+v; the manifest says %+v", m.Revision, got, m.Change)
	}
}
