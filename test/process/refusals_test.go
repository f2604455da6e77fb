package process

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/test/kit"
)

// good is what a store of two flags holds when all is well.
func good(number int) forged { return forged{document: kit.Flags(number, 1), flags: 2} }

// refusals are stores that must not change an answer. Each begins at revision 2, whose number is 2.
var refusals = []struct {
	name   string
	reason string
	active bool // the head itself is taken, and its overrides with it; its bundle is not
	spoil  func(t *testing.T, shop *kit.Shop)
}{
	{"truncated head", "envelope", false, func(t *testing.T, shop *kit.Shop) {
		text := read(t, shop.Path("store", bundle.HeadKey))
		head(t, shop, text[:len(text)/2])
	}},
	{"empty head", "envelope", false, func(t *testing.T, shop *kit.Shop) { head(t, shop, "") }},
	{"oversized head", "oversized", false, func(t *testing.T, shop *kit.Shop) {
		head(t, shop, read(t, shop.Path("store", bundle.HeadKey))+strings.Repeat(" ", bundle.MaxManifest))
	}},
	{"head signed by a stranger", "signature", false, func(t *testing.T, shop *kit.Shop) {
		shop.Key(t, "stranger")
		elsewhere(t, shop, []string{kit.Flags(9, 1)}, "--key", shop.Path("stranger.key"))
	}},
	{"unsigned head", "unsigned", false, func(t *testing.T, shop *kit.Shop) {
		elsewhere(t, shop, []string{kit.Flags(9, 1)}, "--allow-unsigned")
	}},
	{"head of another environment", "environment", false, func(t *testing.T, shop *kit.Shop) {
		elsewhere(t, shop, []string{kit.Flags(7, 1), kit.Flags(8, 1), kit.Flags(9, 1)}, "--environment", "shop/other")
	}},
	{"older revision replayed", "older", false, func(t *testing.T, shop *kit.Shop) {
		head(t, shop, read(t, shop.Path("store", bundle.RevisionKey(1))))
	}},
	{"same revision with other flags", "fork", false, func(t *testing.T, shop *kit.Shop) {
		elsewhere(t, shop, []string{kit.Flags(1, 1), kit.Flags(9, 1)})
	}},
	{"revision far ahead", "jump", false, func(t *testing.T, shop *kit.Shop) { forge(t, shop, 2_000_000, good(9)) }},
	{"head of a later format", "format", false, func(t *testing.T, shop *kit.Shop) {
		f := good(9)
		f.change = func(m *bundle.Manifest) { m.Critical = []string{"moonPhase"} }
		forge(t, shop, 3, f)
	}},
	{"flipped bundle", "digest", true, func(t *testing.T, shop *kit.Shop) {
		f := good(9)
		f.spoil = func(stored []byte) []byte { stored[len(stored)/2] ^= 1; return stored }
		forge(t, shop, 3, f)
	}},
	{"truncated bundle", "digest", true, func(t *testing.T, shop *kit.Shop) {
		f := good(9)
		f.spoil = func(stored []byte) []byte { return stored[:len(stored)-1] }
		forge(t, shop, 3, f)
	}},
	{"bundle longer than announced", "oversized", true, func(t *testing.T, shop *kit.Shop) {
		f := good(9)
		f.spoil = func(stored []byte) []byte { return append(stored, 0) }
		forge(t, shop, 3, f)
	}},
	{"emptied without the mark", "shrink", true, func(t *testing.T, shop *kit.Shop) { forge(t, shop, 3, forged{document: `{"flags":{}}`}) }},
	{"another number of flags than announced", "flag-count", true, func(t *testing.T, shop *kit.Shop) {
		forge(t, shop, 3, forged{document: kit.Flags(9, 1), flags: 3})
	}},
	{"bundle that is no flag document", "document", true, func(t *testing.T, shop *kit.Shop) {
		forge(t, shop, 3, forged{document: `{"flags":7}`, flags: 2})
	}},
	{"bundle of broken flags", "broken-flags", true, func(t *testing.T, shop *kit.Shop) {
		forge(t, shop, 3, forged{document: `{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"off"}}}`, flags: 1})
	}},
}

// Whatever a store may hold, the last good answers stay, and /status, a metric and one log line say why.
func TestBadStoresChangeNoAnswer(t *testing.T) {
	t.Parallel()
	for _, row := range refusals {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			shop := kit.New(t)
			for number := 1; number <= 2; number++ {
				shop.Publish(t, kit.Flags(number, 1))
			}
			burgee := shop.Start(t, soon...)
			burgee.Fresh(t, 2)

			row.spoil(t, shop)
			st := burgee.Until(t, "a refusal", func(st kit.Status) bool { return st.Reason() != "" })
			burgee.Serves(t, 2, 2)
			wantHead := 2
			if row.active {
				wantHead = 3
			}
			if st.Reason() != row.reason || st.Rejected.Message == "" || st.Sync.HeadRevision != wantHead || st.Behind != (row.reason != "older") {
				t.Errorf("status: rejected %+v, head %d, behind %v; want reason %q at head %d", st.Rejected, st.Sync.HeadRevision, st.Behind, row.reason, wantHead)
			}
			if row.reason != "older" {
				burgee.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" })
			}
			burgee.Serves(t, 2, 2)
			wantCounted(t, burgee, row.reason)

			burgee.Kill()
			burgee = shop.Start(t, soon...)
			burgee.WillServe(t, 2, 2)
			burgee.Until(t, "the same refusal after a restart", func(st kit.Status) bool { return st.Reason() == row.reason })
			burgee.Serves(t, 2, 2)

			forge(t, shop, 5, good(5))
			burgee.WillServe(t, 5, 5)
			if st := burgee.Fresh(t, 5); st.Reason() != "" {
				t.Errorf("after a good head: rejected %+v", st.Rejected)
			}
		})
	}
}

