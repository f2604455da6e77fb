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
	"github.com/burgeehq/burgee/sync/object"
)

func resign(t *testing.T, p *Publisher, change ...func(*Resigning)) Result {
	t.Helper()
	r := Resigning{Author: "bo", Message: "resign"}
	for _, c := range change {
		c(&r)
	}
	result, err := p.Resign(context.Background(), r)
	if err != nil {
		t.Fatalf("resign: %v", err)
	}
	return result
}

// A resigned revision differs from the one before in its number, its time, who made it and who signed it, and in nothing else.
func TestResignChangesTheSignersAlone(t *testing.T) {
	f, old, young := newFake(), newKey(t), newKey(t)
	r := request(document("a", "b", "c"), "one")
	r.ValidFor = time.Hour
	p := newPublisher(t, old.config(f))
	if _, err := p.Publish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	r.Document, r.AllowShrink = document("a"), true
	before, err := p.Publish(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	m := before.Head.Manifest()
	m.Overrides = []bundle.Override{{Flag: "a", Variant: "off", Author: "bo", Message: "on fire", At: noon}}
	m.ActivateAt = noon.Add(time.Minute)
	replaceHead(t, f, m, old)

	c := young.config(f)
	c.TrustKeys, c.Now = []bundle.PublicKey{old.public, young.public}, func() time.Time { return noon.Add(time.Minute) }
	result := resign(t, newPublisher(t, c))
	got := result.Head.Manifest()
	want := m
	want.Revision, want.Snapshot, want.Ledger = 3, got.Snapshot, got.Ledger
	want.Previous, want.PreviousHead, want.PreviousRevision = got.Previous, got.PreviousHead, 2
	want.PublishedAt, want.Change = noon.Add(time.Minute), bundle.Change{Author: "bo", Message: "resign"}
	want.Bundle.PreviousFlags, want.Bundle.AllowShrink = 1, false // the step before shrank; this one does not
	if !reflect.DeepEqual(got, want) {
		t.Errorf("manifest %+v\nwant %+v", got, want)
	}
	if signers := result.Head.Signers(); len(signers) != 1 || signers[0] != young.public.ID {
		t.Errorf("signed by %v; want the new key alone", signers)
	}
	if chain := verifyChain(t, f, c.policyOf(t)); messages(chain) != "one one resign" {
		t.Errorf("chain %q", messages(chain))
	}
	ledger, err := bundle.OpenLedger(f.snapshot()[bundle.LedgerKey(got.Ledger)], got.Ledger)
	if err != nil || len(ledger.Retired) != 2 || len(ledger.Entries) != 0 {
		t.Errorf("ledger %+v (%v); want both tombstones and no entry", ledger, err)
	}
}

func (c Config) policyOf(t *testing.T) bundle.Policy {
	t.Helper()
	trust, err := bundle.NewTrust(c.TrustKeys, 1)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Policy{Trust: trust, Environment: environment}
}

func TestResignTakesAnotherEnd(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	if got := resign(t, p, func(r *Resigning) { r.ValidFor = time.Hour }).Head.Manifest().ValidUntil; !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("valid until %v", got)
	}
	if got := resign(t, p).Head.Manifest().ValidUntil; !got.Equal(noon.Add(time.Hour)) {
		t.Errorf("resigned again, valid until %v; want the same end", got)
	}
}

// Neither flags that a newer rule would refuse, nor an empty bundle, keep a key from being taken out of use.
func TestResignDoesNotLookAtTheFlags(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	r := request([]byte(`{}`), "none")
	r.AllowShrink = true
	if _, err := p.Publish(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if got := resign(t, p).Head.Manifest().Bundle; !got.AllowShrink || got.Flags != 0 {
		t.Errorf("bundle %+v; want an empty one with its mark", got)
	}
}

func TestResignRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(t *testing.T, f *fake, c *Config, r *Resigning)
		want  func(error) bool
	}{
		"no author":  {func(_ *testing.T, _ *fake, _ *Config, r *Resigning) { r.Author = "" }, anyError},
		"no message": {func(_ *testing.T, _ *fake, _ *Config, r *Resigning) { r.Message = "" }, anyError},
		"no end":     {func(_ *testing.T, _ *fake, _ *Config, r *Resigning) { r.ValidFor = -1 }, anyError},
		"no head": {
			func(_ *testing.T, f *fake, _ *Config, _ *Resigning) { clear(f.objects) },
			func(err error) bool { return errors.Is(err, object.ErrNotFound) },
		},
		"a head of a stranger": {
			func(t *testing.T, _ *fake, c *Config, _ *Resigning) { c.Keys = []bundle.PrivateKey{newKey(t).private} },
			func(err error) bool { return bundle.ReasonOf(err) == bundle.ReasonSignature },
		},
		"what the trust keys would refuse": {
			func(t *testing.T, _ *fake, c *Config, _ *Resigning) {
				c.TrustKeys = []bundle.PublicKey{newKey(t).public}
			},
			rule(RuleKeys, "0 of the 1 trust keys"),
		},
		"a bundle that is gone": {
			func(_ *testing.T, f *fake, _ *Config, _ *Resigning) {
				maps.DeleteFunc(f.objects, func(key string, _ []byte) bool { return key[0] == 'b' })
			},
			rule(RuleDamaged, "the head names bundles/"),
		},
		"a head that was put back": {
			func(t *testing.T, f *fake, c *Config, _ *Resigning) { putBack(t, f, *c) },
			rule(RuleHistory, "revisions/00000002.json is there already"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			f, k := newFake(), newKey(t)
			mustPublish(t, newPublisher(t, k.config(f)), "one", "a")
			c, r := k.config(f), Resigning{Author: "bo", Message: "resign"}
			row.spoil(t, f, &c, &r)
			before := f.snapshot()
			if _, err := newPublisher(t, c).Resign(context.Background(), r); err == nil || !row.want(err) {
				t.Errorf("error %v", err)
			}
			if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
				t.Error("something was written")
			}
		})
	}
}

func anyError(error) bool { return true }

func TestResignDryRunWritesNothing(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	delete(f.objects, bundle.RevisionKey(1)) // the copy that it must not complete
	before := f.snapshot()
	if got := resign(t, p, func(r *Resigning) { r.DryRun = true }); got.Outcome != Planned || got.Head.Manifest().Revision != 2 {
		t.Errorf("%s revision %d", got.Outcome, got.Head.Manifest().Revision)
	}
	if !maps.EqualFunc(before, f.snapshot(), bytes.Equal) {
		t.Error("a dry run wrote something")
	}
	if got := resign(t, p); got.Outcome != Published || f.snapshot()[bundle.RevisionKey(1)] == nil {
		t.Errorf("%s; want the copy that was owed completed", got.Outcome)
	}
}
