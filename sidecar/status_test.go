package sidecar

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

var updateStatus = flag.Bool("status.update", false, "write testdata/status anew; look at the difference before you commit it")

// scene is a sidecar whose state a row of the table brings about. Time is the bubble's, so the pages are the same in each run.
type scene struct {
	t      *testing.T
	maker  *bundletest.Maker
	source *bundletest.Source
	state  string
	change []func(*Config)
	disk   atomic.Pointer[lkg.Before] // nil where it is well
	r      *rig
}

// statusScenes are the states that on-call may meet. testdata/status holds the page of each, whole.
var statusScenes = []struct {
	name string
	play func(*scene)
}{
	{"empty", func(s *scene) { s.away(object.ErrUnavailable); s.start(10 * time.Second) }},
	{"fresh", func(s *scene) { s.publish(1); s.start(time.Minute) }},
	{"changed", func(s *scene) { s.publish(1); s.start(time.Minute); s.publish(2); time.Sleep(time.Minute) }},
	{"stale", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.away(object.ErrUnavailable)
		time.Sleep(time.Hour)
	}},
	{"forbidden", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.away(object.ErrForbidden)
		time.Sleep(20 * time.Second)
	}},
	{"from-disk", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.r.stop()
		s.away(object.ErrNoStore)
		s.start(20 * time.Second)
	}},
	{"head-of-a-stranger", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.source.Publish(bundletest.New(s.t).Make(2, numbered(2), 1))
		time.Sleep(time.Minute)
	}},
	{"bundle-refused-kill-in-force", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.source.Publish(s.maker.Make(2, `{"flags":7}`, 1, s.at, func(m *bundle.Manifest) {
			m.Overrides = []bundle.Override{{Flag: "revision", Variant: "it", Author: "oncall", Message: "payments fail", At: m.PublishedAt}}
		}))
		time.Sleep(time.Minute)
	}},
	{"kill-before-any-flags", func(s *scene) {
		s.source.Publish(s.maker.Make(1, `{"flags":7}`, 1, s.at, func(m *bundle.Manifest) {
			m.Overrides = []bundle.Override{{Flag: "revision", Author: "oncall", Message: "payments fail", At: m.PublishedAt}}
		}))
		s.start(time.Minute)
	}},
	{"bundle-not-there-yet", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.source.Put(bundle.HeadKey, s.maker.Make(2, numbered(2), 1, s.at).Head)
		time.Sleep(20 * time.Second)
	}},
	{"rolled-back-store", func(s *scene) {
		s.publish(1)
		s.publish(2)
		s.start(time.Minute)
		s.publish(1)
		time.Sleep(time.Minute)
	}},
	{"override-without-effect", func(s *scene) {
		s.source.Publish(s.maker.Make(1, numbered(1), 1, s.at, func(m *bundle.Manifest) {
			m.Overrides = []bundle.Override{{Flag: "gone", Variant: "off", Author: "oncall", Message: "just in case", At: m.PublishedAt}}
		}))
		s.start(time.Minute)
	}},
	{"expired", func(s *scene) {
		s.source.Publish(s.maker.Make(1, numbered(1), 1, s.at, func(m *bundle.Manifest) { m.ValidUntil = m.PublishedAt.Add(time.Hour) }))
		s.start(2 * time.Hour)
	}},
	{"broken-and-past-its-end", func(s *scene) {
		doc, flags := mostlyGood(40)
		s.source.Publish(s.maker.Make(1, doc, flags, s.at))
		s.start(time.Minute)
	}},
	{"disk-full", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.spoil(func(step, _ string) error {
			if step == "write" {
				return syscall.ENOSPC
			}
			return nil
		})
		s.publish(2)
		time.Sleep(time.Minute)
	}},
	{"all-failed", func(s *scene) {
		s.publish(1)
		s.start(time.Minute)
		s.spoil(func(string, string) error { return syscall.EIO })
		s.source.Publish(s.maker.Make(2, `{"flags":{}}`, 0, s.at))
		time.Sleep(time.Minute)
		s.away(object.ErrUnavailable)
		time.Sleep(time.Hour)
	}},
	{"unsigned", func(s *scene) {
		s.change = append(s.change, func(c *Config) { c.Trust = bundle.AllowUnsigned() })
		s.publish(1)
		s.start(time.Minute)
	}},
}

// mostlyGood is a document of n flags, of which one is broken and one is past its end.
func mostlyGood(n int) (document string, flags int) {
	var doc strings.Builder
	doc.WriteString(`{"flags":{"late":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","metadata":{"expires":"1999-12-24"}},` +
		`"odd":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"off"}`)
	for i := 2; i < n; i++ {
		doc.WriteString(`,"f` + strings.Repeat("x", i) + `":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`)
	}
	return doc.String() + `}}`, n
}

// at dates a head by the bubble's clock.
func (s *scene) at(m *bundle.Manifest) { m.PublishedAt = time.Now().UTC() }

func (s *scene) publish(revision int64) {
	s.source.Publish(s.maker.Make(revision, numbered(revision), 1, s.at))
}

func (s *scene) away(err error) {
	s.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, err })
}

// spoil lets steps on disk fail from now on.
func (s *scene) spoil(fault lkg.Before) { s.disk.Store(&fault) }

// start runs the sidecar over the scene's store and disk, and lets time pass.
func (s *scene) start(wait time.Duration) {
	s.r = newRig(s.t, s.maker, s.source, append(s.change, func(c *Config) {
		c.StateDir, c.Instance, c.Version = s.state, "pod-7", "1.0.0"
		c.Random = func() float64 { return 0.5 }
	})...)
	s.r.disk = func(step, name string) error {
		if fault := s.disk.Load(); fault != nil {
			return (*fault)(step, name)
		}
		return nil
	}
	s.r.start(s.t)
	time.Sleep(wait + time.Second/10) // not at the very moment of a poll
}

// Each state is told apart from the others, and told whole.
func TestStatusTellsTheTruth(t *testing.T) {
	seen := map[string]string{}
	for _, row := range statusScenes {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &scene{t: t, maker: bundletest.New(t), source: bundletest.NewSource(), state: t.TempDir()}
				row.play(s)
				defer s.r.stop()
				synctest.Wait()
				page := statusPage(t, s)
				if other, twice := seen[page]; twice {
					t.Errorf("the same page as %q: the two cannot be told apart", other)
				}
				seen[page] = row.name
				compareStatus(t, filepath.Join("testdata", "status", row.name+".json"), page)
			})
		})
	}
}

// statusPage asks as on-call does; the key's name and the state folder's, which chance makes, are replaced.
func statusPage(t *testing.T, s *scene) string {
	t.Helper()
	ctx := call(s.r.admin(), "GET", "/status", "")
	page := string(ctx.Response.Body())
	if ctx.Response.StatusCode() != 200 || !json.Valid(ctx.Response.Body()) {
		t.Fatalf("GET /status: %d %s", ctx.Response.StatusCode(), page)
	}
	public, err := s.maker.Key.Public()
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer(public.ID, "SIGNER", s.state, "STATE").Replace(page) + "\n"
}

func compareStatus(t *testing.T, file, got string) {
	t.Helper()
	if *updateStatus {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s says otherwise (go test ./sidecar -run TestStatusTells -status.update writes it):\n%s", file, got)
	}
}
