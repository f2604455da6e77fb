package history

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/publish"
)

const environment = "shop/prod"

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shop publishes to a store in memory.
type shop struct {
	*bundletest.Source
	t    testing.TB
	keys []bundle.PrivateKey
}

func newShop(t testing.TB) *shop {
	return &shop{Source: bundletest.NewSource(), t: t, keys: []bundle.PrivateKey{newKey(t)}}
}

func newKey(t testing.TB) bundle.PrivateKey {
	t.Helper()
	text, _, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := bundle.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// policy believes what each of keys signed.
func policy(t testing.TB, keys ...bundle.PrivateKey) bundle.Policy {
	t.Helper()
	var public []bundle.PublicKey
	for _, key := range keys {
		half, err := key.Public()
		if err != nil {
			t.Fatal(err)
		}
		public = append(public, half)
	}
	trust, err := bundle.NewTrust(public, 1)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Policy{Trust: trust, Environment: environment}
}

func (s *shop) past() *Past { return New(s, policy(s.t, s.keys[0])) }

func (s *shop) publisher() *publish.Publisher {
	s.t.Helper()
	p, err := publish.New(publish.Config{Store: s, Environment: environment, Keys: s.keys, Now: func() time.Time { return noon }})
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// flags is a document in JSON simple enough for compare: names with values.
type flags map[string]int

func (f flags) document() []byte {
	raw, err := json.Marshal(f)
	if err != nil {
		panic(err)
	}
	return raw
}

// publish makes a revision of those flags.
func (s *shop) publish(f flags, change ...func(*publish.Request)) {
	s.t.Helper()
	r := publish.Request{Document: f.document(), Author: "ana", Message: "m", Compare: compare}
	for _, c := range change {
		c(&r)
	}
	if _, err := s.publisher().Publish(context.Background(), r); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) resign(r publish.Resigning) {
	s.t.Helper()
	r.Author, r.Message = "bo", "again"
	if _, err := s.publisher().Resign(context.Background(), r); err != nil {
		s.t.Fatal(err)
	}
}

// back goes back to a revision.
func (s *shop) back(to int64) {
	s.t.Helper()
	verified := s.revision(to)
	r := publish.Request{Document: verified.Document(), From: verified, Author: "cy", Message: "back", Compare: compare}
	if _, err := s.publisher().Publish(context.Background(), r); err != nil {
		s.t.Fatal(err)
	}
}

func (s *shop) revision(number int64) bundle.Verified {
	s.t.Helper()
	head, err := s.past().Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for h, err := range s.past().Back(s.t.Context(), head) {
		if err != nil {
			s.t.Fatal(err)
		}
		if h.Manifest().Revision == number {
			verified, err := s.past().Bundle(s.t.Context(), h)
			if err != nil {
				s.t.Fatal(err)
			}
			return verified
		}
	}
	s.t.Fatalf("no revision %d", number)
	return bundle.Verified{}
}

// forge writes a revision that no publisher makes, with a key that is trusted: change spoils its manifest, and ledger its ledger.
func (s *shop) forge(change func(*bundle.Manifest), ledger func(*bundle.Ledger)) {
	s.t.Helper()
	head, err := s.past().Head(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	m := head.Manifest()
	m.Follow(head)
	m.Revision, m.Change = m.Revision+1, bundle.Change{Author: "mallory", Message: "nothing to see"}
	change(&m)
	l := bundle.Ledger{Environment: environment, Revision: m.Revision}
	ledger(&l)
	stored, digest, err := bundle.PackLedger(l)
	if err != nil {
		s.t.Fatal(err)
	}
	m.Ledger = digest
	raw, err := bundle.Seal(m, s.keys...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Put(bundle.LedgerKey(digest), stored)
	s.Put(bundle.HeadKey, raw)
	s.Put(bundle.RevisionKey(m.Revision), raw)
}

// compare stands in for those who understand flags.
func compare(s publish.Step) (publish.Comparison, error) {
	entries, after, err := differences(s.Before, s.After)
	return publish.Comparison{Flags: len(after), Entries: entries, Retired: s.Retired}, err
}

func differences(beforeText, afterText []byte) (entries []bundle.Entry, after flags, err error) {
	before := flags{}
	if beforeText != nil {
		if err := json.Unmarshal(beforeText, &before); err != nil {
			return nil, nil, err
		}
	}
	if err := json.Unmarshal(afterText, &after); err != nil {
		return nil, nil, err
	}
	names := map[string]bool{}
	for _, f := range []flags{before, after} {
		for name := range f {
			names[name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		was, then := before[name]
		is, now := after[name]
		switch {
		case !then:
			entries = append(entries, bundle.Entry{Kind: "added", Flag: name})
		case !now:
			entries = append(entries, bundle.Entry{Kind: "removed", Flag: name})
		case was != is:
			entries = append(entries, bundle.Entry{Kind: "changed", Flag: name})
		}
	}
	return entries, after, nil
}
