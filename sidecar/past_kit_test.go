package sidecar

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// history publishes revisions that follow each other, as burgeectl does: each names the one before, and has its copy.
type history struct {
	t      testing.TB
	maker  *bundletest.Maker
	source *bundletest.Source
	last   *bundle.Head
	tokens map[int64]string
}

func newHistory(t testing.TB) *history {
	return &history{t: t, maker: bundletest.New(t), source: bundletest.NewSource(), tokens: map[int64]string{}}
}

// publish makes the next revision over a document of one flag, and gives its number.
func (h *history) publish(document string, change ...func(*bundle.Manifest)) int64 {
	h.t.Helper()
	return h.publishMany(document, 1, change...)
}

// publishMany is publish for a document of so many flags.
func (h *history) publishMany(document string, flags int, change ...func(*bundle.Manifest)) int64 {
	h.t.Helper()
	revision := int64(1)
	if h.last != nil {
		revision = h.last.Manifest().Revision + 1
		change = append([]func(*bundle.Manifest){func(m *bundle.Manifest) { m.Follow(*h.last) }}, change...)
	}
	made := h.maker.Make(revision, document, flags, change...)
	h.source.Put(bundle.RevisionKey(revision), made.Head)
	h.source.Publish(made)
	head, err := h.maker.Policy().Open(made.Head)
	if err != nil {
		h.t.Fatal(err)
	}
	h.last, h.tokens[revision] = &head, head.Manifest().Snapshot
	return revision
}

// number publishes a document whose flag "revision" has the revision for a value.
func (h *history) number(change ...func(*bundle.Manifest)) int64 {
	h.t.Helper()
	next := int64(1)
	if h.last != nil {
		next = h.last.Manifest().Revision + 1
	}
	return h.publish(numbered(next), change...)
}

func (h *history) rig(change ...func(*Config)) *rig {
	h.t.Helper()
	return newRig(h.t, h.maker, h.source, change...)
}

// seldom is for a sidecar that asks its store when it starts, and after that by itself not while a test lasts: chance would have it ask soon.
func seldom(c *Config) { c.Poll, c.Random = time.Hour, func() float64 { return 0.5 } }

// follow starts a sidecar that follows the history until the test ends, and gives it the time to come to the newest revision.
func (h *history) follow(change ...func(*Config)) *rig {
	h.t.Helper()
	r := h.rig(change...)
	r.start(h.t)
	h.t.Cleanup(r.stop)
	time.Sleep(time.Minute)
	return r
}

// said is an answer for the flag "revision".
type said struct {
	Value    any            `json:"value"`
	Variant  string         `json:"variant"`
	Reason   string         `json:"reason"`
	Code     string         `json:"errorCode"`
	Metadata map[string]any `json:"metadata"`

	status   int
	revision int64
	token    string
}

// ask evaluates the flag "revision", with headers.
func (r *rig) ask(t *testing.T, headers ...string) said {
	t.Helper()
	return r.askFor(t, "/revision", "", headers...)
}

func (r *rig) askFor(t *testing.T, path, body string, headers ...string) said {
	t.Helper()
	got := &call(r.answer, "POST", flagsPath+path, body, headers...).Response
	s := said{status: got.StatusCode(), token: string(got.Header.Peek("Burgee-Snapshot"))}
	if err := json.Unmarshal(got.Body(), &s); err != nil {
		t.Fatalf("%s: %v", got.Body(), err)
	}
	s.revision, _ = strconv.ParseInt(string(got.Header.Peek("Burgee-Revision")), 10, 64)
	return s
}

func (s said) missed() bool { return s.Metadata["burgee.pin"] == "missed" }

// pins counts what became of pins, by its name.
func (r *rig) pinned(result pinResult) uint64 {
	return r.meter.sum(func(t *tally) uint64 { return t.pins[result].Load() })
}

// forgetConfirmed takes from a state folder when the store last confirmed what it holds.
func forgetConfirmed(t *testing.T, state string) {
	t.Helper()
	if err := os.Remove(filepath.Join(lkg.Path(state), "confirmed")); err != nil {
		t.Fatal(err)
	}
}
