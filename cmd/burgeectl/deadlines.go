package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

// What a store has for one call: callTime, and beside it what the bytes that the call may move take at the slowest pace.
const (
	callTime    = 30 * time.Second
	slowestPace = 64 << 10 // bytes a second
	listedKey   = 1 << 10  // bytes that one key takes in a list, generously
)

// deadlines is a store whose every call ends: one that answers by trickles would else hold a pipeline for ever.
type deadlines struct{ object.Store }

// Get has time for an object as large as its limit.
func (d deadlines) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	return within(ctx, d.what("get", key), limit, func(ctx context.Context) (object.Object, error) {
		return d.Store.Get(ctx, key, have, limit)
	})
}

// Create has time for its body.
func (d deadlines) Create(ctx context.Context, key string, body []byte) (string, error) {
	return within(ctx, d.what("create", key), int64(len(body)), func(ctx context.Context) (string, error) {
		return d.Store.Create(ctx, key, body)
	})
}

// Replace has time for its body.
func (d deadlines) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	return within(ctx, d.what("replace", key), int64(len(body)), func(ctx context.Context) (string, error) {
		return d.Store.Replace(ctx, key, have, body)
	})
}

// List has time for as many keys as its limit.
func (d deadlines) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return within(ctx, d.what("list", prefix), int64(limit)*listedKey, func(ctx context.Context) ([]string, error) {
		return d.Store.List(ctx, prefix, after, limit)
	})
}

func (d deadlines) what(call, key string) string { return fmt.Sprintf("%s %s/%s", call, d.Store, key) }

// within gives a call its time. What runs out of it stays object.ErrUnavailable: nobody knows what became of a write.
func within[T any](ctx context.Context, what string, size int64, call func(context.Context) (T, error)) (T, error) {
	given := callTime + time.Duration(size)*time.Second/slowestPace
	limited, cancel := context.WithTimeout(ctx, given)
	defer cancel()
	got, err := call(limited)
	if ended := errors.Is(err, object.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded); ended && ctx.Err() == nil && limited.Err() != nil {
		err = fmt.Errorf("%s: %w: the store is too slow: not done within %s", what, object.ErrUnavailable, given.Round(time.Second))
	}
	return got, err
}
