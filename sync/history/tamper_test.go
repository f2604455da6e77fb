package history

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/publish"
)

// lived is a store with a past: publications, an override, a rollback, a rotation of keys by an overlap, numbers that were skipped, a
// renewal, and what a stopped publisher left. The key that is trusted in the end signed the last four of ten revisions.
func lived(t testing.TB) *shop {
	t.Helper()
	s := newShop(t)
	s.publish(flags{"a": 1, "b": 1, "c": 1})
	s.publish(flags{"a": 2, "b": 1, "c": 1})
	killed := publish.Overriding{Flag: "a", Variant: "off", Author: "bo", Message: "on fire"}
	if _, err := s.publisher().Override(t.Context(), killed); err != nil {
		t.Fatal(err)
	}
	s.publish(flags{"a": 2, "b": 1})
	s.publish(flags{"a": 3, "b": 1}, func(r *publish.Request) { r.StartAt = 9 })
	s.back(2)
	old := s.keys[0]
	s.keys = []bundle.PrivateKey{newKey(t), old}
	trusted := s.keys[0]
	s.keys = []bundle.PrivateKey{old, trusted}
	s.resign(publish.Resigning{})
	s.keys = []bundle.PrivateKey{trusted}
	s.resign(publish.Resigning{})
	s.publish(flags{"a": 3, "b": 1}, func(r *publish.Request) { r.ValidFor = time.Minute }) // the bundle of revision 9 again
	s.resign(publish.Resigning{ValidFor: time.Hour, Later: true})
	left, ref, err := bundle.Pack(flags{"never": 1}.document())
	if err != nil {
		t.Fatal(err)
	}
	s.Put(bundle.Key(ref.Digest), left)
	return s
}

// verify holds a store to all that there is.
func verify(t testing.TB, s *shop, objects map[string][]byte, change ...func(*Verification)) Report {
	t.Helper()
	store := bundletest.NewSource()
	for key, body := range objects {
		store.Put(key, body)
	}
	ask := Verification{Compare: holds}
	for _, c := range change {
		c(&ask)
	}
	report, err := New(store, policy(t, s.keys[0])).Verify(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	for _, digest := range bundleDigests(objects) {
		if key := bundle.Key(digest); store.Gets(key) > 1 {
			t.Errorf("%s was read %d times", key, store.Gets(key))
		}
	}
	return report
}

func bundleDigests(objects map[string][]byte) (all []bundle.Digest) {
	for key := range objects {
		if d, limit, ok := digestOf(key); ok && limit == bundle.MaxStored {
			all = append(all, d)
		}
	}
	return all
}

// holds is what somebody who understands flags says of a ledger.
func holds(s Step) error {
	want, _, err := differences(s.Before, s.After)
	if err != nil {
		return err
	}
	var got []bundle.Entry
	for _, e := range s.Ledger.Entries {
		if e.Kind != bundle.EntryOverridden && e.Kind != bundle.EntryRestored {
			got = append(got, bundle.Entry{Kind: e.Kind, Flag: e.Flag})
		}
	}
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("it tells %v; the flags show %v", got, want)
	}
	return nil
}

func TestAGoodStoreIsGood(t *testing.T) {
	s := lived(t)
	objects := s.Objects()
	report := verify(t, s, objects, func(v *Verification) { v.AtLeast = 14 })
	if len(report.Damage) != 0 || report.Revisions != 10 || report.First != 1 || report.Bundles != 4 || len(report.Spare) != 1 || report.Owed != "" {
		t.Errorf("report %+v", report)
	}
	if m := report.Head.Manifest(); m.Revision != 14 || report.Head.Chained() {
		t.Errorf("head %d, chained %v", m.Revision, report.Head.Chained())
	}
	// a publisher that is stopped right after the commit owes the copy
	delete(objects, bundle.RevisionKey(14))
	if report := verify(t, s, objects); len(report.Damage) != 0 || report.Owed != bundle.RevisionKey(14) {
		t.Errorf("without the copy of the head: %+v", report)
	}
}

// tampering is one thing that somebody did to a store, and the keys of what was touched: each must be named.
type tampering struct {
	what    string
	objects map[string][]byte
	touched []string
}

