package eval

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Answer is what a flag evaluates to.
type Answer struct {
	// JSON is the whole OFREP body for the flag. It is shared by all who get
	// this answer: nobody may change it. Its last member is the metadata.
	JSON []byte

	Variant    int       // position in the flag's Variants, or -1
	Reason     Reason    // Failed where there is an error
	Code       ErrorCode // NoError where there is none
	FailClosed bool      // the safe variant, since the flag could not be evaluated
	Overridden bool      // an override decided
}

// With appends the answer's JSON to dst with further members in its metadata,
// such as `"burgee.pin":"missed"`. The members must not be there yet.
func (a Answer) With(dst []byte, members string) []byte {
	open := a.JSON[:len(a.JSON)-len("}}")]
	dst = append(dst, open...)
	if open[len(open)-1] != '{' {
		dst = append(dst, ',')
	}
	dst = append(dst, members...)
	return append(dst, "}}"...)
}

// NotFound is the answer for a key that no flag has.
func NotFound(key string) Answer {
	return NoAnswer(key, FlagNotFound, "there is no flag with the key "+quote(shorten(key)))
}

// NoAnswer is an error about a key, whether or not there is such a flag.
func NoAnswer(key string, code ErrorCode, details string) Answer {
	return renderer{key: quote(key)}.failure(code, details)
}

// renderer writes the answers of one flag.
type renderer struct {
	key      string // as JSON
	metadata string // the members of the metadata object, as JSON
}

// Metadata entries of our own. An answer without any of them says that all is well.
const (
	ownPrefix       = "burgee."
	overriddenEntry = `"burgee.override":true`
)

func failClosedEntry(why string) string { return `"burgee.failClosed":` + quote(why) }

// served is an answer with a variant. A null has no value that a client could
// take, which flagd answers with an error.
func (r renderer) served(reason Reason, index int, v variant, own string) Answer {
	if v.kind == null {
		return r.failure(General, "the variant "+quote(v.name)+" has the value null")
	}
	a := r.body(reason, `,"value":`+string(compact(v.raw)), nameMember(v.name), own)
	a.Variant = index
	return a
}

// nameMember leaves out the variant with the empty name, as flagd does.
func nameMember(name string) string {
	if name == "" {
		return ""
	}
	return `,"variant":` + quote(name)
}

// bare is an answer without a variant: the code's own default, or disabled.
func (r renderer) bare(reason Reason) Answer { return r.body(reason, "", "", "") }

func (r renderer) body(reason Reason, valueMember, variantMember, own string) Answer {
	body := `{"key":` + r.key + valueMember + `,"reason":"` + reason.String() + `"` + variantMember + r.metadataMember(own) + `}`
	return Answer{JSON: []byte(body), Variant: -1, Reason: reason}
}

func (r renderer) failure(code ErrorCode, details string) Answer {
	body := `{"key":` + r.key + `,"errorCode":"` + code.String() + `","errorDetails":` + quote(details) + r.metadataMember("") + `}`
	return Answer{JSON: []byte(body), Variant: -1, Reason: Failed, Code: code}
}

func (r renderer) metadataMember(own string) string {
	separator := ""
	if own != "" && r.metadata != "" {
		separator = ","
	}
	return `,"metadata":{` + r.metadata + separator + own + `}`
}

func quote(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s) // invalid UTF-8 is replaced, which is what a message wants
	return string(quoted)
}

// mergeMetadata writes the members of an answer's metadata: the set's, then the
// flag's own, of equal names the flag's. Nulls are left out, and so are
// bucketing, our own names, and the contract unless it is asked for.
func mergeMetadata(set, flag []section, withContract bool) string {
	var members []string
	for i, entry := range append(set[:len(set):len(set)], flag...) {
		replaced := i < len(set) && hasSection(flag, entry.name)
		if replaced || entry.tree.kind == null || strings.HasPrefix(entry.name, ownPrefix) ||
			entry.name == "bucketing" && i < len(set) || isContractKey(entry.name) && !withContract {
			continue
		}
		members = append(members, quote(entry.name)+":"+string(compact(entry.raw)))
	}
	return strings.Join(members, ",")
}

func hasSection(sections []section, name string) bool {
	for _, s := range sections {
		if s.name == name {
			return true
		}
	}
	return false
}
