package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

// hanging is a store that begins every answer and ends none.
type hanging struct{}

func (hanging) wait(ctx context.Context) error { <-ctx.Done(); return object.Ended(ctx) }

func (h hanging) Get(ctx context.Context, _, _ string, _ int64) (object.Object, error) {
	return object.Object{}, h.wait(ctx)
}

func (h hanging) Create(ctx context.Context, _ string, _ []byte) (string, error) {
	return "", h.wait(ctx)
}

func (h hanging) Replace(ctx context.Context, _, _ string, _ []byte) (string, error) {
	return "", h.wait(ctx)
}

func (h hanging) List(ctx context.Context, _, _ string, _ int) ([]string, error) {
	return nil, h.wait(ctx)
}
func (hanging) String() string { return "s3://flags" }

func TestEveryCallEnds(t *testing.T) {
	d := deadlines{hanging{}}
	for want, call := range map[string]func(ctx context.Context) error{
		"get s3://flags/k: store unavailable: the store is too slow: not done within 2m30s": func(ctx context.Context) error {
			_, err := d.Get(ctx, "k", "", 120*slowestPace)
			return err
		},
		"create s3://flags/k: store unavailable: the store is too slow: not done within 31s": func(ctx context.Context) error {
			_, err := d.Create(ctx, "k", make([]byte, slowestPace))
			return err
		},
		"replace s3://flags/k: store unavailable: the store is too slow: not done within 30s": func(ctx context.Context) error {
			_, err := d.Replace(ctx, "k", "tag", nil)
			return err
		},
		"list s3://flags/p/: store unavailable: the store is too slow: not done within 40s": func(ctx context.Context) error {
			_, err := d.List(ctx, "p/", "", 640)
			return err
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			if err := call(t.Context()); err == nil || err.Error() != want || !errors.Is(err, object.ErrUnavailable) {
				t.Errorf("error %v; want %s", err, want)
			}
		})
	}
}

// TestTheCallersEndIsNoSlowness leaves alone what is not the store's fault.
func TestTheCallersEndIsNoSlowness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := (deadlines{hanging{}}).Get(ctx, "k", "", 1); err == nil || strings.Contains(err.Error(), "too slow") {
			t.Errorf("the caller's own deadline: %v", err)
		}
		stopped, stop := context.WithCancel(t.Context())
		stop()
		if _, err := (deadlines{hanging{}}).Get(stopped, "k", "", 1); !errors.Is(err, context.Canceled) || errors.Is(err, object.ErrUnavailable) {
			t.Errorf("the caller's interruption: %v", err)
		}
	})
}

func TestShowGivesUpOnAStoreThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out, problems bytes.Buffer
		open := func(context.Context, string, store.Options) (object.Store, error) { return hanging{}, nil }
		w := &world{&out, &problems, func(string) string { return "" }, time.Now, open}
		began := time.Now()
		code := run(t.Context(), []string{"show", "--store", "s3://flags", "--allow-unsigned"}, w)
		if took, most := time.Since(began), callTime+bundle.MaxManifest*time.Second/slowestPace; took > most {
			t.Errorf("gave up after %s; want %s", took, most)
		}
		text := problems.String()
		if code != exitFailed || !strings.Contains(text, "the store is too slow: not done within 30s\nhint: check the network") {
			t.Errorf("exit code %d: %s", code, text)
		}
	})
}
