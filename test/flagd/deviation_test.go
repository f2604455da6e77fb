package flagd

import (
	"bytes"
	"encoding/json"
	"maps"
	"strings"
)

// difference is one evaluation by both.
type difference struct {
	document *caseDocument
	flag     *caseFlag
	caller   string // the context
	flagd    answer
	burgee   answer
	agreesOn func(caller string) bool // whether both agree with another context
}

// deviation is one way in which Burgee differs from flagd and means to. It
// recognises a difference from what the flag has in it and from both answers,
// and as narrowly as it can: whatever none recognises fails.
type deviation struct {
	name       string
	recognises func(d difference) bool
}

// deviations have their reasons in eval/testdata/conformance/README.md.
var deviations = []deviation{
	{"a variant is found by its name, not by its encoded text", foundByName},
	{"data is never run as a rule", dataIsNoRule},
	{"data is never substituted in", dataIsNoVar},
	{"data is never the clauses or the body of an operator", dataIsNoClause},
	{"a flag without variants is isolated", withoutVariants},
	{"a reference that leads nowhere isolates the flag", danglingReference},
	{"a reference inside an evaluator is followed", nestedReference},
	{"a reference is left alone in values and metadata", referenceInData},
	{"a reference's name may have any characters", escapedReference},
	{"the declared subject is wanted", subjectMissing},
	{"an evaluation has a budget of steps", beyondBudget},
	{"stable_bucket is an operator", stableBucket},
	{"an empty flagSetId loses no flag", emptyFlagSet},
}

// nameOf names the deviation that a difference is, or gives nothing.
func (d difference) nameOf() string {
	for _, known := range deviations {
		if known.recognises(d) {
			return known.name
		}
	}
	return ""
}

