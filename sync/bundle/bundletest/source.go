package bundletest

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// Source is a store in memory that can be made to misbehave.
type Source struct {
	mu      sync.Mutex
	objects map[string]entry
	writes  int
	gets    map[string]int
	// Fault is asked before each read; nil or a nil error reads normally, and change may spoil what is read.
	fault func(ctx context.Context, key string) (change func([]byte) []byte, err error)
}

type entry struct {
	body []byte
	tag  string
}

// NewSource makes an empty one.
func NewSource() *Source {
	return &Source{objects: map[string]entry{}, gets: map[string]int{}}
}

// Publish puts a revision in place, bundle first.
func (s *Source) Publish(m Made) {
	s.Put(bundle.Key(m.Ref.Digest), m.Bundle)
	s.Put(bundle.HeadKey, m.Head)
}

// Put writes an object; nil removes it.
func (s *Source) Put(key string, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if body == nil {
		delete(s.objects, key)
		return
	}
	s.writes++
	s.objects[key] = entry{body, strconv.Itoa(s.writes)}
}

// Break sets what happens before each read; nil mends.
func (s *Source) Break(fault func(ctx context.Context, key string) (func([]byte) []byte, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Gets counts the reads of a key.
func (s *Source) Gets(key string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gets[key]
}

// Get is object.Store's.
func (s *Source) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	s.mu.Lock()
	fault := s.fault
	found, ok := s.objects[key]
	s.gets[key]++
	s.mu.Unlock()
	body := found.body
	if fault != nil {
		change, err := fault(ctx, key)
		if err != nil {
			return object.Object{}, err
		}
		if change != nil {
			body = change(append([]byte(nil), body...))
		}
	}
	if err := check(ctx, key); err != nil {
		return object.Object{}, err
	}
	switch {
	case !ok:
		return object.Object{}, object.ErrNotFound
	case have != "" && have == found.tag:
		return object.Object{}, object.ErrNotModified
	case int64(len(body)) > limit:
		return object.Object{}, object.ErrTooLarge
	}
	return object.Object{Body: append([]byte(nil), body...), Tag: found.tag}, nil
}

func check(ctx context.Context, key string) error {
	return errors.Join(object.Ended(ctx), object.CheckKey(key))
}

// Create is object.Store's.
func (s *Source) Create(ctx context.Context, key string, body []byte) (string, error) {
	return s.write(ctx, key, body, func(_ entry, there bool) error {
		if there {
			return object.ErrExists
		}
		return nil
	})
}

// Replace is object.Store's.
func (s *Source) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	return s.write(ctx, key, body, func(now entry, there bool) error {
		if !there || now.tag != have {
			return object.ErrConflict
		}
		return nil
	})
}

func (s *Source) write(ctx context.Context, key string, body []byte, may func(now entry, there bool) error) (string, error) {
	if err := check(ctx, key); err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, there := s.objects[key]
	if err := may(now, there); err != nil {
		return "", err
	}
	s.writes++
	s.objects[key] = entry{append([]byte{}, body...), strconv.Itoa(s.writes)}
	return s.objects[key].tag, nil
}

// List is object.Store's.
func (s *Source) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := errors.Join(object.Ended(ctx), object.CheckPrefix(prefix)); err != nil {
		return nil, err
	}
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(s.Objects())) {
		if strings.HasPrefix(key, prefix) && key > after && len(keys) < limit {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// String is object.Store's.
func (s *Source) String() string { return "memory://" }

// Objects are all that it holds. What they hold must not be changed.
func (s *Source) Objects() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	objects := map[string][]byte{}
	for key, held := range s.objects {
		objects[key] = held.body
	}
	return objects
}

var _ object.Store = (*Source)(nil)