// wantCounted wants the reason in a metric, and in one line of the log for all polls.
func wantCounted(t *testing.T, burgee *kit.Sidecar, reason string) {
	t.Helper()
	if n := burgee.Metric(t, fmt.Sprintf("burgee_refusals_total{reason=%q}", reason)); n != 1 {
		t.Errorf("metric counts %v refusals of reason %q; want 1", n, reason)
	}
	lines := burgee.Lines("flags from the store refused")
	if len(lines) != 1 || lines[0]["reason"] != reason || lines[0]["@level"] != "error" || lines[0]["error"] == nil {
		t.Errorf("the log says %v; want one line at level error with reason %q", lines, reason)
	}
}

// A store that cannot be read is a fault: named by kind, counted, tried again, and no reason to change an answer.
func TestStoresThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, kind  string
		spoil, mend func(t *testing.T, shop *kit.Shop)
	}{
		{
			"gone", "no-store",
			func(t *testing.T, shop *kit.Shop) { rename(t, shop.Path("store"), shop.Path("away")) },
			func(t *testing.T, shop *kit.Shop) { rename(t, shop.Path("away"), shop.Path("store")) },
		},
		{
			"emptied", "not-found",
			func(t *testing.T, shop *kit.Shop) {
				rename(t, shop.Path("store"), shop.Path("away"))
				makeFolder(t, shop.Path("store"), 0o755)
			},
			func(t *testing.T, shop *kit.Shop) { bring(t, shop, "away") },
		},
		{
			"denied", "forbidden",
			func(t *testing.T, shop *kit.Shop) { chmod(t, shop.Path("store"), 0) },
			func(t *testing.T, shop *kit.Shop) { chmod(t, shop.Path("store"), 0o755) },
		},
		{
			"head denied", "forbidden",
			func(t *testing.T, shop *kit.Shop) { chmod(t, shop.Path("store", bundle.HeadKey), 0) },
			func(t *testing.T, shop *kit.Shop) { chmod(t, shop.Path("store", bundle.HeadKey), 0o644) },
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			shop := kit.New(t)
			shop.Publish(t, kit.Flags(1, 0))
			burgee := shop.StartAs(t, shop.AsNobody(t), soon...)
			burgee.Fresh(t, 1)
			row.spoil(t, shop)
			burgee.Until(t, "stale, and why", func(st kit.Status) bool { return st.Freshness == "stale" && st.ErrorKind() == row.kind && !st.Behind })
			burgee.Serves(t, 1, 1)
			if failed := burgee.Metric(t, `burgee_polls_total{result="failed"}`); failed == 0 {
				t.Error("no failed poll is counted")
			}
			if len(burgee.Lines("store not read")) == 0 {
				t.Error("the log does not say that the store was not read")
			}
			row.mend(t, shop)
			burgee.Fresh(t, 1)
		})
	}
}

// A head whose bundle has not arrived yet is waited for, and nothing is refused.
func TestBundleThatComesLate(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 1))
	burgee := shop.Start(t, soon...)
	burgee.Fresh(t, 1)
	for _, part := range []string{"", "bundles", "ledgers", "revisions"} {
		copyFiles(t, shop.Path("store", part), shop.Path("other", part))
	}
	shop.At(shop.URL("other")).Publish(t, kit.Flags(2, 1))
	copyFiles(t, shop.Path("other"), shop.Path("store"))
	burgee.Until(t, "an accepted head without its bundle", func(st kit.Status) bool {
		return st.ErrorKind() == "not-found" && st.Sync.HeadRevision == 2 && st.Behind && st.Reason() == ""
	})
	burgee.Serves(t, 1, 1)
	copyFiles(t, shop.Path("other", "bundles"), shop.Path("store", "bundles"))
	burgee.WillServe(t, 2, 2)
}

// An end of the flags' validity is said, and stops no answer.
func TestExpiryIsSaidAndServed(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0), "--valid-for", "1s")
	burgee := shop.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	burgee.Until(t, "expired, and fresh", func(st kit.Status) bool { return st.Validity == "expired" && st.Freshness == "fresh" })
	burgee.Serves(t, 1, 1)
}

// The wait after a failure grows, so a store that is away is not flooded.
func TestFailuresAreSpacedOut(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	started := time.Now()
	burgee := shop.Start(t, "--poll", "100ms", "--stale-after", "1h")
	burgee.Until(t, "three failures", func(st kit.Status) bool { return st.Sync.Failures >= 3 })
	if took := time.Since(started); took < 1400*time.Millisecond {
		t.Errorf("three failures within %s; want at least half of 1s and of 2s between them", took)
	}
}
