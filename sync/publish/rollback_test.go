package publish

import (
	"bytes"
	"compress/gzip"
	"context"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// revisionOf opens the bundle of a revision.
func revisionOf(t *testing.T, f *fake, k key, revision int64) bundle.Verified {
	t.Helper()
	objects := f.snapshot()
	head, err := k.policy(t).Open(objects[bundle.RevisionKey(revision)])
	if err != nil {
		t.Fatal(err)
	}
	verified, err := head.Open(objects[bundle.Key(head.Manifest().Bundle.Digest)])
	if err != nil {
		t.Fatal(err)
	}
	return verified
}

func rollback(from bundle.Verified) Request {
	r := request(from.Document(), "back")
	r.From = from
	return r
}

func TestRollbackUsesTheBundleAsItIsStored(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b")
	first := revisionOf(t, f, k, 1)
	mustPublish(t, p, "two", "a", "c")
	objects := len(f.snapshot())
	result, err := p.Publish(context.Background(), rollback(first))
	if err != nil {
		t.Fatal(err)
	}
	m := result.Head.Manifest()
	if m.Revision != 3 || m.Bundle.Digest != first.Head().Manifest().Bundle.Digest || m.Bundle.Flags != 2 || m.Bundle.PreviousFlags != 2 || m.Change.Added != 1 || m.Change.Removed != 1 {
		t.Errorf("manifest %+v", m)
	}
	if got := len(f.snapshot()); got != objects+2 { // a ledger and a copy
		t.Errorf("%d objects after %d; want two more", got, objects)
	}
	ledger, err := bundle.OpenLedger(f.snapshot()[bundle.LedgerKey(m.Ledger)], m.Ledger)
	if err != nil || ledger.RollbackTo != 1 || len(ledger.Retired) != 2 {
		t.Errorf("ledger %+v, %v", ledger, err)
	}
	if result, err := p.Publish(context.Background(), rollback(first)); err != nil || result.Outcome != Unchanged {
		t.Errorf("again: %v, %v", result.Outcome, err)
	}
	verifyChain(t, f, k.policy(t))
}

// The bytes that are stored count, not what packing the document anew would make of it.
func TestRollbackDoesNotPackAnew(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a", "b")
	document := document("x", "y")
	loose, ref := packLoosely(t, document)
	first := mustPublish(t, p, "two", "a").Head
	m := first.Manifest()
	m.Bundle, m.Bundle.Flags = ref, 2
	f.put(bundle.Key(ref.Digest), loose)
	replaceHead(t, f, m, k)
	from := revisionOf(t, f, k, 2)
	mustPublish(t, p, "three", "z", "y")
	result, err := p.Publish(context.Background(), rollback(from))
	if err != nil || result.Head.Manifest().Bundle.Digest != ref.Digest {
		t.Errorf("%v; bundle %s; want the stored one, %s", err, result.Head.Manifest().Bundle.Digest, ref.Digest)
	}
}

// packLoosely is another compressor.
func packLoosely(t *testing.T, document []byte) ([]byte, bundle.Ref) {
	t.Helper()
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(document); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), bundle.Ref{Digest: bundle.Sum(out.Bytes()), Size: int64(out.Len()), ContentDigest: bundle.Sum(document)}
}

func TestRollbackIsGuarded(t *testing.T) {
	f, k := newFake(), newKey(t)
	p := newPublisher(t, k.config(f))
	mustPublish(t, p, "one", "a")
	mustPublish(t, p, "two", "a", "b", "c")
	few := revisionOf(t, f, k, 1)
	if _, err := p.Publish(context.Background(), rollback(few)); !rule(RuleShrink, "falls from 3 to 1")(err) {
		t.Errorf("halved: %v", err)
	}
	r := rollback(few)
	r.Document = document("b")
	if _, err := p.Publish(context.Background(), r); err == nil {
		t.Error("another document than that of the revision is taken")
	}
	r = rollback(few)
	r.AllowShrink = true
	if result, err := p.Publish(context.Background(), r); err != nil || !result.Head.Manifest().Bundle.AllowShrink {
		t.Errorf("halved on purpose: %v", err)
	}
}

func TestARenewalTakesNoTimeAway(t *testing.T) {
	for _, row := range []struct {
		name      string
		had, asks time.Duration // 0 is without end
		refused   bool
	}{
		{"longer", time.Hour, 2 * time.Hour, false},
		{"shorter", 2 * time.Hour, time.Hour, true},
		{"the same", time.Hour, time.Hour, true},
		{"an end for what had none", 0, time.Hour, true},
	} {
		f, k := newFake(), newKey(t)
		p := newPublisher(t, k.config(f))
		r := request(document("a"), "one")
		r.ValidFor = row.had
		if _, err := p.Publish(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		ask := Resigning{Author: "ana", Message: "more time", ValidFor: row.asks, Later: true}
		_, err := p.Resign(context.Background(), ask)
		if refused := rule(RuleEarlier, "this one would end at 2026-03-01T1")(err); refused != row.refused || !refused && err != nil {
			t.Errorf("%s: %v; want a refusal %v", row.name, err, row.refused)
		}
		ask.Later = false
		if _, err := p.Resign(context.Background(), ask); err != nil {
			t.Errorf("%s, asked for all the same: %v", row.name, err)
		}
	}
}
