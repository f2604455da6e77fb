// Package bundletest makes real signed heads and bundles for tests of what reads them.
package bundletest

import (
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// Environment is the one that everything made here is for.
const Environment = "shop/test"

// Maker signs with a key of its own.
type Maker struct {
	Key   bundle.PrivateKey
	Trust bundle.Trust
	tb    testing.TB
}

// New makes a maker with a fresh key.
func New(tb testing.TB) *Maker {
	tb.Helper()
	private, _, err := bundle.GenerateKey()
	if err != nil {
		tb.Fatal(err)
	}
	m := &Maker{tb: tb}
	if m.Key, err = bundle.ParsePrivateKey(private); err != nil {
		tb.Fatal(err)
	}
	public, err := m.Key.Public()
	if err != nil {
		tb.Fatal(err)
	}
	if m.Trust, err = bundle.NewTrust([]bundle.PublicKey{public}, 1); err != nil {
		tb.Fatal(err)
	}
	return m
}

// Unsigned makes a maker that signs nothing, for readers that look at no signatures.
func Unsigned(tb testing.TB) *Maker { return &Maker{Trust: bundle.AllowUnsigned(), tb: tb} }

// Policy believes this maker alone.
func (m *Maker) Policy() bundle.Policy {
	return bundle.Policy{Trust: m.Trust, Environment: Environment}
}

// Made is one revision as a store would hold it.
type Made struct {
	Head   []byte
	Bundle []byte
	Ref    bundle.Ref
}

// Make signs a revision over a document of that many flags; each change may spoil or extend the manifest first.
func (m *Maker) Make(revision int64, document string, flags int, change ...func(*bundle.Manifest)) Made {
	m.tb.Helper()
	stored, ref, err := bundle.Pack([]byte(document))
	if err != nil {
		m.tb.Fatal(err)
	}
	ref.Flags, ref.PreviousFlags = flags, flags
	manifest := bundle.Manifest{
		Environment: Environment, Revision: revision, Bundle: ref, Ledger: bundle.Sum([]byte("ledger")), OldestPin: 1,
		PublishedAt: time.Now().UTC(), Change: bundle.Change{Author: "test", Message: "made by a test"},
	}
	for _, c := range change {
		c(&manifest)
	}
	var keys []bundle.PrivateKey
	if !m.Trust.Unsigned() {
		keys = append(keys, m.Key)
	}
	head, err := bundle.Seal(manifest, keys...)
	if err != nil {
		m.tb.Fatal(err)
	}
	return Made{head, stored, manifest.Bundle}
}
