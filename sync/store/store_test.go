package store_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

func TestOpen(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_PROFILE", "")
	for rawURL, want := range map[string]string{
		"file:///srv/flags":           "file:///srv/flags",
		"file:///srv/my%20flags/":     "file:///srv/my%20flags",
		"file:///srv/a@b":             "file:///srv/a@b",
		"s3://flags":                  "s3://flags",
		"s3://flags/":                 "s3://flags",
		"s3://flags/shop/prod":        "s3://flags/shop/prod",
		"s3://flags/env=prod/shop/":   "s3://flags/env=prod/shop",
		"s3://my-flags.example/1.0/x": "s3://my-flags.example/1.0/x",
	} {
		s, err := store.Open(t.Context(), rawURL, store.Options{S3PathStyle: true, Attempts: store.PublishAttempts})
		if err != nil {
			t.Errorf("open %s: %v", rawURL, err)
		} else if s.String() != want {
			t.Errorf("open %s: it is %s, want %s", rawURL, s, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Setenv("AWS_REGION", "us-east-1")
	for rawURL, want := range map[string]string{
		"":                           "no URL",
		"flags":                      "no URL",
		"/srv/flags":                 "no URL",
		"file:/srv/flags":            "no URL",
		"gs://flags":                 `unknown scheme "gs"`,
		"https://flags.example/x":    `unknown scheme "https"`,
		"://flags":                   `unknown scheme ""`,
		"file://":                    "relative",
		"file:///":                   "root of the file system",
		"file://srv/flags":           `no host, and "srv"`,
		"file://localhost/flags":     `no host, and "localhost"`,
		"file://./flags":             "no host",
		"s3://":                      `bucket ""`,
		"s3:///shop":                 `bucket ""`,
		"s3://flags/shop//prod":      "prefix",
		"s3://flags/../prod":         "prefix",
		"s3://flags:80/prod":         "bucket",
		"s3://flags/pr%20od":         "prefix",
		"s3://flags/shop?versions":   `"?" and "#" have no meaning`,
		"s3://flags/shop#prod":       `"?" and "#" have no meaning`,
		"s3://flags/sh%zzop":         "no URL",
		"s3://AKID:hunter2@flags/x":  "credentials do not belong",
		"s3://AKID:hun/ter2@flags/x": "credentials do not belong",
		"s3://flags/x?token=hunter2": `"?" and "#" have no meaning`,
		"file://u:hunter2@host/x":    "credentials do not belong",
		"ftp://u:hunter2@host/x":     `unknown scheme "ftp"`,
		"s3://AKID:hun?ter2@flags":   "credentials do not belong",
		"s3://flags/a@b":             "credentials do not belong",
		"u:hunter2@host/x":           "no URL",
	} {
		_, err := store.Open(t.Context(), rawURL, store.Options{})
		if err == nil {
			t.Errorf("open %q: no error", rawURL)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, want) || !strings.HasSuffix(text, "; stores are file:///folder and s3://bucket/prefix") {
			t.Errorf("open %q: error %q, want one that says %q and how stores are written", rawURL, text, want)
		}
		if strings.Contains(text, "hunter2") || strings.Contains(text, "ter2") {
			t.Errorf("open %q: the error repeats the credentials: %q", rawURL, text)
		}
	}
}

func TestOpenedFolderWorks(t *testing.T) {
	s, err := store.Open(t.Context(), "file://"+filepath.ToSlash(t.TempDir()), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Create(t.Context(), "head", []byte("one")); err != nil {
		t.Error(err)
	}
	if _, err := s.Create(t.Context(), "head", []byte("two")); !errors.Is(err, object.ErrExists) {
		t.Errorf("created twice: %v", err)
	}
}
