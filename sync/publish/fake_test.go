package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/burgeehq/burgee/sync/object"
)

// fault is what happens to one call of a store.
type fault int

const (
	none       fault = iota
	failBefore       // the call never arrived
	lostAnswer       // it did its work, and the answer got lost
	retried          // it did its work, the client tried again, and the second answer is a refusal
	forbidden        // access denied
	killBefore       // the publisher dies before the call
	killAfter        // the publisher dies after it
)

var faults = map[fault]string{
	failBefore: "fail before", lostAnswer: "lost answer", retried: "retried", forbidden: "forbidden",
	killBefore: "kill before", killAfter: "kill after",
}

// killed is what a fake panics with where a process would be gone.
type killed struct{}

// fake is a store in memory. Its plan decides on a fault for each call, and may itself use the store as somebody else would.
type fake struct {
	mu      sync.Mutex
	objects map[string][]byte
	calls   int
	plan    func(call int, op, key string) fault
	done    func(op string) // called when a call has done its work, before its answer
}

func newFake() *fake { return &fake{objects: map[string][]byte{}} }

var _ object.Store = (*fake)(nil)

func (f *fake) String() string { return "fake://" }

func (f *fake) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	var got object.Object
	err := f.call(ctx, "get", key, nil, func() error {
		body, ok := f.objects[key]
		switch {
		case !ok:
			return object.ErrNotFound
		case have != "" && tag(body) == have:
			return object.ErrNotModified
		case int64(len(body)) > limit:
			return object.ErrTooLarge
		}
		got = object.Object{Body: bytes.Clone(body), Tag: tag(body)}
		return nil
	})
	if err != nil {
		return object.Object{}, err
	}
	return got, nil
}

func (f *fake) Create(ctx context.Context, key string, body []byte) (string, error) {
	return tag(body), f.call(ctx, "create", key, object.ErrExists, func() error {
		if _, ok := f.objects[key]; ok {
			return object.ErrExists
		}
		f.objects[key] = bytes.Clone(body)
		return nil
	})
}

func (f *fake) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	return tag(body), f.call(ctx, "replace", key, object.ErrConflict, func() error {
		if held, ok := f.objects[key]; !ok || tag(held) != have {
			return object.ErrConflict
		}
		f.objects[key] = bytes.Clone(body)
		return nil
	})
}

func (f *fake) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	var keys []string
	err := f.call(ctx, "list", prefix, nil, func() error {
		for _, key := range slices.Sorted(maps.Keys(f.objects)) {
			if strings.HasPrefix(key, prefix) && key > after && len(keys) < limit {
				keys = append(keys, key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// call does one call's work, or lets it meet its fault. The second answer of a retried write is again.
func (f *fake) call(ctx context.Context, op, key string, again error, work func() error) error {
	f.mu.Lock()
	f.calls++
	call, plan := f.calls, f.plan
	f.mu.Unlock()
	met := none
	if plan != nil {
		met = plan(call, op, key)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	switch met {
	case failBefore:
		return fmt.Errorf("%s %s: %w", op, key, object.ErrUnavailable)
	case forbidden:
		return fmt.Errorf("%s %s: %w", op, key, object.ErrForbidden)
	case killBefore:
		panic(killed{})
	}
	f.mu.Lock()
	err := work()
	f.mu.Unlock()
	if f.done != nil {
		f.done(op)
	}
	switch {
	case met == killAfter:
		panic(killed{})
	case met == lostAnswer:
		return errors.New("connection reset by peer")
	case met == retried && err == nil && again != nil:
		return fmt.Errorf("%s %s: %w", op, key, again)
	case err != nil:
		return fmt.Errorf("%s %s: %w", op, key, err)
	}
	return nil
}

// put overwrites the object at key, or takes it away where body is nil.
func (f *fake) put(key string, body []byte) {
	f.objects[key] = body
	if body == nil {
		delete(f.objects, key)
	}
}

func (f *fake) snapshot() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.objects)
}

func tag(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}
