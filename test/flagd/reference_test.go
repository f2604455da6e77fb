package flagd

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/service/ofrep"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"go.uber.org/zap"
)

// source is the name under which flagd keeps the one document that it has.
const source = "agreement"

// reference is flagd itself: its store, its evaluator, and the call and the
// rendering that its OFREP endpoint uses.
type reference struct {
	flagd *evaluator.JSON
	ctx   map[string]any
}

func newReference() (*reference, error) {
	quiet := logger.NewLogger(zap.NewNop(), false)
	flags, err := store.NewStore(quiet, []string{source})
	if err != nil {
		return nil, err
	}
	return &reference{flagd: evaluator.NewJSON(quiet, flags)}, nil
}

// load replaces the document. A flagd that runs does the same with a file that
// changed; making a new one for each document would mostly compile its schema.
func (r *reference) load(doc string) error {
	return r.flagd.SetState(sync.DataSync{FlagData: doc, Source: source})
}

// setContext reads the context that the next answers are for.
func (r *reference) setContext(object string) error {
	r.ctx = nil
	return json.Unmarshal([]byte(object), &r.ctx)
}

// setRequest reads the context from the body of a request, as the endpoint does.
func (r *reference) setRequest(body string) error {
	var request ofrep.Request
	if err := json.Unmarshal([]byte(body), &request); err != nil {
		return err
	}
	object, ok := request.Context.(map[string]any)
	if !ok {
		object = make(map[string]any)
	}
	r.ctx = object
	return nil
}

func (r *reference) answer(key string) answer {
	return toAnswer(r.flagd.ResolveAsAnyValue(context.Background(), "", key, r.ctx))
}

// raw is the body that flagd's OFREP endpoint sends, less the escapes that HTML
// would need: a case that differs is to differ by more than those.
func (r *reference) raw(key string) ([]byte, error) {
	resolved := r.flagd.ResolveAsAnyValue(context.Background(), "", key, r.ctx)
	var body any = ofrep.SuccessResponseFrom(resolved)
	if resolved.Error != nil {
		_, body = ofrep.EvaluationErrorResponseFrom(resolved)
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(body)
	return b.Bytes(), err
}

// bulk is what flagd's OFREP endpoint answers for all flags, by key.
func (r *reference) bulk() (map[string]answer, error) {
	all, _, err := r.flagd.ResolveAllValues(context.Background(), "", r.ctx)
	if err != nil {
		return nil, fmt.Errorf("all flags of flagd: %w", err)
	}
	answers := make(map[string]answer, len(all))
	for _, resolved := range all {
		answers[resolved.FlagKey] = toAnswer(resolved)
	}
	return answers, nil
}

// toAnswer renders as the endpoint does, without going through text.
func toAnswer(resolved evaluator.AnyValue) answer {
	if resolved.Error != nil {
		_, body := ofrep.EvaluationErrorResponseFrom(resolved)
		return answer{ErrorCode: body.ErrorCode, Metadata: body.Metadata}
	}
	body := ofrep.SuccessResponseFrom(resolved)
	return answer{Value: body.Value, Variant: body.Variant, Reason: body.Reason, Metadata: body.Metadata}
}
