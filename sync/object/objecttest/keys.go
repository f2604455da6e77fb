package objecttest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/object"
)

// inOrder are keys as bytes order them, which is not how a folder's names do: "-" comes before "/" and that before "0".
var inOrder = []string{"a", "b-c", "b/c", "b/d/e", "b/d0", "b0", "revisions/00000009.json", "revisions/00000010.json", "z"}

func createAll(t *testing.T, s object.Store, keys []string) {
	t.Helper()
	for _, key := range slices.Backward(keys) {
		mustCreate(t, s, key, []byte(key))
	}
}

func wantKeys(t *testing.T, s object.Store, prefix string, limit int, want []string) {
	t.Helper()
	wantKeysAfter(t, s, prefix, "", limit, want)
}

func wantKeysAfter(t *testing.T, s object.Store, prefix, after string, limit int, want []string) {
	t.Helper()
	got, err := s.List(t.Context(), prefix, after, limit)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("list %q after %q, at most %d: got %q, want %q", prefix, after, limit, got, want)
	}
}

func listInOrder(t *testing.T, s object.Store) {
	createAll(t, s, inOrder)
	wantKeys(t, s, "", 100, inOrder)
	for _, limit := range []int{0, 1, 4, len(inOrder)} {
		wantKeys(t, s, "", limit, inOrder[:limit])
	}
}

func listByPrefix(t *testing.T, s object.Store) {
	createAll(t, s, inOrder)
	wantKeys(t, s, "b", 100, []string{"b-c", "b/c", "b/d/e", "b/d0", "b0"})
	wantKeys(t, s, "b/", 100, []string{"b/c", "b/d/e", "b/d0"})
	wantKeys(t, s, "b/d", 100, []string{"b/d/e", "b/d0"})
	wantKeys(t, s, "b/d/e", 100, []string{"b/d/e"})
	wantKeys(t, s, "b/d/e/", 100, nil)
	wantKeys(t, s, "revisions/0000001", 1, []string{"revisions/00000010.json"})
	wantKeys(t, s, "nothing/here", 100, nil)
}

// listInPages takes more keys than a store that was told to page early gives at once.
func listInPages(t *testing.T, s object.Store) {
	var keys []string
	for i := range 25 {
		keys = append(keys, fmt.Sprintf("revisions/%08d.json", i))
	}
	createAll(t, s, keys)
	wantKeys(t, s, "revisions/", 100, keys)
	wantKeys(t, s, "revisions/", 25, keys)
	wantKeys(t, s, "revisions/", 24, keys[:24])
	wantKeys(t, s, "revisions/", 11, keys[:11])
}

// listOn goes on behind every key in turn, behind what is no object, and by pages of every size.
func listOn(t *testing.T, s object.Store) {
	createAll(t, s, inOrder)
	for i, key := range inOrder {
		wantKeysAfter(t, s, "", key, 100, inOrder[i+1:])
	}
	wantKeysAfter(t, s, "", "b-d", 2, []string{"b/c", "b/d/e"}) // orders as bytes, and need not be there
	wantKeysAfter(t, s, "b/", "a", 100, []string{"b/c", "b/d/e", "b/d0"})
	wantKeysAfter(t, s, "b/", "b/d/e", 100, []string{"b/d0"})
	wantKeysAfter(t, s, "b/", "z", 100, nil)
	for size := 1; size <= len(inOrder); size++ {
		var all []string
		for last := ""; ; last = all[len(all)-1] {
			page, err := s.List(t.Context(), "", last, size)
			if err != nil {
				t.Fatalf("list after %q: %v", last, err)
			}
			if len(page) == 0 {
				break
			}
			all = append(all, page...)
		}
		if !slices.Equal(all, inOrder) {
			t.Errorf("by pages of %d: %q", size, all)
		}
	}
}

func listNothing(t *testing.T, s object.Store) {
	wantKeys(t, s, "", 10, nil)
	wantKeys(t, s, "revisions/", 10, nil)
}

func keysOfEveryLetter(t *testing.T, s object.Store) {
	keys := []string{
		"!-_.*'()=+,",
		"'quoted'",
		"(a)/(b)",
		"*",
		"-rf",
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ/abcdefghijklmnopqrstuvwxyz.0123456789",
		"a+b=c,d",
		"env=prod/part..1/x..",
		strings.Repeat("k", 240),
		strings.Repeat("long/", 100) + "key",
	}
	slices.Sort(keys)
	createAll(t, s, keys)
	for _, key := range keys {
		if got, err := s.Get(t.Context(), key, "", plenty); err != nil || string(got.Body) != key {
			t.Errorf("get %s: got %q, error %v", key, got.Body, err)
		}
	}
	wantKeys(t, s, "", 100, keys)
}

func noKeys(t *testing.T, s object.Store) {
	for _, key := range []string{
		"/", "/a", "a//b", "..", "../a", "a/../b", "./a", "a/.", ".hidden", "a/.hidden", "a b", "a\x00b", "a\nb", "ü", "a%2fb",
		`a\b`, "a?b", "a@b", "a#b", "s3://b/k", strings.Repeat("k", 241), strings.Repeat("k/", 300) + "k",
	} {
		for what, err := range everyCall(t.Context(), s, key) {
			wantError(t, fmt.Sprintf("%s %.20q", what, key), err, object.ErrKey)
		}
	}
	_, err := s.Get(t.Context(), "", "", plenty)
	wantError(t, "get without a key", err, object.ErrKey)
	wantKeys(t, s, "", 100, nil)
}
