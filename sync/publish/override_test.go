package publish

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

func killing(flag, message string) Overriding {
	return Overriding{Flag: flag, Author: "bo", Message: message}
}

func mustOverride(t *testing.T, p *Publisher, o Overriding) Overridden {
	t.Helper()
	done, err := p.Override(context.Background(), o)
	if err != nil {
		t.Fatalf("override %s: %v", o.Flag, err)
	}
	return done
}

func mustRestore(t *testing.T, p *Publisher, r Restoring) Overridden {
	t.Helper()
	done, err := p.Restore(context.Background(), r)
	if err != nil {
		t.Fatalf("restore %s: %v", r.Flag, err)
	}
	return done
}

// forcedBy lists overrides as flag=variant@segment, or flag= for the safe variant.
func forcedBy(m bundle.Manifest) string {
	var all []string
	for _, o := range m.Overrides {
		text := o.Flag + "=" + o.Variant
		if o.Segment != "" {
			text += "@" + o.Segment
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

// spied is a fake that notes which bundles are asked for or written.
func spied(f *fake) *[]string {
	var touched []string
	f.plan = func(_ int, op, key string) fault {
		if strings.HasPrefix(key, "bundles/") {
			touched = append(touched, op+" "+key)
		}
		return none
	}
	return &touched
}

// A kill differs from the revision before in its number, its time, its author and its overrides, and in nothing else; its ledger says what
// came, and keeps the tombstones; and the bundle is not so much as asked for.
func TestOverrideChangesTheOverridesAlone(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	r := request(document("a", "b", "c"), "one")
	r.ValidFor = time.Hour
	if _, err := p.Publish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	r.Document, r.AllowShrink = document("a"), true
	before, err := p.Publish(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	touched := spied(f)
	done := mustOverride(t, p, killing("a", "on fire"))
	if len(*touched) > 0 {
		t.Errorf("a kill has to do with no bundle; it did %v", *touched)
	}
	got, want := done.Head.Manifest(), before.Head.Manifest()
	forced := bundle.Override{Flag: "a", Author: "bo", Message: "on fire", At: noon}
	want.Revision, want.Snapshot, want.Ledger = 3, got.Snapshot, got.Ledger
	want.Follow(before.Head)
	want.Change, want.Overrides = bundle.Change{Author: "bo", Message: "on fire"}, []bundle.Override{forced}
	want.Bundle.PreviousFlags, want.Bundle.AllowShrink = 1, false // the step before shrank; this one does not
	if !reflect.DeepEqual(got, want) {
		t.Errorf("manifest %+v\nwant %+v", got, want)
	}
	if done.Outcome != Published || !done.Same || !reflect.DeepEqual(done.Came, []bundle.Override{forced}) || done.Went != nil || done.Damage != nil {
		t.Errorf("result %+v", done)
	}
	ledger := ledgerOf(t, f, got)
	if len(ledger.Retired) != 2 || ledger.RetiredFrom != "" || len(ledger.Entries) != 1 {
		t.Fatalf("ledger %+v; want both tombstones and one entry", ledger)
	}
	e := ledger.Entries[0]
	if e.Kind != bundle.EntryOverridden || e.Flag != "a" || e.Before != nil || string(e.After) != string(asJSON(t, forced)) {
		t.Errorf("entry %+v", e)
	}
	verifyChain(t, f, k.policy(t))
}

func asJSON(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func ledgerOf(t *testing.T, f *fake, m bundle.Manifest) bundle.Ledger {
	t.Helper()
	ledger, err := bundle.OpenLedger(f.snapshot()[bundle.LedgerKey(m.Ledger)], m.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	return ledger
}

// The life of some overrides: each has the key of flag and segment, later publications keep them, and only a restoration lifts them.
func TestOverridesComeStayAndGo(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b")
	mustOverride(t, p, killing("a", "kill a"))
	for _, row := range []struct {
		what   string
		do     func() Overridden
		stands string
		came   string
		went   string
		kinds  string
	}{
		{"the same again", func() Overridden { return mustOverride(t, p, killing("a", "again")) }, "a=", "a=", "", ""},
		{"another variant takes its place", func() Overridden {
			return mustOverride(t, p, Overriding{Flag: "a", Variant: "on", Author: "cy", Message: "on"})
		}, "a=on", "a=on", "a=", "overridden"},
		{"a segment is another key", func() Overridden {
			return mustOverride(t, p, Overriding{Flag: "a", Variant: "off", Segment: "staff", Author: "cy", Message: "staff"})
		}, "a=on a=off@staff", "a=off@staff", "", "overridden"},
		{"another flag", func() Overridden { return mustOverride(t, p, killing("b", "b too")) }, "a=on a=off@staff b=", "b=", "", "overridden"},
		{"one segment is restored", func() Overridden {
			return mustRestore(t, p, Restoring{Flag: "a", Segment: "staff", Author: "cy", Message: "m"})
		}, "a=on b=", "", "a=off@staff", "restored"},
		{"and forced again", func() Overridden {
			return mustOverride(t, p, Overriding{Flag: "a", Segment: "staff", Author: "cy", Message: "staff"})
		}, "a=on b= a=@staff", "a=@staff", "", "overridden"},
		{"all of a flag's are restored", func() Overridden { return mustRestore(t, p, Restoring{Flag: "a", Author: "cy", Message: "m"}) }, "b=", "", "a=on a=@staff", "restored restored"},
		{"the last", func() Overridden { return mustRestore(t, p, Restoring{Flag: "b", Author: "cy", Message: "m"}) }, "", "", "b=", "restored"},
	} {
		before := f.snapshot()
		done := row.do()
		m := done.Head.Manifest()
		if got := forcedBy(m); got != row.stands {
			t.Errorf("%s: %q stands; want %q", row.what, got, row.stands)
		}
		came, went := forcedBy(bundle.Manifest{Overrides: done.Came}), forcedBy(bundle.Manifest{Overrides: done.Went})
		if came != row.came || went != row.went {
			t.Errorf("%s: came %q, went %q; want %q and %q", row.what, came, went, row.came, row.went)
		}
		var kinds []string
		for _, e := range done.Entries {
			kinds = append(kinds, e.Kind)
		}
		if got := strings.Join(kinds, " "); got != row.kinds {
			t.Errorf("%s: entries %q; want %q", row.what, got, row.kinds)
		}
		if row.kinds == "" && (done.Outcome != Unchanged || !maps.EqualFunc(before, f.snapshot(), bytes.Equal) || done.Came[0].Message != "kill a") {
			t.Errorf("%s: %+v; want it unchanged, as it was made", row.what, done)
		}
		if row.kinds != "" {
			kept := mustPublish(t, p, row.what, "a", "b", fmt.Sprintf("f%d", m.Revision))
			if got := forcedBy(kept.Head.Manifest()); got != row.stands {
				t.Errorf("%s: a publication leaves %q; want %q", row.what, got, row.stands)
			}
		}
	}
	verifyChain(t, f, k.policy(t))
}

// A kill works over whatever is wrong with the store beside its head, says what that is, and loses no tombstone by it.
func TestAKillStandsOverADamagedStore(t *testing.T) {
	drop := func(prefix string) func(*fake) {
		return func(f *fake) {
			maps.DeleteFunc(f.objects, func(key string, _ []byte) bool { return strings.HasPrefix(key, prefix) })
		}
	}
	spoil := func(prefix string) func(*fake) {
		return func(f *fake) {
			for key := range f.objects {
				if strings.HasPrefix(key, prefix) {
					f.objects[key] = []byte("rotten")
				}
			}
		}
	}
	for name, row := range map[string]struct {
		damage func(*fake)
		said   int
	}{
		"no bundle":       {drop("bundles/"), 0},
		"a rotten bundle": {spoil("bundles/"), 0},
		"no ledger":       {drop("ledgers/"), 1},
		"rotten ledgers":  {spoil("ledgers/"), 1},
		"no copies":       {drop("revisions/"), 0},
		"rotten copies":   {spoil("revisions/"), 1},
		"nothing at all":  {func(f *fake) { drop("b")(f); drop("l")(f); drop("r")(f) }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			p := newPublisher(t, k.config(f))
			mustPublish(t, p, "one", "a", "b", "c")
			mustPublish(t, p, "two", "a", "b")
			whole := f.snapshot()
			row.damage(f)
			for i, flag := range []string{"a", "b", "x"} {
				done := mustOverride(t, p, killing(flag, "on fire"))
				if len(done.Head.Manifest().Overrides) != i+1 || i == 0 && len(done.Damage) != row.said {
					t.Errorf("kill of %s: %+v; want it told of %d damages", flag, done, row.said)
				}
			}
			maps.Copy(f.objects, backup(whole))
			last := mustPublish(t, p, "three", "a")
			ledger := ledgerOf(t, f, last.Head.Manifest())
			names := []string{}
			for _, r := range ledger.Retired {
				names = append(names, r.Flag)
			}
			if got := strings.Join(names, " "); got != "c b" || ledger.RetiredFrom != "" {
				t.Errorf("tombstones %q, from %q; want those of all the flags that went", got, ledger.RetiredFrom)
			}
			if forced := forcedBy(last.Head.Manifest()); forced != "a= b= x=" {
				t.Errorf("overrides %q after a publication", forced)
			}
		})
	}
}

// backup is what people put back: all but the head, which has gone on.
func backup(objects map[string][]byte) map[string][]byte {
	back := maps.Clone(objects)
	delete(back, bundle.HeadKey)
	return back
}

// While the tombstones cannot be read, publishing is refused rather than done without them.
func TestTombstonesThatCannotBeReadAreMissed(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b", "c")
	mustPublish(t, p, "two", "a", "b")
	maps.DeleteFunc(f.objects, func(key string, _ []byte) bool { return strings.HasPrefix(key, "ledgers/") })
	mustOverride(t, p, killing("a", "on fire"))
	_, err := p.Publish(context.Background(), request(document("a"), "three"))
	if !rule(RuleDamaged, "ledgers/")(err) {
		t.Errorf("published over tombstones that nobody can read: %v", err)
	}
}

// A bundle that sidecars refuse for the flags that it lost is not made good by a kill over it.
func TestAKillMakesNoBundleGood(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", many(10)...)
	m := mustPublish(t, p, "two", many(9)...).Head.Manifest()
	m.Bundle.PreviousFlags = 100
	replaceHead(t, f, m, k)
	for _, flag := range []string{"a", "b"} {
		if got := mustOverride(t, p, killing(flag, "on fire")).Head.Manifest().Bundle; got != m.Bundle {
			t.Errorf("bundle %+v after a kill of %s; want %+v, which is refused", got, flag, m.Bundle)
		}
	}
}

func TestOverrideRefuses(t *testing.T) {
	full := func(t *testing.T, f *fake, k key) {
		t.Helper()
		p := newPublisher(t, k.config(f))
		for i := range bundle.MaxOverrides {
			mustOverride(t, p, killing(fmt.Sprintf("flag-%d", i), "m"))
		}
	}
	nothing := func(*testing.T, *fake, key) {}
	for name, row := range map[string]struct {
		spoil func(t *testing.T, f *fake, k key)
		o     Overriding
		want  func(error) bool
	}{
		"no flag":    {nothing, Overriding{Author: "bo", Message: "m"}, anyError},
		"no author":  {nothing, Overriding{Flag: "a", Message: "m"}, anyError},
		"no message": {nothing, Overriding{Flag: "a", Author: "bo"}, anyError},
		"no head": {
			func(_ *testing.T, f *fake, _ key) { clear(f.objects) }, killing("a", "m"),
			func(err error) bool { return errors.Is(err, object.ErrNotFound) },
		},
		"a stranger's head": {
			func(t *testing.T, f *fake, _ key) {
				clear(f.objects)
				mustPublish(t, newPublisher(t, newKey(t).config(f)), "theirs", "a")
			}, killing("a", "m"),
			func(err error) bool { return bundle.ReasonOf(err) == bundle.ReasonSignature },
		},
		"a head that was put back": {
			func(t *testing.T, f *fake, k key) { putBack(t, f, k.config(f)) }, killing("a", "m"),
			rule(RuleHistory, "revisions/00000002.json is there already"),
		},
		"one more than a head holds": {full, killing("one-more", "m"), rule(RuleLimit, "there are 32 overrides, and no head holds more: flag-0, flag-1,")},
		"more than a head's bytes":   {nothing, killing("a", strings.Repeat("x", bundle.MaxManifest)), rule(RuleLimit, "the manifest is too long")},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			mustPublish(t, newPublisher(t, k.config(f)), "one", "a")
			row.spoil(t, f, k)
			before := f.snapshot()
			if _, err := newPublisher(t, k.config(f)).Override(context.Background(), row.o); err == nil || !row.want(err) {
				t.Errorf("error %v", err)
			}
			if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
				t.Error("something was written")
			}
		})
	}
}

// A head that is full takes another variant for a flag that it forces already, and what is not forced cannot be restored.
func TestAFullHead(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	for i := range bundle.MaxOverrides {
		mustOverride(t, p, killing(fmt.Sprintf("flag-%d", i), strings.Repeat("why ", 50)))
	}
	mustOverride(t, p, Overriding{Flag: "flag-0", Variant: "on", Author: "bo", Message: "m"})
	mustPublish(t, p, "two", "a", "b") // nor do overrides that fill a head stand in the way of flags
	var missing *NotOverridden
	if _, err := p.Restore(context.Background(), Restoring{Flag: "flag-0", Segment: "staff", Author: "bo", Message: "m"}); !errors.As(err, &missing) || len(missing.Standing) != bundle.MaxOverrides {
		t.Errorf("restored what is not overridden: %v", err)
	}
	mustRestore(t, p, Restoring{Flag: "flag-31", Author: "bo", Message: "m"})
	mustOverride(t, p, killing("one-more", "m"))
}

func TestOverrideDryRunWritesNothing(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	delete(f.objects, bundle.RevisionKey(1)) // the copy that it must not complete
	before := f.snapshot()
	o := killing("a", "on fire")
	o.DryRun = true
	if done := mustOverride(t, p, o); done.Outcome != Planned || done.Head.Manifest().Revision != 2 || forcedBy(done.Head.Manifest()) != "a=" {
		t.Errorf("%+v", done)
	}
	if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
		t.Error("a dry run wrote something")
	}
	if done := mustOverride(t, p, killing("a", "on fire")); done.Outcome != Published || f.snapshot()[bundle.RevisionKey(1)] == nil {
		t.Errorf("%s; want the copy that was owed completed", done.Outcome)
	}
	if got := messages(verifyChain(t, f, k.policy(t))); got != "one on fire" {
		t.Errorf("chain %q", got)
	}
}

// Whoever may write an object, and cannot sign, keeps nobody from the next revision: what lies under its name is passed over, and told.
func TestNamesThatAreTakenArePassedOver(t *testing.T) {
	k, f := newKey(t), newFake()
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "first", many(3)...)
	for revision, junk := range map[int64]string{2: "junk", 3: `{"payloadType":"x"}`} {
		if _, err := f.Create(context.Background(), bundle.RevisionKey(revision), []byte(junk)); err != nil {
			t.Fatal(err)
		}
	}
	done := mustOverride(t, p, killing("a", "on fire"))
	if m := done.Head.Manifest(); m.Revision != 4 || m.PreviousRevision != 1 || len(done.Damage) != 2 {
		t.Errorf("revision %d after %d, damage %v; want 4 after 1, and both names told", m.Revision, m.PreviousRevision, done.Damage)
	}
	if _, err := f.Create(context.Background(), bundle.RevisionKey(5), []byte("junk")); err != nil {
		t.Fatal(err)
	}
	result, err := p.Publish(context.Background(), request(document(many(4)...), "second"))
	if err != nil || result.Head.Manifest().Revision != 6 || len(result.Lost) != 1 {
		t.Errorf("%v, revision %d, lost %v; want 6, and one told", err, result.Head.Manifest().Revision, result.Lost)
	}
}