// orphaned tells whether key is a bundle or a ledger that went together with a copy of a head.
func (d tampering) orphaned(key string) bool {
	_, _, ok := digestOf(key)
	return ok && d.objects[key] == nil && slices.ContainsFunc(d.touched, func(other string) bool {
		return strings.HasPrefix(other, bundle.RevisionsPrefix)
	})
}

// tamperings are all edits, deletions, exchanges and additions of single objects.
func tamperings(s *shop) (all []tampering) {
	objects := s.Objects()
	keys := slices.Sorted(maps.Keys(objects))
	with := func(what string, changes map[string][]byte) {
		changed := maps.Clone(objects)
		for key, body := range changes {
			if body == nil {
				delete(changed, key)
			} else {
				changed[key] = body
			}
		}
		all = append(all, tampering{what, changed, slices.Sorted(maps.Keys(changes))})
	}
	for i, key := range keys {
		body := objects[key]
		for at := range 10 {
			flipped := bytes.Clone(body)
			flipped[at*len(body)/10] ^= 1 << (at % 8)
			with(fmt.Sprintf("flip a bit near %d/10 of %s", at, key), map[string][]byte{key: flipped})
		}
		with("cut "+key, map[string][]byte{key: body[:len(body)-1]})
		with("halve "+key, map[string][]byte{key: body[:len(body)/2]})
		with("empty "+key, map[string][]byte{key: {}})
		with("append to "+key, map[string][]byte{key: append(bytes.Clone(body), '\n')})
		with("delete "+key, map[string][]byte{key: nil})
		for j, other := range keys {
			if i == j || bytes.Equal(body, objects[other]) {
				continue
			}
			with("replace "+key+" by "+other, map[string][]byte{key: objects[other]})
			with("move "+other+" to "+key, map[string][]byte{key: objects[other], other: nil})
			if i < j {
				with("swap "+key+" and "+other, map[string][]byte{key: objects[other], other: body})
			}
		}
		for _, name := range []string{
			bundle.RevisionKey(6), bundle.RevisionKey(15), bundle.RevisionKey(999), "revisions/7.json", "revisions/00000001.json.bak", "manifest.json.old",
			"a", "bundles/x", bundle.Key(bundle.Sum([]byte("x"))), bundle.LedgerKey(bundle.Sum([]byte("x"))),
		} {
			with("copy "+key+" to "+name, map[string][]byte{name: body})
		}
	}
	return all
}

// TestEveryTamperingIsNamed holds row 17 of the promises: any edit, deletion, reordering or addition is found, and named.
func TestEveryTamperingIsNamed(t *testing.T) {
	s := lived(t)
	spare := verify(t, s, s.Objects()).Spare[0]
	all := tamperings(s)
	for i, done := range all {
		if i%stride != 0 {
			continue
		}
		report := verify(t, s, done.objects)
		for _, key := range done.touched {
			switch {
			case names(report, key):
			case key == report.Owed:
			case key == spare && done.objects[key] == nil: // nobody named it: that it was there is nothing that a store knows
			case done.orphaned(key): // its revision alone named it, and is lost, which is named
			default:
				t.Errorf("%s: %s is not named:\n%s", done.what, key, told(report))
			}
		}
		if len(report.Damage) == 0 && report.Owed == "" && !slices.Equal(done.touched, []string{spare}) {
			t.Errorf("%s: no damage", done.what)
		}
	}
	t.Logf("one of %d of %d tamperings", stride, len(all))
}

// What is damaged in one place does not make the rest look damaged, wherever the rest can be told.
func TestOneDamageIsOne(t *testing.T) {
	s := lived(t)
	objects := s.Objects()
	for _, key := range slices.Sorted(maps.Keys(objects)) {
		for what, body := range map[string][]byte{"gone": nil, "cut": objects[key][:len(objects[key])-1]} {
			changed := maps.Clone(objects)
			if changed[key] = body; body == nil {
				delete(changed, key)
			}
			report := verify(t, s, changed)
			want := 1
			if revision, ok := bundle.RevisionOf(key); ok && revision > 1 && revision < 12 {
				want = 2 // the next copy down has no key of today to speak for it, and the chain no longer does
			}
			if len(report.Damage) > want {
				t.Errorf("%s %s:\n%s", key, what, told(report))
			}
		}
	}
}

