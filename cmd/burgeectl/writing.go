package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// writing is what the verbs have in common that make revisions.
type writing struct {
	remote
	signing
	waiting
	Message string `required:"" help:"Why; history keeps it." placeholder:"TEXT"`
	DryRun  bool   `help:"Find out everything, write nothing."`
}

// checkMessage refuses a reason that says nothing, or that history could not show.
func (v *writing) checkMessage() error {
	if strings.TrimSpace(v.Message) == "" {
		return wrongly("say why: history keeps it", "--message is empty")
	}
	return checkText("--message", v.Message, maxMessage)
}

// publisher checks what is asked for before any store is touched.
func (v *writing) publisher(ctx context.Context, w *world) (*publish.Publisher, error) {
	switch {
	case v.Environment == "":
		return nil, wrongly("name what the store holds, such as --environment shop/prod, or set BURGEE_ENVIRONMENT", "no environment")
	case len(v.Key) == 0 && !v.AllowUnsigned:
		return nil, wrongly("give --key FILE (burgeectl keygen makes one); a store that was never signed takes --allow-unsigned", "no key to sign with")
	case len(v.TrustKey) > 0 && v.AllowUnsigned:
		return nil, keys.ErrBothTrusts
	}
	private, err := v.keys(w)
	if err != nil {
		return nil, err
	}
	trusted, err := keys.Public(v.TrustKey)
	if err != nil {
		return nil, err
	}
	if err := v.checkThreshold(private, trusted); err != nil {
		return nil, err
	}
	opened, err := v.openStore(ctx, w)
	if err != nil {
		return nil, err
	}
	publisher, err := publish.New(publish.Config{
		Store: opened, Environment: v.Environment, Keys: private, TrustKeys: trusted, Threshold: v.TrustThreshold,
		AllowUnsigned: v.AllowUnsigned, Now: w.now,
	})
	if err != nil {
		return nil, advised{err, exitUsage, ""}
	}
	return publisher, nil
}

// checkThreshold counts the trust keys, which must verify what is written; without any, the public halves of the signing keys.
func (v *writing) checkThreshold(private []bundle.PrivateKey, trusted []bundle.PublicKey) error {
	if len(trusted) > 0 || v.AllowUnsigned { // the latter asks for nobody's signature
		return keys.CheckThreshold(v.TrustThreshold, trusted)
	}
	var own []bundle.PublicKey
	for _, key := range private {
		public, err := key.Public()
		if err != nil {
			return err
		}
		own = append(own, public)
	}
	return keys.CheckThreshold(v.TrustThreshold, own)
}

// warnOfTrust says that nothing vouches for what the new revision builds on.
func (v *writing) warnOfTrust(w *world) {
	if v.AllowUnsigned {
		fmt.Fprintln(w.stderr, "not verified: --allow-unsigned is given, so that the revision before counts as good whoever wrote it")
	}
}

// warnOfLoss says what the revision before had and this one has not.
func warnOfLoss(w *world, result publish.Result) {
	for _, lost := range result.Lost {
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("damaged, and not taken along: %v", lost)))
	}
	if !result.Ended.IsZero() {
		fmt.Fprintf(w.stderr, "the revision before was valid until %s; this one has no end: --valid-for gives one\n", moment(result.Ended))
	}
}

// warnOfCopy says that a revision stands without its copy.
func warnOfCopy(w *world, result publish.Result) {
	if result.CopyErr != nil {
		m := result.Head.Manifest()
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("revision %d stands; its copy does not yet: %v", m.Revision, result.CopyErr)))
		fmt.Fprintln(w.stderr, "hint: whoever publishes next writes it")
	}
}
