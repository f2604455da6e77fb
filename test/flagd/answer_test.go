package flagd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/burgeehq/burgee/eval"
)

// answer is what a client of OFREP reads, of either evaluator. A number is a
// float64, since that is all flagd keeps of it.
type answer struct {
	Value     any
	Variant   string
	Reason    string
	ErrorCode string
	Metadata  map[string]any

	ErrorDetails string // each has its own words, so they are not compared
}

// String is the answer as JSON, for messages.
func (a answer) String() string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(a); err != nil {
		return fmt.Sprintf("%#v", a)
	}
	return string(bytes.TrimSpace(b.Bytes()))
}

// sameDecision compares all but the metadata.
func (a answer) sameDecision(b answer) bool {
	return a.Variant == b.Variant && a.Reason == b.Reason && a.ErrorCode == b.ErrorCode && reflect.DeepEqual(a.Value, b.Value)
}

func (a answer) sameMetadata(b answer) bool {
	if len(a.Metadata) == 0 && len(b.Metadata) == 0 {
		return true
	}
	return reflect.DeepEqual(a.Metadata, b.Metadata)
}

// burgee answers from a document as the sidecar does.
type burgee struct {
	rules *eval.Ruleset
	ctx   eval.Context
}

func newBurgee(doc string, opts eval.Options) (*burgee, error) {
	parsed, err := eval.Parse([]byte(doc), eval.LoadLimits())
	if err != nil {
		return nil, err
	}
	return &burgee{rules: eval.Compile(parsed, opts)}, nil
}

// setContext reads the context that the next answers are for.
func (b *burgee) setContext(object string) error { return b.ctx.Parse([]byte(object)) }

// raw is the body of the answer; it is shared, and read only.
func (b *burgee) raw(key string, now int64) eval.Answer {
	flag := b.rules.Lookup([]byte(key))
	if flag == nil {
		return eval.NotFound(key)
	}
	return flag.Evaluate(&b.ctx, now)
}

func (b *burgee) answer(key string, now int64) (answer, error) {
	var a answer
	body := b.raw(key, now).JSON
	if err := json.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("flag %q: %s: %w", key, body, err)
	}
	return a, nil
}
