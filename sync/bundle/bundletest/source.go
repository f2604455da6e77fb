package bundletest

import (
	"context"
	"strconv"
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
	switch {
	case ctx.Err() != nil:
		return object.Object{}, object.Ended(ctx)
	case !ok:
		return object.Object{}, object.ErrNotFound
	case have != "" && have == found.tag:
		return object.Object{}, object.ErrNotModified
	case int64(len(body)) > limit:
		return object.Object{}, object.ErrTooLarge
	}
	return object.Object{Body: append([]byte(nil), body...), Tag: found.tag}, nil
}
