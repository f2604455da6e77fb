package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// publication is the verb publish.
type publication struct {
	remote
	signing
	contract
	Flags       string        `arg:"" help:"File of flags: JSON or YAML." placeholder:"FLAGS"`
	Message     string        `required:"" help:"Why; history keeps it." placeholder:"TEXT"`
	ValidFor    time.Duration `help:"How long the revision is valid; without end by default." placeholder:"DURATION"`
	StartAt     int64         `help:"Number of this revision, where sidecars are ahead of the store because it was lost, or lost its head." placeholder:"N"`
	AllowShrink bool          `help:"Publish flags that are none, or less than half of those before."`
	AllowGrowth bool          `help:"Publish flags of more than twice the bytes before."`
	DryRun      bool          `help:"Find out everything, write nothing."`
}

// Run loads the flags as a sidecar would, and publishes them.
func (p *publication) Run(ctx context.Context, w *world, form output) error {
	if err := p.check(); err != nil {
		return err
	}
	file, err := readFlags(p.Flags)
	if err != nil {
		return err
	}
	author, err := p.author(w)
	if err != nil {
		return err
	}
	publisher, err := p.publisher(ctx, w)
	if err != nil {
		return err
	}
	result, err := publisher.Publish(ctx, publish.Request{
		Document: file.document, Author: author, Message: p.Message, Compare: compare, ValidFor: p.ValidFor,
		StartAt: p.StartAt, AllowShrink: p.AllowShrink, AllowGrowth: p.AllowGrowth, DryRun: p.DryRun,
	})
	if err != nil {
		return p.foreign(err)
	}
	p.warn(w, file, result)
	if form == inJSON {
		return printJSON(w.stdout, publishedJSON(result))
	}
	return printPublished(w.stdout, result)
}

// check refuses what no revision can be made of, whatever the flags and the store hold.
func (p *publication) check() error {
	if strings.TrimSpace(p.Message) == "" {
		return wrongly("say why: history keeps it", "--message is empty")
	}
	if err := checkText("--message", p.Message, maxMessage); err != nil {
		return err
	}
	switch {
	case p.ValidFor < 0:
		return wrongly("leave it out for a revision that is valid without end", "--valid-for %s is negative", p.ValidFor)
	case p.StartAt < 0 || p.StartAt > bundle.MaxRevision:
		return wrongly(fmt.Sprintf("revisions go from 1 to %d", bundle.MaxRevision), "--start-at %d is no revision", p.StartAt)
	}
	return nil
}

// publisher checks what is asked for before any store is touched.
func (p *publication) publisher(ctx context.Context, w *world) (*publish.Publisher, error) {
	switch {
	case p.Environment == "":
		return nil, wrongly("name what the store holds, such as --environment shop/prod, or set BURGEE_ENVIRONMENT", "no environment")
	case len(p.Key) == 0 && !p.AllowUnsigned:
		return nil, wrongly("give --key FILE (burgeectl keygen makes one), or --allow-unsigned", "no key to sign with")
	case len(p.TrustKey) > 0 && p.AllowUnsigned:
		return nil, keys.ErrBothTrusts
	}
	private, err := p.keys(w)
	if err != nil {
		return nil, err
	}
	trusted, err := keys.Public(p.TrustKey)
	if err != nil {
		return nil, err
	}
	if err := p.checkThreshold(private, trusted); err != nil {
		return nil, err
	}
	opened, err := p.openStore(ctx, w)
	if err != nil {
		return nil, err
	}
	publisher, err := publish.New(publish.Config{
		Store: opened, Environment: p.Environment, Keys: private, TrustKeys: trusted, Threshold: p.TrustThreshold,
		AllowUnsigned: p.AllowUnsigned, Now: w.now,
	})
	if err != nil {
		return nil, advised{err, exitUsage, ""}
	}
	return publisher, nil
}

