package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

// remote is what every verb that works with a store takes.
type remote struct {
	Store          string   `help:"Where the flags are: s3://bucket/prefix or file:///folder." placeholder:"URL" env:"BURGEE_STORE" group:"Store"`
	Environment    string   `help:"The environment that the store holds, such as shop/prod." placeholder:"NAME" env:"BURGEE_ENVIRONMENT" group:"Store"`
	S3PathStyle    bool     `name:"s3-path-style" help:"Address buckets by path, as many S3 servers beside AWS want it." env:"BURGEE_S3_PATH_STYLE" group:"Store"`
	TrustKey       []string `help:"Public key (PEM) that revisions must be signed with, as a file or as its text; repeatable." placeholder:"FILE" env:"BURGEE_TRUST_KEY" group:"Store"`
	TrustThreshold int      `help:"How many distinct keys must have signed." default:"1" placeholder:"N" env:"BURGEE_TRUST_THRESHOLD" group:"Store"`
	AllowUnsigned  bool     `help:"Believe the store without looking at signatures." env:"BURGEE_ALLOW_UNSIGNED" group:"Store"`

	opened object.Store // once it was asked for
}

// openStore opens the store of --store, once: the client of a bucket looks for credentials and has connections of its own.
func (r *remote) openStore(ctx context.Context, w *world) (object.Store, error) {
	if r.opened != nil {
		return r.opened, nil
	}
	if r.Store == "" {
		return nil, wrongly("give --store s3://bucket/prefix or --store file:///folder, or set BURGEE_STORE", "no store")
	}
	opened, err := w.open(ctx, r.Store, store.Options{S3PathStyle: r.S3PathStyle, Attempts: store.PublishAttempts})
	if err != nil {
		return nil, advised{err, exitUsage, ""}
	}
	r.opened = deadlines{withProgress(opened, w)}
	return r.opened, nil
}

// reader is a store that is looked at.
type reader struct {
	store    object.Store
	policy   bundle.Policy
	verified bool              // signatures are looked at
	foreign  func(error) error // gives the hint about signatures that fits
}

// reader opens the store for looking. Without a trust key it goes on, and says so.
func (r *remote) reader(ctx context.Context, w *world) (*reader, error) {
	opened, err := r.openStore(ctx, w)
	if err != nil {
		return nil, err
	}
	trust, err := keys.Trust(r.TrustKey, r.TrustThreshold, r.AllowUnsigned)
	switch {
	case errors.Is(err, keys.ErrNoTrust):
		trust = bundle.AllowUnsigned()
	case err != nil:
		return nil, err
	}
	if trust.Unsigned() {
		fmt.Fprintln(w.stderr, "not verified: checksums alone are checked; --trust-key FILE checks signatures")
	}
	return &reader{opened, bundle.Policy{Trust: trust, Environment: r.Environment}, !trust.Unsigned(), r.foreign}, nil
}

// foreign changes the hint about a signature of somebody else where trust keys were given: to give some is no advice then.
func (r *remote) foreign(err error) error {
	if code, hint := advise(err); len(r.TrustKey) > 0 && hint == reasonHints[bundle.ReasonSignature] {
		return advised{err, code, foreignHint}
	}
	return err
}

// head reads a revision; 0 is the newest.
func (r *reader) head(ctx context.Context, revision int64) (bundle.Head, error) {
	if revision == 0 {
		return r.open(ctx, bundle.HeadKey)
	}
	head, err := r.open(ctx, bundle.RevisionKey(revision))
	if errors.Is(err, object.ErrNotFound) {
		return r.newest(ctx, revision)
	}
	if otherKeys(err) {
		return r.chained(ctx, revision)
	}
	if err == nil && head.Manifest().Revision != revision {
		return head, fmt.Errorf("%s holds revision %d", bundle.RevisionKey(revision), head.Manifest().Revision)
	}
	return head, err
}

// newest gives a revision whose copy is not there because its publisher was stopped: the head itself.
func (r *reader) newest(ctx context.Context, revision int64) (bundle.Head, error) {
	head, err := r.open(ctx, bundle.HeadKey)
	if err == nil && head.Manifest().Revision != revision {
		return head, noRevision(revision, head.Manifest().Revision)
	}
	return head, err
}

func (r *reader) open(ctx context.Context, key string) (bundle.Head, error) {
	got, err := r.store.Get(ctx, key, "", bundle.MaxManifest)
	if err != nil {
		return bundle.Head{}, fmt.Errorf("read revision: %w", err)
	}
	head, err := r.policy.Open(got.Body)
	if err != nil {
		return head, r.foreign(fmt.Errorf("verify %s of %s: %w", key, r.store, err))
	}
	return head, nil
}

// bundle reads what a head vouches for.
func (r *reader) bundle(ctx context.Context, head bundle.Head) (bundle.Verified, error) {
	m := head.Manifest()
	got, err := r.store.Get(ctx, bundle.Key(m.Bundle.Digest), "", bundle.MaxStored)
	if errors.Is(err, object.ErrNotFound) {
		return bundle.Verified{}, advised{fmt.Errorf("revision %d names a bundle that is not there: %w", m.Revision, err), exitRefused, "put the object back from a backup"}
	}
	if err != nil {
		return bundle.Verified{}, fmt.Errorf("read bundle of revision %d: %w", m.Revision, err)
	}
	verified, err := head.Open(got.Body)
	if err != nil {
		return verified, fmt.Errorf("verify bundle of revision %d: %w", m.Revision, err)
	}
	return verified, nil
}
