// Package provider is OpenFeature's provider for Go that asks a Burgee sidecar, one flag at a time, in the state that the context's
// snapshot names.
//
// An application gets the default that it gives with the call whenever there is no better value: the sidecar is away, slow or makes no
// sense, the flag is not there, is disabled, leaves the value to the code, or has another type. It does not cache: each evaluation is a
// call over the socket, and a kill acts at once.
package provider

import (
	"context"
	"errors"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/burgeehq/burgee/sidecar/client"
)

// Provider evaluates flags through a client. It has no state of its own: whoever made the client closes it.
type Provider struct {
	client *client.Client
}

var _ openfeature.FeatureProvider = (*Provider)(nil)

// New gives a provider that asks through the client. It is ready at once, whether the sidecar is there or not.
func New(c *client.Client) *Provider { return &Provider{client: c} }

// Metadata names the provider.
func (p *Provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: "burgee"} }

// Hooks are none.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// BooleanEvaluation asks for true or false.
func (p *Provider) BooleanEvaluation(ctx context.Context, key string, code bool, attributes openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return resolve(ctx, p.client, key, code, attributes, readBool)
}

// StringEvaluation asks for a string.
func (p *Provider) StringEvaluation(ctx context.Context, key string, code string, attributes openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	return resolve(ctx, p.client, key, code, attributes, readString)
}

// FloatEvaluation asks for a number.
func (p *Provider) FloatEvaluation(ctx context.Context, key string, code float64, attributes openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return resolve(ctx, p.client, key, code, attributes, readFloat)
}

// IntEvaluation asks for a whole number; it is exact up to the bounds of an int64.
func (p *Provider) IntEvaluation(ctx context.Context, key string, code int64, attributes openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return resolve(ctx, p.client, key, code, attributes, readInt)
}

// ObjectEvaluation asks for an object or a list, as encoding/json gives it, but for whole numbers that a float64 would round: those are
// int64, or json.Number where they are larger still.
func (p *Provider) ObjectEvaluation(ctx context.Context, key string, code any, attributes openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return resolve(ctx, p.client, key, code, attributes, readObject)
}

// resolve asks for one flag and reads its value, whose type only the caller knows.
func resolve[T any](
	ctx context.Context, c *client.Client, key string, code T, attributes map[string]any, read func([]byte) (T, bool),
) openfeature.GenericResolutionDetail[T] {
	detail := openfeature.GenericResolutionDetail[T]{Value: code}
	flag, err := c.Evaluate(ctx, key, attributes)
	if err != nil {
		return failed(detail, unanswered(err))
	}
	detail.FlagMetadata = flag.Metadata
	if flag.ErrorCode != "" {
		return failed(detail, refused(flag))
	}
	detail.Reason = openfeature.Reason(flag.Reason)
	if flag.Reason == "" {
		detail.Reason = openfeature.UnknownReason
	}
	if flag.Value == nil {
		return detail // disabled, or left to the code
	}
	value, fits := read(flag.Value)
	if !fits {
		return failed(detail, openfeature.NewTypeMismatchResolutionError("its value is of another type than was asked for: "+excerpt(flag.Value)))
	}
	detail.Value, detail.Variant = value, flag.Variant
	return detail
}

func failed[T any](d openfeature.GenericResolutionDetail[T], err openfeature.ResolutionError) openfeature.GenericResolutionDetail[T] {
	d.ResolutionError, d.Reason = err, openfeature.ErrorReason
	return d
}

// unanswered is the error where there was no answer.
func unanswered(err error) openfeature.ResolutionError {
	if errors.Is(err, client.ErrContext) {
		return openfeature.NewInvalidContextResolutionError(err.Error())
	}
	return openfeature.NewGeneralResolutionError(err.Error(), err)
}

// refused is the error that the sidecar answered with.
func refused(flag client.Flag) openfeature.ResolutionError {
	switch openfeature.ErrorCode(flag.ErrorCode) {
	case openfeature.FlagNotFoundCode:
		return openfeature.NewFlagNotFoundResolutionError(flag.ErrorDetails)
	case openfeature.ParseErrorCode:
		return openfeature.NewParseErrorResolutionError(flag.ErrorDetails)
	case openfeature.TargetingKeyMissingCode:
		return openfeature.NewTargetingKeyMissingResolutionError(flag.ErrorDetails)
	case openfeature.InvalidContextCode:
		return openfeature.NewInvalidContextResolutionError(flag.ErrorDetails)
	case openfeature.TypeMismatchCode:
		return openfeature.NewTypeMismatchResolutionError(flag.ErrorDetails)
	default:
		return openfeature.NewGeneralResolutionError(flag.ErrorDetails)
	}
}

// excerpt bounds what an error repeats of a value.
func excerpt(value []byte) string {
	const most = 60
	if len(value) > most {
		return string(value[:most]) + "…"
	}
	return string(value)
}
