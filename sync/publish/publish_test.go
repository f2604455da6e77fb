package publish

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

func TestRevisionsFollowEachOther(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b")
	mustPublish(t, p, "two", "a", "b", "c")
	result := mustPublish(t, p, "three", "a", "c", "d")
	chain := verifyChain(t, f, k.policy(t))
	if got := messages(chain); got != "one two three" {
		t.Errorf("chain %q", got)
	}
	m := result.Head.Manifest()
	if want := (bundle.Change{Author: "ana", Message: "three", Added: 1, Changed: 1, Removed: 1}); m.Change != want {
		t.Errorf("change %+v; want %+v", m.Change, want)
	}
	if m.Bundle.Flags != 3 || m.Bundle.PreviousFlags != 3 || m.OldestPin != 1 || !m.PublishedAt.Equal(noon) || !m.ValidUntil.IsZero() {
		t.Errorf("manifest %+v", m)
	}
}

func TestTombstonesStay(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b", "c")
	mustPublish(t, p, "two", "a", "b")
	m := mustPublish(t, p, "three", "a").Head.Manifest()
	ledger, err := bundle.OpenLedger(f.snapshot()[bundle.LedgerKey(m.Ledger)], m.Ledger)
	want := []bundle.Retired{{Flag: "c", Type: "boolean", Revision: 2}, {Flag: "b", Type: "boolean", Revision: 3}}
	for i := range ledger.Retired {
		ledger.Retired[i].Variants = nil
	}
	if err != nil || !reflect.DeepEqual(ledger.Retired, want) {
		t.Errorf("tombstones %+v (%v); want %+v", ledger.Retired, err, want)
	}
}

func TestSameFlagsWriteNothing(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	first := mustPublish(t, p, "one", "a")
	before := f.snapshot()
	again := mustPublish(t, p, "two", "a")
	if again.Outcome != Unchanged || !bytes.Equal(again.Head.Raw(), first.Head.Raw()) {
		t.Errorf("outcome %s, revision %d", again.Outcome, again.Head.Manifest().Revision)
	}
	if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
		t.Error("publishing the same flags wrote something")
	}
}

func TestSameFlagsAreWrittenWhereSomethingElseDiffers(t *testing.T) {
	f, k, second := newFake(), newKey(t), newKey(t)
	first := mustPublish(t, newPublisher(t, k.config(f)), "one", "a").Head.Manifest()
	both := k.config(f)
	both.Keys = append(both.Keys, second.private)
	for i, step := range []struct {
		name   string
		config Config
		ask    func(*Request)
	}{
		{"an end", k.config(f), func(r *Request) { r.ValidFor = time.Hour }},
		{"another signature", both, func(*Request) {}},
		{"a higher revision", both, func(r *Request) { r.StartAt = 4 }},
	} {
		r := request(document("a"), step.name)
		step.ask(&r)
		got, err := newPublisher(t, step.config).Publish(context.Background(), r)
		if err != nil || got.Outcome != Published || !got.Same {
			t.Fatalf("%s: %s, same %v (%v)", step.name, got.Outcome, got.Same, err)
		}
		m := got.Head.Manifest()
		if m.Revision != int64(i+2) || m.Bundle.Digest != first.Bundle.Digest || m.Change.Message != step.name {
			t.Errorf("%s: manifest %+v", step.name, m)
		}
	}
	if got := mustPublish(t, newPublisher(t, both), "again", "a"); got.Outcome != Unchanged {
		t.Errorf("what every key has signed: %s", got.Outcome)
	}
	verifyChain(t, f, k.policy(t))
}

func TestSameEmptyFlagsKeepTheirMark(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	r := request(document(), "none")
	r.AllowShrink = true
	if _, err := p.Publish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	r.AllowShrink, r.ValidFor = false, time.Hour
	if got, err := p.Publish(context.Background(), r); err != nil || !got.Head.Manifest().Bundle.AllowShrink {
		t.Errorf("no flags again: %v", err)
	}
}