// foundByName: flagd compares names with the JSON of what the rule came to, less
// its quotes, so that what JSON escapes is not found, lists and objects may be,
// and so may text that is escaped already.
func foundByName(d difference) bool {
	ours, theirs := d.burgee, d.flagd
	switch {
	case ours.Reason == matched && theirs.ErrorCode == "GENERAL":
		return encoded(ours.Variant) != ours.Variant
	case ours.ErrorCode == "GENERAL" && theirs.Reason == matched:
		return strings.Contains(theirs.Variant, `\`) || strings.HasPrefix(theirs.Variant, "[") || strings.HasPrefix(theirs.Variant, "{")
	default:
		return ours.Reason == matched && theirs.Reason == matched && encoded(ours.Variant) == theirs.Variant
	}
}

const matched = "TARGETING_MATCH"

// encoded is the text that flagd compares with the names of variants.
func encoded(name string) string {
	raw, err := json.Marshal(name)
	if err != nil {
		return name
	}
	return strings.ReplaceAll(string(raw), `"`, "")
}

// dataIsNoRule: the library runs data that is an object of one member once more:
// what a branch of if came to, what it substitutes in loops, the paths of missing,
// and the value of set.
func dataIsNoRule(d difference) bool {
	return d.burgee.failed("PARSE_ERROR", "data is never run as a rule") &&
		d.flag.usesOneOf("if", "?:", "filter", "all", "none", "some", "missing", "missing_some", "set")
}

// dataIsNoVar: where the library substitutes twice, it also substitutes in the
// data of the first time, where a member is called var. With another name for
// that member both agree.
func dataIsNoVar(d difference) bool {
	renamed := strings.ReplaceAll(d.caller, `"var":`, `"vär":`)
	return renamed != d.caller && d.flag.usesOneOf("filter", "all", "none", "some") && d.agreesOn(renamed)
}

// dataIsNoClause: where the library substitutes, a list from the data can become
// the arguments of an operator that wants them in the rule.
func dataIsNoClause(d difference) bool {
	return d.burgee.failed("PARSE_ERROR", "as a list in the rule") && d.flag.usesOneOf("filter", "all", "none", "some")
}

func withoutVariants(d difference) bool {
	return d.burgee.failed("PARSE_ERROR", "a flag needs at least one variant") && !d.flag.has(`"variants":{"`)
}

func danglingReference(d difference) bool {
	return d.burgee.failed("PARSE_ERROR", "there is no such entry in $evaluators") && d.flag.has(`{"$ref":"`)
}

// nestedReference: flagd replaces text, evaluator by evaluator in the order of a
// map, so that a reference inside an evaluator is sometimes left, which then is an
// operator that nobody knows.
func nestedReference(d difference) bool {
	return d.flagd.ErrorCode == "PARSE_ERROR" && strings.Contains(d.document.evaluators, `{"$ref":"`) && d.flag.has(`{"$ref":"`)
}

// referenceInData: flagd replaces text, wherever in the document it stands.
func referenceInData(d difference) bool {
	if !d.burgee.sameButData(d.flagd) {
		return false
	}
	return bytes.Contains(asJSON(d.burgee.Value), []byte(`{"$ref":"`)) || bytes.Contains(asJSON(d.burgee.Metadata), []byte(`{"$ref":"`))
}

// escapedReference: flagd looks for the name as it is in text where it is escaped,
// so that the reference stays: an operator that nobody knows, or data in a list
// that a loop steps through.
func escapedReference(d difference) bool {
	if encoded(awkwardEvaluator) == awkwardEvaluator || !d.flag.has(`{"$ref":"`+awkwardEvaluator+`"}`) {
		return false
	}
	return d.flagd.ErrorCode == "PARSE_ERROR" || d.flag.usesOneOf("map", "filter", "all", "none", "some", "reduce")
}

func subjectMissing(d difference) bool {
	return d.burgee.failed("TARGETING_KEY_MISSING", "the subject that this flag buckets by") &&
		d.flag.has(`"subject":"`) && d.flag.usesOneOf("fractional")
}

func beyondBudget(d difference) bool {
	return d.burgee.failed("GENERAL", "more than the limit of") && d.flag.usesOneOf("map", "filter", "all", "none", "some", "reduce")
}

func stableBucket(d difference) bool {
	return d.flagd.ErrorCode == "PARSE_ERROR" && d.burgee.ErrorCode != "PARSE_ERROR" && d.flag.usesOneOf("stable_bucket")
}

// emptyFlagSet: flagd keeps flags by their flagSetId, and loses those whose is empty.
func emptyFlagSet(d difference) bool {
	empty := `"flagSetId":""`
	return d.flagd.ErrorCode == "FLAG_NOT_FOUND" && d.burgee.ErrorCode != "FLAG_NOT_FOUND" &&
		(d.flag.has(empty) || strings.Contains(d.document.metadata, empty))
}

// failed tells whether the answer is this error for this reason.
func (a answer) failed(code, detail string) bool {
	return a.ErrorCode == code && strings.Contains(a.ErrorDetails, detail)
}

func (a answer) sameButData(b answer) bool {
	return a.Variant == b.Variant && a.Reason == b.Reason && a.ErrorCode == b.ErrorCode
}

func asJSON(v any) []byte {
	raw, _ := json.Marshal(v) // it was JSON before
	return raw
}

// metadataOf is the metadata that Burgee is to answer where flagd's is this: the
// contract only where asked for, how to bucket never, and no entry of the names
// that are Burgee's own.
func metadataOf(flagd map[string]any, d *caseDocument, contract bool) map[string]any {
	kept := maps.Clone(flagd)
	maps.DeleteFunc(kept, func(name string, _ any) bool {
		return strings.HasPrefix(name, "burgee.") || !contract && isContract(name)
	})
	if strings.Contains(d.metadata, `"bucketing":`) {
		delete(kept, "bucketing")
	}
	return kept
}

func isContract(name string) bool {
	switch name {
	case "owner", "kind", "description", "expires", "lifetimeReason", "emergencyAction", "safeVariant", "failMode", "maxStaleness", "subject":
		return true
	default:
		return false
	}
}
