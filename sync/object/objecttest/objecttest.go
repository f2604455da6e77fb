// Package objecttest is the contract of an object.Store as tests: whatever passes them can carry Burgee's manifests and bundles.
package objecttest

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/burgeehq/burgee/sync/object"
)

// plenty is a limit that no object of these tests reaches.
const plenty = 1 << 20

// Run holds a store to every clause of the interface. Each call of open gives an empty one that nobody else uses.
func Run(t *testing.T, open func(t *testing.T) object.Store) {
	for name, test := range map[string]func(*testing.T, object.Store){
		"get what was created":            getWhatWasCreated,
		"get what is missing":             getMissing,
		"get not modified":                getNotModified,
		"get within limits":               getLimits,
		"create once":                     createOnce,
		"replace what is known":           replaceKnown,
		"replace what is not":             replaceUnknown,
		"bodies are copies":               bodiesAreCopies,
		"list in order":                   listInOrder,
		"list by prefix":                  listByPrefix,
		"list in pages":                   listInPages,
		"list on from a key":              listOn,
		"list nothing":                    listNothing,
		"keys of every letter":            keysOfEveryLetter,
		"what is no key":                  noKeys,
		"a cancelled context":             cancelled,
		"a deadline that has passed":      deadline,
		"one creator wins":                oneCreatorWins,
		"one replacer wins":               oneReplacerWins,
		"readers see old or new":          readersSeeOldOrNew,
		"the URL is shown without secret": shownURL,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func mustCreate(t *testing.T, s object.Store, key string, body []byte) string {
	t.Helper()
	tag, err := s.Create(t.Context(), key, body)
	if err != nil {
		t.Fatalf("create: %v", err)
	}
	if tag == "" {
		t.Fatalf("create %s: no error and no tag", key)
	}
	return tag
}

// mustReplace writes the head, the one object that is ever replaced.
func mustReplace(t *testing.T, s object.Store, have string, body []byte) string {
	t.Helper()
	tag, err := s.Replace(t.Context(), "head", have, body)
	if err != nil {
		t.Fatalf("replace: %v", err)
	}
	if tag == "" {
		t.Fatal("replace: no error and no tag")
	}
	return tag
}

// wantObject reads the object at key and compares it with body and tag.
func wantObject(t *testing.T, s object.Store, key string, body []byte, tag string) {
	t.Helper()
	got, err := s.Get(t.Context(), key, "", plenty)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if !bytes.Equal(got.Body, body) {
		t.Errorf("get %s: got %d bytes that begin %.40q, want %d that begin %.40q", key, len(got.Body), got.Body, len(body), body)
	}
	if got.Tag != tag {
		t.Errorf("get %s: tag %q, but the write gave %q", key, got.Tag, tag)
	}
}

// wantError asks for one of object's words and for an error that names the key.
func wantError(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: got error %v, want %v", what, err, want)
	}
}

// everyCall makes each call of s once, on a key where there is nothing.
func everyCall(ctx context.Context, s object.Store, key string) map[string]error {
	_, get := s.Get(ctx, key, "", plenty)
	_, create := s.Create(ctx, key, []byte("x"))
	_, replace := s.Replace(ctx, key, "tag", []byte("x"))
	_, list := s.List(ctx, key, "", 10)
	return map[string]error{"get": get, "create": create, "replace": replace, "list": list}
}