func TestDryRunWritesNothing(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	plan := func(names ...string) Result {
		t.Helper()
		r := request(document(names...), "plan")
		r.DryRun = true
		before := f.snapshot()
		result, err := p.Publish(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
			t.Error("a dry run wrote something")
		}
		return result
	}
	if got := plan("a"); got.Outcome != Planned || got.Head.Manifest().Revision != 1 {
		t.Errorf("empty store: %s revision %d", got.Outcome, got.Head.Manifest().Revision)
	}
	mustPublish(t, p, "one", "a")
	delete(f.objects, bundle.RevisionKey(1)) // the copy that it must not complete
	if got := plan("a", "b"); got.Outcome != Planned || got.Head.Manifest().Revision != 2 || len(got.Entries) != 1 {
		t.Errorf("second: %s revision %d, %d changes", got.Outcome, got.Head.Manifest().Revision, len(got.Entries))
	}
	if got := plan("a"); got.Outcome != Unchanged {
		t.Errorf("same flags: %s", got.Outcome)
	}
}

func TestOverridesAndOldestPinAreKept(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	head := mustPublish(t, p, "one", "a")
	m := head.Head.Manifest()
	m.Overrides = []bundle.Override{{Flag: "a", Variant: "off", Author: "bo", Message: "on fire", At: noon}}
	replaceHead(t, f, m, k)
	result := mustPublish(t, p, "two", "a", "b")
	if got := result.Head.Manifest(); !reflect.DeepEqual(got.Overrides, m.Overrides) || got.OldestPin != 1 {
		t.Errorf("overrides %+v, oldestPin %d", got.Overrides, got.OldestPin)
	}
}

// replaceHead seals m as the head and its copy, as another verb would.
func replaceHead(t *testing.T, f *fake, m bundle.Manifest, k key) {
	t.Helper()
	raw, err := bundle.Seal(m, k.private)
	if err != nil {
		t.Fatal(err)
	}
	f.objects[bundle.HeadKey], f.objects[bundle.RevisionKey(m.Revision)] = raw, raw
}

func TestValidFor(t *testing.T) {
	f, k := newFake(), newKey(t)
	r := request(document("a"), "one")
	r.ValidFor = time.Hour
	result, err := newPublisher(t, k.config(f)).Publish(context.Background(), r)
	if err != nil || !result.Head.Manifest().ValidUntil.Equal(noon.Add(time.Hour)) {
		t.Errorf("valid until %v (%v)", result.Head.Manifest().ValidUntil, err)
	}
}

func TestShrinkMarkIsSetOnlyWhereItIsNeeded(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	r := request(document("a", "b", "c", "d"), "one")
	r.AllowShrink = true
	if got, err := p.Publish(context.Background(), r); err != nil || got.Head.Manifest().Bundle.AllowShrink {
		t.Errorf("a bundle that does not shrink is marked (%v)", err)
	}
	r.Document = document("a")
	if got, err := p.Publish(context.Background(), r); err != nil || !got.Head.Manifest().Bundle.AllowShrink {
		t.Errorf("a bundle that shrinks is not marked (%v)", err)
	}
	r.Document = document()
	if got, err := p.Publish(context.Background(), r); err != nil || !got.Head.Manifest().Bundle.AllowShrink {
		t.Errorf("an empty bundle is not marked (%v)", err)
	}
}

func TestStartAt(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	mustPublish(t, p, "two", "b")
	delete(f.objects, bundle.HeadKey)
	r := request(document("c"), "again")
	r.StartAt = 3
	if _, err := p.Publish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if chain := verifyChain(t, f, k.policy(t)); messages(chain) != "one two again" || chain[2].Revision != 3 {
		t.Errorf("chain %+v; want what begins anew to take the past along", chain)
	}
}

