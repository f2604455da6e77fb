// Package publish is the way in: it reads and verifies the head of a store, lets the caller check what a new document changes, writes
// the bundle and its ledger, and swings the head. Stopped anywhere, it leaves a store that the next publisher can carry on from. It
// does not know what flags mean: what it must know of them, it asks for through Request.Compare.
package publish

import (
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Config says where to publish, and as whom.
type Config struct {
	Store       object.Store // required
	Environment string       // required; a head of another one is refused

	Keys          []bundle.PrivateKey // each signs; none needs AllowUnsigned
	TrustKeys     []bundle.PublicKey  // whose heads are believed, besides those of Keys; where there are any, they must verify what is written
	Threshold     int                 // how many of these keys must have signed a head; 0 means 1
	AllowUnsigned bool                // believe a head without looking at signatures; with Keys, the way to begin signing a store

	Now func() time.Time // nil means time.Now
}

// Publisher writes revisions of one environment.
type Publisher struct {
	store   object.Store
	keys    []bundle.PrivateKey
	policy  bundle.Policy // of what is read
	written bundle.Policy // of what is written
	now     func() time.Time
}

// New makes a Publisher, and refuses a Config with which nobody could tell a good head from a bad one.
func New(c Config) (*Publisher, error) {
	if c.Store == nil || c.Environment == "" {
		return nil, errors.New("publish: Store and Environment are required")
	}
	read, err := c.trust()
	if err != nil {
		return nil, err
	}
	written := read
	if len(c.TrustKeys) > 0 {
		if written, err = bundle.NewTrust(c.TrustKeys, c.Threshold); err != nil {
			return nil, fmt.Errorf("publish: %w", err)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Publisher{
		c.Store, c.Keys,
		bundle.Policy{Trust: read, Environment: c.Environment},
		bundle.Policy{Trust: written, Environment: c.Environment},
		c.Now,
	}, nil
}

// Signers are the ids of the keys that sign what is written.
func (p *Publisher) Signers() []string {
	ids := []string{}
	for _, key := range p.keys {
		if public, err := key.Public(); err == nil { // New refuses a key that has none, unless nobody looks at signatures; then Seal does
			ids = append(ids, public.ID)
		}
	}
	return ids
}

// Policy is what this publisher believes of what it reads.
func (p *Publisher) Policy() bundle.Policy { return p.policy }

// trust is for what is read. It believes the trust keys and the public half of each signing key: a publisher's own heads are good to
// it, and nothing that fails is ever signed again. What is written must satisfy the trust keys alone, for they stand for those who
// will read it: a head that only its writer believes would lock all the others out.
func (c Config) trust() (bundle.Trust, error) {
	switch {
	case c.AllowUnsigned && len(c.TrustKeys) > 0:
		return bundle.Trust{}, errors.New("publish: trust keys and AllowUnsigned contradict each other")
	case c.AllowUnsigned:
		return bundle.AllowUnsigned(), nil
	case len(c.Keys) == 0:
		return bundle.Trust{}, errors.New("publish: no signing key, and AllowUnsigned is not set")
	}
	keys := append([]bundle.PublicKey(nil), c.TrustKeys...)
	for _, key := range c.Keys {
		public, err := key.Public()
		if err != nil {
			return bundle.Trust{}, fmt.Errorf("publish: %w", err)
		}
		keys = append(keys, public)
	}
	return bundle.NewTrust(keys, c.Threshold)
}
