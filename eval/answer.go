package eval

import (
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// Answer is what a flag evaluates to.
type Answer struct {
	// JSON is the whole OFREP body for the flag. It is shared by all who get
	// this answer: nobody may change it. Its last member is the metadata.
	JSON []byte

	Sum        uint64    // a hash of JSON, by which many answers together can be told apart
	Variant    int       // position in the flag's Variants, or -1
	Reason     Reason    // Failed where there is an error
	Code       ErrorCode // NoError where there is none
	FailClosed bool      // the safe variant, since the flag is broken or fails closed
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

// rendered is an answer without its text.
type rendered struct {
	sum        uint64
	start, end uint32 // in the flag's text
	variant    int32
	reason     Reason
	code       ErrorCode
	failClosed bool
}

// answer joins what was rendered with the text that holds it.
func (r rendered) answer(text []byte) Answer {
	return Answer{JSON: text[r.start:r.end:r.end], Sum: r.sum, Variant: int(r.variant), Reason: r.reason, Code: r.code, FailClosed: r.failClosed}
}

// place says where an answer stands that was just written.
func place(text []byte, start int, r rendered) rendered {
	r.start, r.end, r.sum = uint32(start), uint32(len(text)), xxhash.Sum64(text[start:])
	return r
}

// appendServed writes an answer with a variant. A null has no value that a
// client could take, which flagd answers with an error.
func (r renderer) appendServed(dst []byte, reason Reason, index int, v variant, own string) ([]byte, rendered) {
	if v.kind == null {
		return r.appendFailure(dst, General, "the variant "+quote(v.name)+" has the value null")
	}
	start := len(dst)
	dst = append(append(dst, `{"key":`...), r.key...)
	dst = append(append(dst, `,"value":`...), compact(v.raw)...)
	dst = appendReason(dst, reason)
	if v.name != "" { // flagd leaves out the variant with the empty name
		dst, _ = jsontext.AppendQuote(append(dst, `,"variant":`...), v.name)
	}
	dst = r.appendMetadata(dst, own)
	return dst, place(dst, start, rendered{variant: int32(index), reason: reason})
}

// appendBare writes an answer without a variant: the code's own default, or disabled.
func (r renderer) appendBare(dst []byte, reason Reason) ([]byte, rendered) {
	start := len(dst)
	dst = append(append(dst, `{"key":`...), r.key...)
	dst = r.appendMetadata(appendReason(dst, reason), "")
	return dst, place(dst, start, rendered{variant: -1, reason: reason})
}

func (r renderer) appendFailure(dst []byte, code ErrorCode, details string) ([]byte, rendered) {
	start := len(dst)
	dst = append(append(dst, `{"key":`...), r.key...)
	dst = append(append(dst, `,"errorCode":"`...), code.String()...)
	dst = append(append(dst, `","errorDetails":`...), quote(details)...)
	dst = r.appendMetadata(dst, "")
	return dst, place(dst, start, rendered{variant: -1, reason: Failed, code: code})
}

func (r renderer) failure(code ErrorCode, details string) Answer {
	text, failed := r.appendFailure(nil, code, details)
	return failed.answer(text)
}

func appendReason(dst []byte, reason Reason) []byte {
	dst = append(append(dst, `,"reason":"`...), reason.String()...)
	return append(dst, '"')
}

func (r renderer) appendMetadata(dst []byte, own string) []byte {
	dst = append(append(dst, `,"metadata":{`...), r.metadata...)
	if own != "" && r.metadata != "" {
		dst = append(dst, ',')
	}
	return append(append(dst, own...), "}}"...)
}

func quote(s string) string {
	quoted, _ := jsontext.AppendQuote(nil, s) // invalid UTF-8 is replaced, which is what a message wants
	return string(quoted)
}

// mergeMetadata writes the members of an answer's metadata: the set's, then the
// flag's own, of equal names the flag's. Nulls are left out, and so are
// bucketing, our own names, and the contract unless it is asked for.
func mergeMetadata(set, flag []section, withContract bool) string {
	var members strings.Builder
	own := make(map[string]bool, len(flag))
	for _, entry := range flag {
		own[entry.name] = true
	}
	for i, entry := range append(set[:len(set):len(set)], flag...) {
		if i < len(set) && own[entry.name] || entry.kind == null || strings.HasPrefix(entry.name, ownPrefix) ||
			entry.name == "bucketing" && i < len(set) || isContractKey(entry.name) && !withContract {
			continue
		}
		if members.Len() > 0 {
			members.WriteByte(',')
		}
		members.WriteString(quote(entry.name))
		members.WriteByte(':')
		members.Write(compact(entry.raw))
	}
	return members.String()
}
