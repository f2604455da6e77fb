package s3

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/object/objecttest"
	"github.com/burgeehq/burgee/test/versitygw"
)

const (
	bucket = "flags"
	plenty = 1 << 20
)

func open(t *testing.T, cfg Config) *Store {
	t.Helper()
	s, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *Store, key, body string) string {
	t.Helper()
	tag, err := s.Create(t.Context(), key, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// wantRefusal asks for the sentinel, for words that a person can act on, and for one line without secrets.
func wantRefusal(t *testing.T, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
	if strings.ContainsAny(err.Error(), "\n\r") || strings.Contains(err.Error(), "X-Amz") || len(err.Error()) > 500 {
		t.Errorf("error is not fit for a log: %q", err)
	}
}

func TestContract(t *testing.T) {
	server := versitygw.Start(t)
	server.Setenv(t, server.Root)
	server.Bucket(t, bucket)
	stores := 0
	objecttest.Run(t, func(t *testing.T) object.Store {
		stores++
		s := open(t, Config{Bucket: bucket, Prefix: fmt.Sprintf("shop=%d/prod", stores), PathStyle: true})
		s.page = 7
		return s
	})
}

func TestWholeBucketIsAStore(t *testing.T) {
	server := versitygw.Start(t)
	server.Setenv(t, server.Root)
	server.Bucket(t, bucket)
	s := open(t, Config{Bucket: bucket, PathStyle: true})
	create(t, s, "manifest.json", "{}")
	create(t, open(t, Config{Bucket: bucket, Prefix: "shop", PathStyle: true}), "manifest.json", "{}")
	keys, err := s.List(t.Context(), "", "", 10)
	if want := []string{"manifest.json", "shop/manifest.json"}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("list: got %q, error %v; want %q", keys, err, want)
	}
}

func TestWhoMayDoWhat(t *testing.T) {
	server := versitygw.Start(t)
	server.Bucket(t, bucket)
	as := func(c versitygw.Credentials) *Store {
		server.Setenv(t, c)
		return open(t, Config{Bucket: bucket, PathStyle: true})
	}
	tag := create(t, as(server.Root), "head", "one")

	for who, c := range map[string]versitygw.Credentials{
		"a wrong secret":            {AccessKey: server.Root.AccessKey, SecretKey: "a-wrong-secret"},
		"an unknown key":            {AccessKey: "nobody-knows-me", SecretKey: "a-wrong-secret"},
		"an account without rights": server.User(t),
	} {
		t.Run(who, func(t *testing.T) {
			s := as(c)
			_, err := s.Get(t.Context(), "head", "", plenty)
			wantRefusal(t, err, object.ErrForbidden, "get s3://flags/head: access denied: 403 ")
			_, err = s.List(t.Context(), "", "", 10)
			wantRefusal(t, err, object.ErrForbidden, "list s3://flags/: access denied: 403 ")
			_, err = s.Create(t.Context(), "head", nil)
			wantRefusal(t, err, object.ErrForbidden)
		})
	}

	reader := as(server.Reader(t, bucket))
	if got, err := reader.Get(t.Context(), "head", "", plenty); err != nil || string(got.Body) != "one" {
		t.Errorf("reader's get: %q, error %v", got.Body, err)
	}
	_, err := reader.Get(t.Context(), "missing", "", plenty)
	wantRefusal(t, err, object.ErrNotFound)
	_, err = reader.Create(t.Context(), "new", nil)
	wantRefusal(t, err, object.ErrForbidden, "create s3://flags/new: access denied: 403 AccessDenied")
	_, err = reader.Replace(t.Context(), "head", tag, nil)
	wantRefusal(t, err, object.ErrForbidden, "replace s3://flags/head: access denied: 403 AccessDenied")
}

func TestMissingBucket(t *testing.T) {
	server := versitygw.Start(t)
	server.Setenv(t, server.Root)
	s := open(t, Config{Bucket: "nowhere", PathStyle: true})
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrNoStore, "s3://nowhere/head: no such bucket or folder: 404 NoSuchBucket")
	_, err = s.Create(t.Context(), "head", nil)
	wantRefusal(t, err, object.ErrNoStore)
	_, err = s.Replace(t.Context(), "head", `"tag"`, nil)
	wantRefusal(t, err, object.ErrNoStore)
	_, err = s.List(t.Context(), "", "", 10)
	wantRefusal(t, err, object.ErrNoStore)
}

func TestOutageFailsFastAndIsGotOver(t *testing.T) {
	server := versitygw.Start(t)
	server.Setenv(t, server.Root)
	server.Bucket(t, bucket)
	s := open(t, Config{Bucket: bucket, PathStyle: true})
	create(t, s, "head", "one")

	server.Stop()
	began := time.Now()
	_, err := s.Get(t.Context(), "head", "", plenty)
	wantRefusal(t, err, object.ErrUnavailable)
	_, err = s.Create(t.Context(), "other", nil)
	wantRefusal(t, err, object.ErrUnavailable)
	if took := time.Since(began); took > time.Second {
		t.Errorf("two calls of a dead server took %v", took)
	}

	server.Restart(t)
	if got, err := s.Get(t.Context(), "head", "", plenty); err != nil || string(got.Body) != "one" {
		t.Errorf("get after the outage: %q, error %v", got.Body, err)
	}
}