// checkThreshold counts the trust keys, which must verify what is written; without any, the public halves of the signing keys.
func (p *publication) checkThreshold(private []bundle.PrivateKey, trusted []bundle.PublicKey) error {
	if len(trusted) > 0 || p.AllowUnsigned { // the latter asks for nobody's signature
		return keys.CheckThreshold(p.TrustThreshold, trusted)
	}
	var own []bundle.PublicKey
	for _, key := range private {
		public, err := key.Public()
		if err != nil {
			return err
		}
		own = append(own, public)
	}
	return keys.CheckThreshold(p.TrustThreshold, own)
}

// warn says on standard error what went well and still deserves a look.
func (p *publication) warn(w *world, file *flagFile, result publish.Result) {
	if p.AllowUnsigned {
		fmt.Fprintln(w.stderr, "not verified: --allow-unsigned is given, so that the revision before counts as good whoever wrote it")
	}
	for _, found := range file.warnings {
		found.print(w.stderr)
	}
	for _, found := range idle(file.parsed, result.Head.Manifest().Overrides) {
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("override of %s has no effect: %s", found.Flag, found.Message)))
	}
	if result.CopyErr != nil {
		m := result.Head.Manifest()
		fmt.Fprintln(w.stderr, oneLine(fmt.Sprintf("revision %d stands; its copy does not yet: %v", m.Revision, result.CopyErr)))
		fmt.Fprintln(w.stderr, "hint: whoever publishes next writes it")
	}
}

// idle lists the overrides that name nothing in the flags.
func idle(doc *eval.Document, overrides []bundle.Override) []eval.Problem {
	_, found := eval.Compile(doc, eval.Options{}).WithOverrides(forEval(overrides))
	return found
}

func forEval(overrides []bundle.Override) []eval.Override {
	var all []eval.Override
	for _, o := range overrides {
		all = append(all, eval.Override{Flag: o.Flag, Variant: o.Variant, Segment: o.Segment})
	}
	return all
}

func printPublished(out io.Writer, result publish.Result) error {
	m := result.Head.Manifest()
	if result.Outcome == publish.Unchanged {
		_, err := fmt.Fprintln(out, oneLine(fmt.Sprintf("unchanged: revision %d of %s has the same flags%s", m.Revision, m.Environment, until(m))))
		return err
	}
	verb := map[publish.Outcome]string{publish.Published: "published", publish.Planned: "would publish"}[result.Outcome]
	what := fmt.Sprintf("%s, %d added, %d changed, %d removed", plural(m.Bundle.Flags, "flag"), m.Change.Added, m.Change.Changed, m.Change.Removed)
	if result.Same {
		what = "the same flags"
	}
	fmt.Fprintln(out, oneLine(fmt.Sprintf("%s revision %d of %s: %s%s", verb, m.Revision, m.Environment, what, until(m))))
	for _, e := range result.Entries {
		fmt.Fprintln(out, " ", oneLine(e.Kind+" "+e.Flag+e.Section))
	}
	for _, o := range m.Overrides {
		fmt.Fprintf(out, "override kept: %s\n", overrideText(o))
	}
	_, err := fmt.Fprintf(out, "bundle %s\n", m.Bundle.Digest)
	return err
}

func until(m bundle.Manifest) string {
	if m.ValidUntil.IsZero() {
		return ""
	}
	return ", valid until " + moment(m.ValidUntil)
}

// published is the result of publish in JSON.
type published struct {
	Outcome  publish.Outcome `json:"outcome"`
	Manifest bundle.Manifest `json:"manifest"`
	Changes  []entry         `json:"changes"`
}

type entry struct {
	Kind    string `json:"kind"`
	Flag    string `json:"flag,omitzero"`
	Section string `json:"section,omitzero"`
}

func publishedJSON(result publish.Result) published {
	out := published{result.Outcome, result.Head.Manifest(), []entry{}}
	for _, e := range result.Entries {
		out.Changes = append(out.Changes, entry{e.Kind, e.Flag, e.Section})
	}
	return out
}
