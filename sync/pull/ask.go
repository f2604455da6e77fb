package pull

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

const (
	headDeadline   = 5 * time.Second
	bundleDeadline = 10 * time.Second
	slowestRate    = 64 << 10 // bytes a second; a slower store is given up on
)

// ask brings what is served up to the store's head. It gives nil once they are the same, a refusal where the store's state is not
// acceptable, and any other error where the store could not be read.
func (l *Loop) ask(ctx context.Context) error {
	l.have.news = false
	if err := l.askHead(ctx); err != nil {
		return err
	}
	if l.have.verdict != nil {
		return l.have.verdict
	}
	if l.served.payload == l.have.head.Payload() {
		return nil
	}
	return l.askBundle(ctx)
}

// askHead reads the head if it changed. What is refused for its content is remembered with its tag, so that it is not read again.
func (l *Loop) askHead(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, headDeadline)
	defer cancel()
	got, err := l.config.Source.Get(ctx, bundle.HeadKey, l.have.tag, bundle.MaxManifest)
	switch {
	case errors.Is(err, object.ErrNotModified) && l.have.tag != "":
		return nil
	case errors.Is(err, object.ErrTooLarge):
		l.have = seen{}
		return bundle.Refuse(bundle.ReasonOversized, "read the head: %w", err)
	case errors.Is(err, object.ErrNotFound), errors.Is(err, object.ErrNoStore):
		l.have = seen{} // what was refused is there no more
		return fmt.Errorf("read the head: %w", err)
	case err != nil:
		return fmt.Errorf("read the head%s: %w", inTime(err, headDeadline), err)
	}
	l.have = seen{tag: got.Tag, news: true}
	l.have.head, l.have.verdict = l.admit(got.Body)
	if bundle.ReasonOf(l.have.verdict) == bundle.ReasonEnvelope {
		l.have.verdict = bundle.Refuse(bundle.ReasonEnvelope, "what stands in the head's place is none, be it the store's or a page that a proxy answers with: %w", l.have.verdict)
	}
	if mayBeDamaged(l.have.verdict) {
		l.have.tag = ""
	}
	return nil
}

// mayBeDamaged tells whether a refusal may come from the way instead of the store. Such a head is read again at every poll: it is small,
// and one bad read must not hide a kill until somebody publishes again.
func mayBeDamaged(verdict error) bool {
	switch bundle.ReasonOf(verdict) {
	case bundle.ReasonEnvelope, bundle.ReasonUnsigned, bundle.ReasonSignature:
		return true
	default:
		return false
	}
}

// admit verifies a head and, unless it is the one in force already, lets its overrides act.
func (l *Loop) admit(raw []byte) (bundle.Head, error) {
	head, err := l.config.Policy.Open(raw)
	if err != nil {
		return bundle.Head{}, err
	}
	if err := l.floor.admit(head); err != nil {
		return head, err
	}
	if l.floor.raise(head) {
		l.note(func(s *State) { s.LastChange, s.HeadRevision = time.Now(), head.Manifest().Revision })
		l.config.Sink.Head(head)
	}
	return head, nil
}

// askBundle fetches what the head names, unless it is what is served under an earlier head, and hands it on. A bundle that is refused is
// not fetched again, but for one second look where its bytes are not those that the head names.
func (l *Loop) askBundle(ctx context.Context) error {
	stored, err := l.stored(ctx)
	if err == nil {
		err = l.handOn(stored)
	}
	switch bundle.ReasonOf(err) {
	case "":
	case bundle.ReasonDigest, bundle.ReasonOversized: // not the bytes that were published: the store's, or damaged on the way?
		if l.have.doubted {
			l.have.verdict = err
		}
		l.have.doubted = true
	default:
		l.have.verdict = err
	}
	return err
}

func (l *Loop) stored(ctx context.Context) ([]byte, error) {
	if l.served.digest == l.have.head.Manifest().Bundle.Digest {
		return l.served.stored, nil
	}
	return bundleOf(ctx, l.config.Source, l.have.head)
}

// bundleOf fetches what a head names. Its bytes are still to be verified.
func bundleOf(ctx context.Context, source Source, head bundle.Head) ([]byte, error) {
	m := head.Manifest()
	deadline := max(bundleDeadline, time.Duration(m.Bundle.Size)*time.Second/slowestRate)
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	got, err := source.Get(ctx, bundle.Key(m.Bundle.Digest), "", m.Bundle.Size)
	switch {
	case errors.Is(err, object.ErrTooLarge):
		return nil, bundle.Refuse(bundle.ReasonOversized, "read the bundle of revision %d: %w", m.Revision, err)
	case err != nil:
		return nil, fmt.Errorf("read the bundle of revision %d%s: %w", m.Revision, inTime(err, deadline), err)
	}
	return got.Body, nil
}

// inTime tells of a deadline that was missed.
func inTime(err error, deadline time.Duration) string {
	if !errors.Is(err, context.DeadlineExceeded) {
		return ""
	}
	return " within " + deadline.Round(time.Second).String()
}

// handOn gives a bundle to the sink. Another one than is served takes much memory until one of the two goes, so what is served is fetched
// again in the rare case that it is asked for after the other was refused.
func (l *Loop) handOn(stored []byte) error {
	if l.served.digest != l.have.head.Manifest().Bundle.Digest {
		l.served.stored, l.served.digest = nil, ""
	}
	take := func() error {
		verified, err := l.have.head.Open(stored)
		if err != nil {
			return err
		}
		served := servedBy(verified)
		if err := l.config.Sink.Bundle(verified); err != nil { // it has the document alone, and may let go of it
			return err
		}
		l.served = served
		return nil
	}
	if l.config.Attempt == nil {
		return take()
	}
	return l.config.Attempt(l.have.head, take)
}
