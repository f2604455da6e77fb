package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/cmd/internal/spelling"
	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/publish"
)

// Exit codes.
const (
	exitGood    = 0
	exitFailed  = 1
	exitUsage   = 2
	exitRefused = 3
)

// advised is an error that brings its own exit code and way out.
type advised struct {
	error
	code int
	hint string
}

func (a advised) Unwrap() error { return a.error }

// usage says that burgeectl was called wrongly.
func usage(err error) error {
	parse := (*kong.ParseError)(nil)
	if !errors.As(err, &parse) || parse.Context.Selected() == nil {
		return advised{err, exitUsage, "burgeectl --help shows every verb and flag"}
	}
	verb := parse.Context.Selected().Name
	if revision := negative(parse.Context.Args); verb == "show" && revision != "" {
		return wrongly(firstRevision, "revision %s", revision)
	}
	return advised{err, exitUsage, fmt.Sprintf("burgeectl %s --help shows every flag", verb)}
}

// wrongly says that burgeectl was called wrongly, with the way out.
func wrongly(hint, format string, args ...any) error {
	return advised{fmt.Errorf(format, args...), exitUsage, hint}
}

// advise gives the exit code and the way out of any error.
func advise(err error) (code int, hint string) {
	if own := (advised{}); errors.As(err, &own) {
		return own.code, own.hint
	}
	if errors.As(err, new(*refused)) || errors.As(err, new(*guarded)) {
		return exitRefused, "" // each problem named its own
	}
	if errors.As(err, new(*eval.Unfit)) {
		return exitRefused, "no sidecar would serve these flags"
	}
	if errors.As(err, new(*publish.Conflict)) {
		return exitRefused, "burgeectl show prints what they published; take it in, and publish again"
	}
	if errors.As(err, new(*publish.Unknown)) {
		return exitFailed, "burgeectl show tells whether the revision stands; where it does not, publish again"
	}
	if refusal := (*publish.Refusal)(nil); errors.As(err, &refusal) {
		return exitRefused, ruleHint(refusal)
	}
	if isDamage(err) {
		return exitRefused, damageHint
	}
	if reason := bundle.ReasonOf(err); reason != "" {
		return exitRefused, reasonHints[reason]
	}
	if own := (interface{ WayOut() string })(nil); errors.As(err, &own) {
		return exitFailed, own.WayOut() // a store's
	}
	for _, known := range errorHints {
		if errors.Is(err, known.err) {
			return known.code, known.hint
		}
	}
	return exitFailed, ""
}

// errorHints are the ways out of errors that are known by identity.
var errorHints = []struct {
	err  error
	code int
	hint string
}{
	{context.Canceled, exitFailed, "it was interrupted, and no revision was made"}, // or there would be no error, or a *publish.Unknown
	{keys.ErrNoTrust, exitUsage, ""},                                               // these three name their way out themselves
	{keys.ErrBothTrusts, exitUsage, ""},
	{keys.ErrThreshold, exitUsage, ""},
	{keys.ErrTrustKey, exitUsage, "--trust-key takes a file such as the NAME.pub that burgeectl keygen --out NAME makes, or its text"},
	{file.ErrNotRegular, exitUsage, "give one regular file: pipes, devices and folders are not read"},
	{file.ErrTooLarge, exitUsage, "is this the right file?"},
	{object.ErrNoStore, exitFailed, "check --store; a folder must be there before the first publication, so that a mount that is away is not taken for an empty store"},
	{object.ErrForbidden, exitFailed, "check credentials and permissions: publishing needs to read, list and write under the store's prefix, and S3 says this of missing objects to those who may not list"},
	{object.ErrUnavailable, exitFailed, "check the network and the store's endpoint, and try again"},
	{object.ErrTooLarge, exitRefused, "this is no object of Burgee's: check --store"},
	{object.ErrNotFound, exitFailed, "check --store; burgeectl publish makes the first revision"},
}

// foreignHint is the way out where trust keys were given, and none of them signed.
const foreignHint = "give the --trust-key of whoever publishes here; if nobody knows it, somebody else writes to this store. " +
	"burgeectl show without --trust-key and BURGEE_TRUST_KEY looks at it unverified"

