package objecttest

import (
	"bytes"
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
)

func getWhatWasCreated(t *testing.T, s object.Store) {
	binary := make([]byte, 70_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(binary) // never fails
	for key, body := range map[string][]byte{
		"manifest.json":           []byte("{}"),
		"revisions/00000042.json": []byte("\r\n\x00\xff"),
		"bundles/a/b/c/d.json.gz": binary,
		"empty":                   {},
	} {
		tag := mustCreate(t, s, key, body)
		wantObject(t, s, key, body, tag)
	}
}

func getMissing(t *testing.T, s object.Store) {
	mustCreate(t, s, "bundles/one", []byte("1"))
	for _, key := range []string{"manifest.json", "bundles/two", "bundles", "a/b/c"} {
		_, err := s.Get(t.Context(), key, "", plenty)
		wantError(t, "get "+key, err, object.ErrNotFound)
	}
	_, err := s.Get(t.Context(), "manifest.json", "some-tag", plenty)
	wantError(t, "get with a tag", err, object.ErrNotFound)
}

func getNotModified(t *testing.T, s object.Store) {
	first := mustCreate(t, s, "head", []byte("one"))
	_, err := s.Get(t.Context(), "head", first, plenty)
	wantError(t, "get with the present tag", err, object.ErrNotModified)

	second := mustReplace(t, s, first, []byte("two"))
	got, err := s.Get(t.Context(), "head", first, plenty)
	if err != nil || string(got.Body) != "two" || got.Tag != second {
		t.Errorf("get with an old tag: got %q, tag %q, error %v; want %q, tag %q", got.Body, got.Tag, err, "two", second)
	}
	_, err = s.Get(t.Context(), "head", second, plenty)
	wantError(t, "get with the new tag", err, object.ErrNotModified)
}

func getLimits(t *testing.T, s object.Store) {
	body := bytes.Repeat([]byte("x"), 5000)
	mustCreate(t, s, "full", body)
	mustCreate(t, s, "empty", nil)
	for _, limit := range []int64{5000, 5001, plenty} {
		if got, err := s.Get(t.Context(), "full", "", limit); err != nil || !bytes.Equal(got.Body, body) {
			t.Errorf("get with limit %d: got %d bytes, error %v", limit, len(got.Body), err)
		}
	}
	for _, limit := range []int64{0, 1, 4999} {
		_, err := s.Get(t.Context(), "full", "", limit)
		wantError(t, "get beyond its limit", err, object.ErrTooLarge)
	}
	if _, err := s.Get(t.Context(), "empty", "", 0); err != nil {
		t.Errorf("get nothing with limit 0: %v", err)
	}
}

func createOnce(t *testing.T, s object.Store) {
	tag := mustCreate(t, s, "head", []byte("first"))
	for _, body := range []string{"second", "first", ""} {
		_, err := s.Create(t.Context(), "head", []byte(body))
		wantError(t, "create again", err, object.ErrExists)
	}
	wantObject(t, s, "head", []byte("first"), tag)
}

func replaceKnown(t *testing.T, s object.Store) {
	tag := mustCreate(t, s, "head", []byte("0"))
	for _, body := range []string{"one", "", "a longer one", "1"} {
		tag = mustReplace(t, s, tag, []byte(body))
		wantObject(t, s, "head", []byte(body), tag)
	}
}

func replaceUnknown(t *testing.T, s object.Store) {
	old := mustCreate(t, s, "head", []byte("one"))
	tag := mustReplace(t, s, old, []byte("two"))
	for what, have := range map[string]string{"an old tag": old, "no tag": "", "a foreign tag": `"0123456789abcdef0123456789abcdef"`} {
		_, err := s.Replace(t.Context(), "head", have, []byte("three"))
		wantError(t, "replace with "+what, err, object.ErrConflict)
	}
	_, err := s.Replace(t.Context(), "missing", tag, []byte("three"))
	wantError(t, "replace what is missing", err, object.ErrConflict)
	_, err = s.Get(t.Context(), "missing", "", plenty)
	wantError(t, "get after a replace of what is missing", err, object.ErrNotFound)
	wantObject(t, s, "head", []byte("two"), tag)
}

func bodiesAreCopies(t *testing.T, s object.Store) {
	body := []byte("untouched")
	tag := mustCreate(t, s, "head", body)
	copy(body, "scribbled")
	got, err := s.Get(t.Context(), "head", "", plenty)
	if err != nil {
		t.Fatal(err)
	}
	copy(got.Body, "scribbled")
	wantObject(t, s, "head", []byte("untouched"), tag)
}

func cancelled(t *testing.T, s object.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for what, err := range everyCall(ctx, s, "head") {
		wantError(t, what, err, context.Canceled)
	}
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantError(t, "get after a cancelled create", err, object.ErrNotFound)
}

func deadline(t *testing.T, s object.Store) {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for what, err := range everyCall(ctx, s, "head") {
		wantError(t, what, err, object.ErrUnavailable)
		wantError(t, what, err, context.DeadlineExceeded)
	}
}

func shownURL(t *testing.T, s object.Store) {
	if url := s.String(); !strings.Contains(url, "://") || strings.ContainsAny(url, "@?") {
		t.Errorf("the store calls itself %q; want a URL without credentials", url)
	}
}