// A signed store takes no revision that is not signed: its sidecars would refuse it, and every publisher after it.
func TestASignedStoreStaysSigned(t *testing.T) {
	k, f := newKey(t), newFake()
	mustPublish(t, newPublisher(t, k.config(f)), "first", many(3)...)
	p := newPublisher(t, Config{Store: f, Environment: k.config(f).Environment, AllowUnsigned: true})
	_, published := p.Publish(context.Background(), request(document(many(4)...), "second"))
	_, killed := p.Override(context.Background(), killing("a", "on fire"))
	for _, err := range []error{published, killed} {
		if refusal := (*Refusal)(nil); !errors.As(err, &refusal) || refusal.Rule != RuleUnsigned {
			t.Errorf("%v; want a refusal", err)
		}
	}
}

// An override that stands is signed anew by whoever has not signed the head: their sidecars have not taken it up. Nothing else changes.
func TestAnOverrideThatStandsIsSignedAnew(t *testing.T) {
	f, first, second := newFake(), newKey(t), newKey(t)
	both := func(k key) *Publisher {
		c := k.config(f)
		c.TrustKeys = []bundle.PublicKey{first.public, second.public}
		return newPublisher(t, c)
	}
	mustPublish(t, both(first), "one", "a")
	for range 2 {
		mustOverride(t, both(first), killing("a", "on fire"))
	}
	done := mustOverride(t, both(second), killing("a", "again"))
	got, want := done.Head.Manifest(), killing("a", "on fire")
	if got.Revision != 3 || done.Outcome != Published || len(done.Entries) != 0 || done.Came[0].Message != want.Message || done.Went != nil || len(got.Overrides) != 1 {
		t.Errorf("%+v of %+v; want the override as it was, in revision 3", done, got)
	}
	if _, err := second.policy(t).Open(f.snapshot()[bundle.HeadKey]); err != nil {
		t.Errorf("who trusts the second key alone: %v", err)
	}
	if done := mustOverride(t, both(second), killing("a", "again")); done.Outcome != Unchanged {
		t.Errorf("once more: %+v", done)
	}
	mustRestore(t, both(second), Restoring{Flag: "a", Author: "bo", Message: "over"})
	for i, k := range []key{first, second} {
		_, err := both(k).Restore(context.Background(), Restoring{Flag: "a", Author: "bo", Message: "over"})
		if missing := (*NotOverridden)(nil); !errors.As(err, &missing) || missing.Foreign != (i == 0) {
			t.Errorf("restored already: %v %+v", err, missing)
		}
	}
}
