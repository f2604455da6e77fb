package sidecar

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// guarded has a flag that can be killed, a disabled one, and one that has no safe variant; staff are a segment.
const guarded = `{"$evaluators":{"staff":{"==":[{"var":"plan"},"staff"]}},"flags":{
	"pay":{"state":"ENABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new","metadata":{"safeVariant":"old"}},
	"dark":{"state":"DISABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new","metadata":{"safeVariant":"old"}},
	"bare":{"state":"ENABLED","variants":{"on":"on"},"defaultVariant":"on"}}}`

// forcing puts overrides into a manifest.
func forcing(overrides ...bundle.Override) func(*bundle.Manifest) {
	return func(m *bundle.Manifest) {
		for _, o := range overrides {
			o.Author, o.Message, o.At = "oncall", "payments fail", m.PublishedAt
			m.Overrides = append(m.Overrides, o)
		}
	}
}

// variantOf asks for a flag as somebody of a plan, and marks a forced answer with a star.
func (r *rig) variantOf(t *testing.T, flag, plan string) string {
	t.Helper()
	body := string(call(r.answer, "POST", flagsPath+"/"+flag, fmt.Sprintf(`{"context":{"plan":%q}}`, plan)).Response.Body())
	_, rest, _ := strings.Cut(body, `"variant":"`)
	variant, _, _ := strings.Cut(rest, `"`)
	if strings.Contains(body, `"burgee.override":true`) {
		variant += "*"
	}
	return variant
}

// A kill names no variant: the safe one is served, of disabled flags too, over whatever bundle is served while the head's own is refused,
// broken or missing, and again after a restart without a store.
func TestAKillNeedsNoBundle(t *testing.T) {
	for name, spoil := range map[string]func([]byte) []byte{
		"good":    func(stored []byte) []byte { return stored },
		"missing": func([]byte) []byte { return nil },
		"broken":  func(stored []byte) []byte { return stored[:len(stored)-1] },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				maker, source, state := bundletest.New(t), bundletest.NewSource(), t.TempDir()
				keepState := func(c *Config) { c.StateDir = state }
				r := newRig(t, maker, source, keepState)
				source.Publish(maker.Make(1, guarded, 3))
				r.start(t)
				time.Sleep(time.Minute)
				killed := maker.Make(2, guarded+" ", 3, forcing(bundle.Override{Flag: "pay"}, bundle.Override{Flag: "dark"}, bundle.Override{Flag: "bare"}))
				source.Put(bundle.HeadKey, killed.Head)
				if stored := spoil(killed.Bundle); stored != nil {
					source.Put(bundle.Key(killed.Ref.Digest), stored)
				}
				time.Sleep(time.Minute)
				wantKilled(t, r)
				r.stop()
				again := newRig(t, maker, away(), keepState)
				again.start(t)
				wantKilled(t, again)
				again.stop()
			})
		})
	}
}

func wantKilled(t *testing.T, r *rig) {
	t.Helper()
	for flag, want := range map[string]string{"pay": "old*", "dark": "old*", "bare": "on"} {
		if got := r.variantOf(t, flag, ""); got != want {
			t.Errorf("%s answers %q; want %q", flag, got, want)
		}
	}
	st := r.Status(time.Now())
	if len(st.Overrides) != 3 || !st.Overrides[0].InForce || st.Overrides[0].Problem != "" || st.Overrides[2].InForce || st.Overrides[2].Problem == "" {
		t.Errorf("overrides %+v; want the first two in force, and the third named as without effect", st.Overrides)
	}
}

// Metrics count each flag's overrides once, however many segments there are: two series of one name would cost the whole page.
func TestOverridesAreCountedByFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source := bundletest.New(t), bundletest.NewSource()
		r := newRig(t, maker, source)
		source.Publish(maker.Make(1, guarded, 3, forcing(
			bundle.Override{Flag: "pay", Variant: "new", Segment: "staff"}, bundle.Override{Flag: "pay", Variant: "old", Segment: "guests"},
			bundle.Override{Flag: "bare"}, bundle.Override{Flag: "dark", Variant: "old", Segment: "staff"},
		)))
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		page := string(call(r.admin(), "GET", "/metrics", "").Response.Body())
		for _, want := range []string{`burgee_flag_overrides{flag="pay"} 1`, `burgee_flag_overrides{flag="bare"} 0`, `burgee_flag_overrides{flag="dark"} 1`, `burgee_overrides 2`} {
			if !strings.Contains(page, want+"\n") {
				t.Errorf("/metrics lacks %s", want)
			}
		}
		for _, row := range [][3]string{{"pay", "staff", "new*"}, {"pay", "guest", "new"}, {"dark", "staff", "old*"}, {"dark", "guest", ""}} {
			if got := r.variantOf(t, row[0], row[1]); got != row[2] {
				t.Errorf("%s for %s answers %q; want %q", row[0], row[1], got, row[2])
			}
		}
		source.Publish(maker.Make(2, guarded, 3))
		time.Sleep(time.Minute)
		if page := string(call(r.admin(), "GET", "/metrics", "").Response.Body()); strings.Contains(page, "burgee_flag_overrides{") {
			t.Error("overrides that were lifted are still counted")
		}
	})
}