// reasonHints are the ways out where a store holds something that cannot be believed.
var reasonHints = map[bundle.Reason]string{
	bundle.ReasonOversized:   "this is no manifest of Burgee's: check --store",
	bundle.ReasonEnvelope:    "this is no manifest of Burgee's, or a damaged one: check --store, or put the newest copy under revisions/ back as manifest.json",
	bundle.ReasonUnsigned:    "the store is not signed; publish --allow-unsigned --key FILE begins to sign it, if you believe what it holds",
	bundle.ReasonSignature:   "give --trust-key for the keys that sign this store; if nobody knows them, somebody else writes to it",
	bundle.ReasonPayload:     "whoever holds the key signed something else than a manifest: look into it before publishing over it",
	bundle.ReasonFormat:      "a newer burgeectl made this: upgrade",
	bundle.ReasonEnvironment: "check --store and --environment: they do not belong together",
	bundle.ReasonDigest:      "the store was damaged or tampered with: put the object back from a backup",
	bundle.ReasonCompression: "the store was damaged or tampered with: put the object back from a backup",
}

// ruleHint is the way out of a refused publication.
func ruleHint(r *publish.Refusal) string {
	start := "--start-at N, with N above every revision under revisions/"
	if r.Revision > 0 {
		start = fmt.Sprintf("--start-at %d", r.Revision)
	}
	switch r.Rule {
	case publish.RuleShrink:
		return "is this the right file? --allow-shrink publishes it all the same"
	case publish.RuleGrowth:
		return "is this the right file? --allow-growth publishes it all the same"
	case publish.RuleLimit:
		if errors.Is(r, bundle.ErrTooLong) {
			return "a shorter --message takes less room, and burgeectl restore FLAG lifts an override that nobody needs any more"
		}
		return "sidecars refuse what is a fifth larger: remove flags that nobody needs, or shorten texts"
	case publish.RuleUnsigned:
		return "sign it: --key FILE. burgeectl resign --allow-unsigned takes the signatures away, for sidecars that ask for none"
	case publish.RuleKeys:
		return "sign with a trusted key too (--key is repeatable), or add the new key's .pub to --trust-key once every sidecar has it"
	case publish.RuleNoHead:
		return "put the newest copy under revisions/ back as manifest.json, or go on from that copy with " + start
	case publish.RuleStart:
		return "sidecars take no older revision: " + start
	case publish.RuleJump:
		return fmt.Sprintf("give --start-at %d or a little more", r.Revision)
	case publish.RuleHasHead:
		return fmt.Sprintf("leave out --start-at, or give %d or more: above every revision that a sidecar has", r.Revision)
	case publish.RuleEarlier:
		return "a later end needs a longer --valid-for; --allow-earlier takes the time away all the same"
	case publish.RuleSettle:
		return "give a longer --valid-for, or a shorter --settle"
	case publish.RulePin:
		return "leave out --oldest-pin to keep the head's; --dry-run tells the number of the new revision, which is the most that can be given"
	case publish.RuleDamaged:
		return "put the object back from a backup"
	case publish.RuleHistory:
		return "history was changed: compare manifest.json with the newest copy under revisions/, and put back what is right"
	}
	return ""
}

// suggest asks whether one of the names was meant.
func suggest(name string, names []string) string {
	if alike := near(name, names); len(alike) > 0 {
		return "did you mean " + strings.Join(alike, " or ") + "?"
	}
	return ""
}

// maxListed is how many names a hint lists.
const maxListed = 10

// suggestOr asks whether one of the names was meant, or else lists what there is.
func suggestOr(name string, names []string, intro string) string {
	switch meant := suggest(name, names); {
	case meant != "":
		return meant
	case len(names) == 0:
		return "there are none"
	case len(names) > maxListed:
		return intro + strings.Join(names[:maxListed], ", ") + ", …"
	}
	return intro + strings.Join(names, ", ")
}

// near lists the names most like name, best first, for a hint.
func near(name string, names []string) []string {
	var alike []string
	for limit := 0; limit <= max(2, len(name)/3) && len(alike) < 3; limit++ {
		for _, other := range names {
			if spelling.Distance(strings.ToLower(name), strings.ToLower(other)) == limit && len(alike) < 3 {
				alike = append(alike, other)
			}
		}
	}
	return alike
}