// A store that lost its head begins anew also where its newest copy is nothing to believe; then it leaves the past behind.
func TestStartAtBehindADamagedCopy(t *testing.T) {
	for name, spoil := range map[string]func(f *fake, body []byte){
		"cut":        func(f *fake, body []byte) { f.put(bundle.RevisionKey(2), body[:len(body)-9]) },
		"of another": func(f *fake, _ []byte) { f.put(bundle.RevisionKey(2), f.objects[bundle.RevisionKey(1)]) },
		"of a stranger": func(f *fake, body []byte) {
			head, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open(body)
			if err != nil {
				t.Fatal(err)
			}
			raw, err := bundle.Seal(head.Manifest(), newKey(t).private)
			if err != nil {
				t.Fatal(err)
			}
			f.put(bundle.RevisionKey(2), raw)
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			p := newPublisher(t, k.config(f))
			mustPublish(t, p, "one", "a")
			mustPublish(t, p, "two", "b")
			delete(f.objects, bundle.HeadKey)
			spoil(f, f.objects[bundle.RevisionKey(2)])
			r := request(document("c"), "again")
			r.StartAt = 3
			if _, err := p.Publish(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if chain := verifyChain(t, f, k.policy(t)); messages(chain) != "again" {
				t.Errorf("chain %+v", chain)
			}
		})
	}
}

// A store may hold more copies than one list has keys.
func TestStartAtLooksBehindTheFirstPage(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	for revision := int64(2); revision <= listed+5; revision++ {
		f.put(bundle.RevisionKey(revision), []byte("a copy"))
	}
	r := request(document("a", "b"), "ahead")
	r.StartAt = listed + 9
	if _, err := p.Publish(context.Background(), r); !rule(RuleHistory, "revisions/00010005.json is there already")(err) {
		t.Errorf("a head that was put back: %v", err)
	}
	f.put(bundle.HeadKey, nil)
	refusal := (*Refusal)(nil)
	if _, err := p.Publish(context.Background(), request(document("a"), "anew")); !errors.As(err, &refusal) || refusal.Revision != listed+6 {
		t.Errorf("no head: %v; want a refusal that names revision %d", err, listed+6)
	}
}

func TestStartAtAboveTheHead(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b")
	m := mustPublish(t, p, "two", "a").Head.Manifest()
	m.Overrides = []bundle.Override{{Flag: "a", Variant: "off", Author: "bo", Message: "on fire", At: noon}}
	replaceHead(t, f, m, k)
	ask := func(revision int64) (Result, error) {
		r := request(document("a", "c"), "ahead")
		r.StartAt = revision
		return p.Publish(context.Background(), r)
	}
	got, err := ask(7)
	if err != nil {
		t.Fatal(err)
	}
	if now := got.Head.Manifest(); now.Revision != 7 || !reflect.DeepEqual(now.Overrides, m.Overrides) || now.Change.Added != 1 {
		t.Errorf("manifest %+v", now)
	}
	ledger, err := bundle.OpenLedger(f.snapshot()[bundle.LedgerKey(got.Head.Manifest().Ledger)], got.Head.Manifest().Ledger)
	if err != nil || len(ledger.Retired) != 1 {
		t.Errorf("tombstones %+v (%v)", ledger.Retired, err)
	}
	mustPublish(t, p, "eight", "a")
	if chain := verifyChain(t, f, k.policy(t)); len(chain) != 4 || chain[3].Revision != 8 {
		t.Errorf("chain %+v", chain)
	}
	f.put(bundle.HeadKey, f.snapshot()[bundle.RevisionKey(2)])
	if _, err := ask(9); !rule(RuleHistory, "revisions/00000008.json is there already")(err) {
		t.Errorf("a head that was put back across what was skipped: %v", err)
	}
}

func TestKeysRotateByOverlap(t *testing.T) {
	f, old, young := newFake(), newKey(t), newKey(t)
	mustPublish(t, newPublisher(t, old.config(f)), "old", "a")
	c := young.config(f)
	if _, err := newPublisher(t, c).Publish(context.Background(), request(document("b"), "no")); bundle.ReasonOf(err) != bundle.ReasonSignature {
		t.Fatalf("a head of an unknown key: %v", err)
	}
	c.TrustKeys, c.Keys = []bundle.PublicKey{old.public}, []bundle.PrivateKey{young.private, old.private}
	mustPublish(t, newPublisher(t, c), "both", "b")
	mustPublish(t, newPublisher(t, young.config(f)), "young", "c")
}

