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
	TrustKeys     []bundle.PublicKey  // whose heads are believed, besides those of Keys
	Threshold     int                 // how many of these keys must have signed a head; 0 means 1
	AllowUnsigned bool                // believe a head without looking at signatures; with Keys, the way to begin signing a store

	Now func() time.Time // nil means time.Now
}

// Publisher writes revisions of one environment.
type Publisher struct {
	store  object.Store
	keys   []bundle.PrivateKey
	policy bundle.Policy
	now    func() time.Time
}

// New makes a Publisher, and refuses a Config with which nobody could tell a good head from a bad one.
func New(c Config) (*Publisher, error) {
	if c.Store == nil || c.Environment == "" {
		return nil, errors.New("publish: Store and Environment are required")
	}
	trust, err := c.trust()
	if err != nil {
		return nil, err
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Publisher{c.Store, c.Keys, bundle.Policy{Trust: trust, Environment: c.Environment}, c.Now}, nil
}

// trust believes the trust keys and the public half of each signing key: a publisher's own heads are good to it, and nothing that
// fails is ever signed again.
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
