package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
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
	late             // it got no answer, and does its work when its publisher has gone on; for bubbles, whose clock it waits for
)

var faults = map[fault]string{
	failBefore: "fail before", lostAnswer: "lost answer", retried: "retried", forbidden: "forbidden",
	killBefore: "kill before", killAfter: "kill after",
}

// killed is what a fake panics with where a process would be gone.
type killed struct{}

// lateness bounds how long a call that is late takes.
const lateness = 100 * time.Millisecond

// memory is what a store holds, and each head that it ever held.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	moment  int64 // of the last thing that happened
	commits []commit
}

// commit is one write of a head.
type commit struct {
	moment int64
	raw    []byte
}

// now gives a moment of its own to whoever begins something, or has ended it.
func (m *memory) now() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.moment++
	return m.moment
}

// store writes an object. Whoever calls it holds the mutex.
func (m *memory) store(key string, body []byte) {
	m.objects[key] = bytes.Clone(body)
	if key == bundle.HeadKey {
		m.moment++
		m.commits = append(m.commits, commit{m.moment, m.objects[key]})
	}
}

// fake is a store in memory. Its plan decides on a fault for each call, and may itself use the store as somebody else would.
type fake struct {
	*memory
	calls int
	plan  func(call int, op, key string) fault
	done  func(op string) // called when a call has done its work, before its answer
}

func newFake() *fake { return &fake{memory: &memory{objects: map[string][]byte{}}} }

// another is another way to the same store, with a plan of its own.
func (f *fake) another(plan func(call int, op, key string) fault) *fake {
	return &fake{memory: f.memory, plan: plan}
}

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
		f.store(key, body)
		return nil
	})
}

func (f *fake) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	return tag(body), f.call(ctx, "replace", key, object.ErrConflict, func() error {
		if held, ok := f.objects[key]; !ok || tag(held) != have {
			return object.ErrConflict
		}
		f.store(key, body)
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
	case late:
		time.AfterFunc(rand.N(lateness), func() {
			f.mu.Lock()
			defer f.mu.Unlock()
			_ = work() // nobody is told
		})
		return fmt.Errorf("%s %s: %w", op, key, object.ErrUnavailable)
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