func TestWhatIsWrittenSatisfiesTheTrustKeysAlone(t *testing.T) {
	f, old, young := newFake(), newKey(t), newKey(t)
	c := young.config(f)
	c.TrustKeys = []bundle.PublicKey{old.public}
	refused := func() {
		t.Helper()
		before := f.snapshot()
		if _, err := newPublisher(t, c).Publish(context.Background(), request(document("b"), "no")); !rule(RuleKeys, "0 of the 1 trust keys")(err) {
			t.Errorf("a head that no trust key verifies: %v", err)
		}
		if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
			t.Error("something was written")
		}
	}
	refused()
	mustPublish(t, newPublisher(t, old.config(f)), "old", "a")
	refused()
	c.TrustKeys = append(c.TrustKeys, young.public)
	mustPublish(t, newPublisher(t, c), "young", "b")
}

func TestThresholdHoldsForWhatIsWritten(t *testing.T) {
	f, a, b := newFake(), newKey(t), newKey(t)
	c := a.config(f)
	c.TrustKeys, c.Threshold = []bundle.PublicKey{a.public, b.public}, 2
	if _, err := newPublisher(t, c).Publish(context.Background(), request(document("a"), "one")); !rule(RuleKeys, "1 of the 2 trust keys")(err) {
		t.Errorf("one signature where two are needed: %v", err)
	}
	if len(f.objects) != 0 {
		t.Error("something was written")
	}
	c.Keys = append(c.Keys, b.private)
	mustPublish(t, newPublisher(t, c), "one", "a")
}

func TestSigningCanBegin(t *testing.T) {
	f, k := newFake(), newKey(t)
	c := Config{Store: f, Environment: environment, AllowUnsigned: true}
	mustPublish(t, newPublisher(t, c), "unsigned", "a")
	if _, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document("b"), "no")); bundle.ReasonOf(err) != bundle.ReasonUnsigned {
		t.Fatalf("an unsigned head: %v", err)
	}
	c.Keys = []bundle.PrivateKey{k.private}
	mustPublish(t, newPublisher(t, c), "signed", "b")
	mustPublish(t, newPublisher(t, k.config(f)), "signed again", "c")
}

func TestNewRefuses(t *testing.T) {
	f, k := newFake(), newKey(t)
	for name, change := range map[string]func(*Config){
		"no store":            func(c *Config) { c.Store = nil },
		"no environment":      func(c *Config) { c.Environment = "" },
		"no key":              func(c *Config) { c.Keys = nil },
		"an empty key":        func(c *Config) { c.Keys = []bundle.PrivateKey{{}} },
		"contradiction":       func(c *Config) { c.AllowUnsigned, c.TrustKeys = true, []bundle.PublicKey{k.public} },
		"threshold too great": func(c *Config) { c.Threshold = 2 },
		"threshold that trust keys alone cannot meet": func(c *Config) {
			c.Threshold, c.TrustKeys = 2, []bundle.PublicKey{newKey(t).public}
		},
	} {
		c := k.config(f)
		change(&c)
		if _, err := New(c); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestRequestIsChecked(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	for name, change := range map[string]func(*Request){
		"no compare":     func(r *Request) { r.Compare = nil },
		"no author":      func(r *Request) { r.Author = "" },
		"no message":     func(r *Request) { r.Message = "" },
		"ends before":    func(r *Request) { r.ValidFor = -1 },
		"starts below 1": func(r *Request) { r.StartAt = -1 },
	} {
		r := request(document("a"), "one")
		change(&r)
		if _, err := p.Publish(context.Background(), r); err == nil || f.calls != 0 {
			t.Errorf("%s: error %v after %d calls", name, err, f.calls)
		}
	}
}