func names(report Report, key string) bool {
	return slices.ContainsFunc(report.Damage, func(d *Damage) bool { return d.Key == key })
}

func told(report Report) string {
	var lines []string
	for _, d := range report.Damage {
		lines = append(lines, d.Error())
	}
	return strings.Join(lines, "\n") + fmt.Sprintf("\nowed %q, spare %q", report.Owed, report.Spare)
}

// A store that was put back as a whole is only told by who remembers how far it was.
func TestAStoreThatWasPutBack(t *testing.T) {
	s := newShop(t)
	s.publish(flags{"a": 1})
	before := s.Objects()
	s.publish(flags{"a": 2})
	if report := verify(t, s, before); len(report.Damage) != 0 {
		t.Errorf("without a memory: %s", told(report))
	}
	report := verify(t, s, before, func(v *Verification) { v.AtLeast = 2 })
	if !names(report, bundle.HeadKey) {
		t.Errorf("with one: %s", told(report))
	}
	if report := verify(t, s, s.Objects(), func(v *Verification) { v.AtLeast = 2 }); len(report.Damage) != 0 {
		t.Errorf("as it is: %s", told(report))
	}
}

// Whoever holds a key can sign anything, but not a ledger that agrees with the flags when it tells something else.
func TestLedgersThatLieAreFound(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*bundle.Manifest)
		ledger func(*bundle.Ledger)
		want   string
	}{
		"another revision's":    {ledger: func(l *bundle.Ledger) { l.Revision = 1 }, want: "it is of revision 1"},
		"another environment's": {ledger: func(l *bundle.Ledger) { l.Environment = "shop/test" }, want: `"shop/test"`},
		"more than is counted": {
			ledger: func(l *bundle.Ledger) { l.Entries = []bundle.Entry{{Kind: "changed", Flag: "a"}} }, want: "0 flags added, 1 changed",
		},
		"more than there was": {
			change: func(m *bundle.Manifest) { m.Change.Changed = 1 },
			ledger: func(l *bundle.Ledger) { l.Entries = []bundle.Entry{{Kind: "changed", Flag: "a"}} }, want: "the flags show []",
		},
		"a rollback that is none": {ledger: func(l *bundle.Ledger) { l.RollbackTo = 1 }, want: "went back to revision 1, and has other flags"},
		"a rollback to nothing":   {ledger: func(l *bundle.Ledger) { l.RollbackTo = 7 }, want: "which the chain does not have"},
		"other flags": {
			change: func(m *bundle.Manifest) { m.Bundle.Size++ }, ledger: func(*bundle.Ledger) {}, want: "revision 3 says that it has",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShop(t)
			s.publish(flags{"a": 1})
			s.publish(flags{"a": 2})
			if row.change == nil {
				row.change = func(*bundle.Manifest) {}
			}
			good := s.revision(2).Head().Manifest().Bundle
			s.forge(row.change, row.ledger)
			s.forge(func(m *bundle.Manifest) { m.Bundle = good }, func(*bundle.Ledger) {}) // nothing wrong with it
			if report := verify(t, s, s.Objects()); len(report.Damage) == 0 || !strings.Contains(told(report), row.want) {
				t.Errorf("got\n%s\nwant %q", told(report), row.want)
			}
		})
	}
}

// What cannot be read is no damage.
func TestAStoreThatIsAway(t *testing.T) {
	s := lived(t)
	keys := []string{bundle.HeadKey, bundle.RevisionKey(14), bundle.RevisionKey(13), bundle.RevisionKey(1)}
	for _, key := range append(keys, slices.Sorted(maps.Keys(s.Objects()))...) {
		s.Break(func(_ context.Context, asked string) (func([]byte) []byte, error) {
			if asked == key {
				return nil, errAway
			}
			return nil, nil
		})
		if report, err := s.past().Verify(t.Context(), Verification{Compare: holds}); !errors.Is(err, errAway) || len(report.Damage) > 0 {
			t.Errorf("%s is away: %v, damage %v", key, err, report.Damage)
		}
	}
}

var errAway = errors.New("away")
