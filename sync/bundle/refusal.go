package bundle

import (
	"errors"
	"fmt"
)

// Reason says in one word why something that came from outside was refused. It stands in /status and labels a metric, so the words
// are for ever.
type Reason string

// The reasons, in the order of the checks that give them.
const (
	ReasonOversized   Reason = "oversized"    // more bytes than the limit, or than the manifest announced
	ReasonEnvelope    Reason = "envelope"     // not a DSSE envelope of ours
	ReasonUnsigned    Reason = "unsigned"     // no signature at all where one is required
	ReasonSignature   Reason = "signature"    // too few trusted keys verify it
	ReasonPayload     Reason = "payload"      // signed, but not a manifest that can be read
	ReasonFormat      Reason = "format"       // a format or critical field that this version does not know
	ReasonEnvironment Reason = "environment"  // made for another environment
	ReasonOlder       Reason = "older"        // below a revision that was accepted before
	ReasonFork        Reason = "fork"         // an accepted revision with another payload
	ReasonJump        Reason = "jump"         // too far ahead of a known revision
	ReasonDigest      Reason = "digest"       // size or checksum differ from the manifest's
	ReasonCompression Reason = "compression"  // not one gzip member, or a bomb
	ReasonShrink      Reason = "shrink"       // empty or halved, without the mark that allows it
	ReasonDocument    Reason = "document"     // not a flag document, or past a limit
	ReasonCount       Reason = "flag-count"   // another number of flags than the manifest announced
	ReasonBroken      Reason = "broken-flags" // too many flags that do not compile
	ReasonQuarantined Reason = "quarantined"  // processes died soon after taking it up
)

// Refusal is an error that names its reason. Whatever is refused has changed nothing.
type Refusal struct {
	Reason Reason
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }
func (r *Refusal) Unwrap() error { return r.Err }

// Refuse makes a Refusal; format and args are those of fmt.Errorf.
func Refuse(reason Reason, format string, args ...any) error {
	return &Refusal{reason, fmt.Errorf(format, args...)}
}

// ReasonOf is the reason of the outermost Refusal in err, or "" where there is none: then err is a fault, not a verdict.
func ReasonOf(err error) Reason {
	if refusal := (*Refusal)(nil); errors.As(err, &refusal) {
		return refusal.Reason
	}
	return ""
}
