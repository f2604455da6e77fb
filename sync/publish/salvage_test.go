package publish

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// lostHead is a store of two revisions, a tombstone and a kill, that lost its head.
func lostHead(t *testing.T) (*fake, key, *Publisher) {
	t.Helper()
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b", "c", "d", "e")
	mustPublish(t, p, "two", "a", "b", "c", "d")
	mustOverride(t, p, killing("a", "on fire"))
	delete(f.objects, bundle.HeadKey)
	return f, k, p
}

func startingAt(revision int64, names ...string) Request {
	r := request(document(names...), "again")
	r.StartAt = revision
	return r
}

// A store that lost its head goes on from its newest copy as if that were the head.
func TestStartAtTakesThePastAlong(t *testing.T) {
	f, k, p := lostHead(t)
	if _, err := p.Publish(context.Background(), startingAt(4, "a")); !rule(RuleShrink, "falls from 4 to 1")(err) {
		t.Errorf("shrunk: %v", err)
	}
	result, err := p.Publish(context.Background(), startingAt(4, "a", "b", "c"))
	if err != nil || result.Lost != nil {
		t.Fatal(err, result.Lost)
	}
	m := result.Head.Manifest()
	ledger := ledgerOf(t, f, m)
	if forcedBy(m) != "a=" || m.OldestPin != 1 || m.Bundle.PreviousFlags != 4 || m.Change.Removed != 1 || m.Change.Added != 0 || len(ledger.Retired) != 2 || ledger.Anew {
		t.Errorf("manifest %+v, ledger %+v", m, ledger)
	}
	verifyChain(t, f, k.policy(t))
}

// What is damaged as well does not keep a store from beginning, and is named.
func TestStartAtNamesWhatIsLost(t *testing.T) {
	drop := func(prefix string) func(*fake) {
		return func(f *fake) {
			maps.DeleteFunc(f.objects, func(key string, _ []byte) bool { return strings.HasPrefix(key, prefix) })
		}
	}
	for name, row := range map[string]struct {
		damage  func(*fake)
		lost    string
		forced  string
		retired int
		anew    bool
	}{
		"no bundle": {drop("bundles/"), "names bundles/", "a=", 1, true},
		"no ledger": {drop("ledgers/"), "tombstones of revision 3", "a=", 0, false},
		"no copy":   {func(f *fake) { f.objects[bundle.RevisionKey(3)] = []byte("rotten") }, "revisions/00000003.json, with overrides", "", 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			f, _, p := lostHead(t)
			row.damage(f)
			result, err := p.Publish(context.Background(), startingAt(4, "a", "b", "c", "d"))
			if err != nil {
				t.Fatal(err)
			}
			m := result.Head.Manifest()
			ledger := ledgerOf(t, f, m)
			if got := fmt.Sprint(result.Lost); len(result.Lost) != 1 || !strings.Contains(got, row.lost) {
				t.Errorf("lost %s; want %q", got, row.lost)
			}
			if forcedBy(m) != row.forced || len(ledger.Retired) != row.retired || ledger.Anew != row.anew || ledger.RetiredFrom != "" {
				t.Errorf("overrides %q, ledger %+v", forcedBy(m), ledger)
			}
			mustPublish(t, p, "on", "a", "b", "c")
		})
	}
	f, _, p := lostHead(t)
	f.plan = func(_ int, op, key string) fault {
		if op == "get" && key == bundle.RevisionKey(3) {
			return forbidden
		}
		return none
	}
	if _, err := p.Publish(context.Background(), startingAt(4, "a", "b", "c", "d")); err == nil {
		t.Error("a copy that did not answer was taken for a damaged one")
	}
}

// Going back works over whatever is damaged beside the head, loses no tombstone and no mark, and keeps the end.
func TestARollbackStandsOverADamagedStore(t *testing.T) {
	for name, damage := range map[string]func(f *fake, m bundle.Manifest){
		"no bundle":        func(f *fake, m bundle.Manifest) { delete(f.objects, bundle.Key(m.Bundle.Digest)) },
		"a rotten bundle":  func(f *fake, m bundle.Manifest) { f.objects[bundle.Key(m.Bundle.Digest)] = []byte("rotten") },
		"no ledger":        func(f *fake, m bundle.Manifest) { delete(f.objects, bundle.LedgerKey(m.Ledger)) },
		"a rotten copy":    func(f *fake, _ bundle.Manifest) { f.objects[bundle.RevisionKey(3)] = []byte("rotten") },
		"flags unreadable": nil,
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			p := newPublisher(t, k.config(f))
			mustPublish(t, p, "one", "a", "z")
			first := revisionOf(t, f, k, 1)
			mustPublish(t, p, "two", "a")
			r := request(document("a", "b", "c", "d", "e"), "three")
			r.ValidFor = time.Hour
			head, err := p.Publish(context.Background(), r)
			if err != nil {
				t.Fatal(err)
			}
			whole := f.snapshot()
			back := rollback(first)
			if damage != nil {
				damage(f, head.Head.Manifest())
			} else {
				back.Compare = func(s Step) (Comparison, error) {
					if s.Before != nil {
						return Comparison{}, fmt.Errorf("%w: too deep", ErrBefore)
					}
					return compare(s)
				}
			}
			if _, err := p.Publish(context.Background(), back); !rule(RuleShrink, "falls from 5 to 2")(err) {
				t.Errorf("without the mark: %v", err)
			}
			back.AllowShrink = true
			result, err := p.Publish(context.Background(), back)
			if err != nil {
				t.Fatal(err)
			}
			m := result.Head.Manifest()
			if len(result.Lost) != 1 || m.Bundle.PreviousFlags != 5 || !m.Bundle.AllowShrink || !m.ValidUntil.Equal(noon.Add(time.Hour)) || !result.Ended.IsZero() {
				t.Errorf("lost %v, manifest %+v", result.Lost, m)
			}
			maps.Copy(f.objects, backup(whole))
			ended := mustPublish(t, p, "five", "a")
			var gone []string
			for _, r := range ledgerOf(t, f, ended.Head.Manifest()).Retired {
				gone = append(gone, r.Flag)
			}
			if got := strings.Join(gone, " "); !strings.Contains(got, "z") || name == "no ledger" && got != "z b c d e z" {
				t.Errorf("tombstones %q", got)
			}
			if !ended.Ended.Equal(noon.Add(time.Hour)) {
				t.Errorf("an end was dropped, and not named: %v", ended.Ended)
			}
		})
	}
}
