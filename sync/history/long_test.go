package history

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// long is a store of that many revisions, made without a publisher's care, which would take a minute. Three bundles take turns.
func long(t testing.TB, revisions int64) *shop {
	t.Helper()
	s := newShop(t)
	var stored [3][]byte
	var refs [3]bundle.Ref
	var documents [3][]byte
	for i := range stored {
		var err error
		documents[i] = flags{"a": i}.document()
		if stored[i], refs[i], err = bundle.Pack(documents[i]); err != nil {
			t.Fatal(err)
		}
		refs[i].Flags, refs[i].PreviousFlags = 1, 1
		s.Put(bundle.Key(refs[i].Digest), stored[i])
	}
	head, before := bundle.Head{}, []byte(nil)
	p := policy(t, s.keys...)
	for revision := int64(1); revision <= revisions; revision++ {
		turn := revision % 3
		m := bundle.Manifest{
			Environment: environment, Revision: revision, Bundle: refs[turn], PublishedAt: noon,
			Change: bundle.Change{Author: "ana", Message: fmt.Sprint("turn ", turn), Changed: 1}, OldestPin: 1,
		}
		if revision == 1 {
			m.Change.Added, m.Change.Changed = 1, 0
		} else {
			m.Follow(head)
		}
		entries, _, err := differences(before, documents[turn])
		if err != nil {
			t.Fatal(err)
		}
		ledger, digest, err := bundle.PackLedger(bundle.Ledger{Environment: environment, Revision: revision, Entries: entries})
		if err != nil {
			t.Fatal(err)
		}
		m.Ledger = digest
		raw, err := bundle.Seal(m, s.keys...)
		if err != nil {
			t.Fatal(err)
		}
		if head, err = p.Open(raw); err != nil {
			t.Fatal(err)
		}
		before = documents[turn]
		s.Put(bundle.LedgerKey(digest), ledger)
		s.Put(bundle.RevisionKey(revision), raw)
	}
	s.Put(bundle.HeadKey, head.Raw())
	return s
}

// A store of more revisions than a list has keys is looked at whole, each bundle once, and what is wrong behind the first page is found.
func TestALongPast(t *testing.T) {
	const revisions = 650
	s := long(t, revisions)
	past := s.past()
	past.page = 60
	report, err := past.Verify(t.Context(), Verification{Compare: holds})
	if err != nil || len(report.Damage) != 0 || report.Revisions != revisions || report.Bundles != 3 || len(report.Spare) != 0 {
		t.Fatalf("%v, report of %d revisions, %d bundles, damage %v, spare %v", err, report.Revisions, report.Bundles, report.Damage, report.Spare)
	}
	for _, digest := range bundleDigests(s.Objects()) {
		if got := s.Gets(bundle.Key(digest)); got != 1 {
			t.Errorf("bundle %s was read %d times", digest, got)
		}
	}
	bounded(t, s, revisions)

	s.Put(bundle.RevisionKey(revisions+1), []byte("x"))
	s.Put(bundle.RevisionKey(2), nil)
	report, err = past.Verify(t.Context(), Verification{})
	if err != nil || len(report.Damage) != 2 || !names(report, bundle.RevisionKey(2)) || !names(report, bundle.RevisionKey(revisions+1)) {
		t.Errorf("%v:\n%s", err, told(report))
	}
}

// bounded walks back and looks at the memory on the way: no revision is kept.
func bounded(t *testing.T, s *shop, revisions int) {
	t.Helper()
	head, err := s.past().Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	seen, first := 0, uint64(0)
	for _, err := range s.past().Back(t.Context(), head) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen%300 == 1 {
			runtime.GC()
			var now runtime.MemStats
			runtime.ReadMemStats(&now)
			if first == 0 {
				first = now.HeapAlloc
			} else if now.HeapAlloc > first+1<<20 {
				t.Errorf("%d bytes more after %d revisions", now.HeapAlloc-first, seen)
			}
		}
	}
	if seen != revisions {
		t.Errorf("%d revisions back", seen)
	}
}
