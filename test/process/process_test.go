// Package process holds the promises of the sidecar against real processes: a burgee on a Unix socket, a folder for its store, and
// burgeectl to publish.
package process

import (
	"os"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// soon is a pace at which a test need not wait: stale is what four of these polls did not confirm.
var soon = []string{"--poll", "100ms"}

// rename moves a store away or back, as an unmounted folder does.
func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// The main job, step by step: publish, serve, change, lose the store, restart without it, have it back.
func TestAnswersOutliveTheStore(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0), "--author", "ana", "--message", "the first")
	burgee := shop.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	st := burgee.Fresh(t, 1)
	if st.Environment != kit.Environment || st.Mode != "store" || st.Signatures != "required" || st.Validity != "valid" ||
		st.Active.From != "store" || st.Active.Flags != 1 || len(st.Active.Signers) != 1 || st.Active.Author != "ana" ||
		st.Active.Message != "the first" || st.Sync.Store != shop.Store || st.Sync.HeadRevision != 1 || len(st.Degraded) != 0 || st.Reason() != "" {
		t.Errorf("status after the first publication: %+v", st)
	}

	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)

	rename(t, shop.Path("store"), shop.Path("away"))
	st = burgee.Until(t, "stale for want of a store", func(st kit.Status) bool { return st.Freshness == "stale" && st.ErrorKind() == "no-store" })
	if st.Active.Revision != 2 || st.Sync.Failures == 0 || st.Behind {
		t.Errorf("status without a store: %+v", st)
	}
	burgee.Serves(t, 2, 2)

	burgee.Stop(t)
	burgee = shop.Start(t, soon...)
	fromDisk(t, burgee, 2)

	burgee.Kill()
	burgee = shop.Start(t, soon...)
	fromDisk(t, burgee, 2)

	rename(t, shop.Path("away"), shop.Path("store"))
	shop.Publish(t, kit.Flags(3, 0))
	burgee.WillServe(t, 3, 3)
	if st := burgee.Fresh(t, 3); st.Active.From != "store" || st.Sync.Failures != 0 || st.ErrorKind() != "" {
		t.Errorf("status with the store back: %+v", st)
	}
}

// fromDisk wants answers from disk, and a status that says so and gets stale.
func fromDisk(t *testing.T, burgee *kit.Sidecar, number int) {
	t.Helper()
	burgee.WillServe(t, number, number)
	st := burgee.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" && st.ErrorKind() == "no-store" })
	if st.Active.From != "disk" || st.Active.Revision != number || st.Persisted.Revision != number {
		t.Errorf("status after a restart without a store: %+v", st)
	}
	if code, _ := burgee.Page(t, "/readyz"); code != 200 {
		t.Errorf("/readyz says %d; want 200: the store does not matter to it", code)
	}
	burgee.Serves(t, number, number)
}

// A sidecar that has never seen its store says so, lets the pod start after a while all the same, and serves once there is something.
func TestNoFlagsYet(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	const wait = 2 * time.Second
	started := time.Now()
	burgee := shop.Start(t, append(soon, "--startup-wait", wait.String())...)
	st := burgee.Until(t, "an empty store", func(st kit.Status) bool { return st.ErrorKind() == "not-found" })
	if st.Freshness != "empty" || st.Active.Revision != 0 || st.Active.From != "" {
		t.Errorf("status of a sidecar without flags: %+v", st)
	}
	a, err := burgee.Evaluate(kit.Number, "{}")
	if err != nil || a.HTTP != 500 || a.Code != "GENERAL" || a.Details != "no verified flags yet" || a.Revision != "" {
		t.Errorf("answer without flags: %+v, error %v", a, err)
	}
	if code, _ := burgee.Page(t, "/readyz"); code != 503 {
		t.Errorf("/readyz says %d; want 503", code)
	}
	kit.Eventually(t, func() error { return wantPage(t, burgee, "/startupz", 200) })
	if held := time.Since(started); held < wait {
		t.Errorf("/startupz lets the pod start after %s; want it held back for %s", held, wait)
	}
	shop.Publish(t, kit.Flags(1, 0))
	burgee.WillServe(t, 1, 1)
	if err := wantPage(t, burgee, "/readyz", 200); err != nil {
		t.Error(err)
	}
}

// A folder that burgeectl exported, which a ConfigMap can hold, serves until there is a store.
func TestBootstrap(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	flat := shop.Path("flat")
	shop.Ctl("export", flat, "--store", shop.Store, "--trust-key", shop.Path("team.pub")).Good(t)
	rename(t, shop.Path("store"), shop.Path("away"))
	burgee := shop.Start(t, append(soon, "--bootstrap", flat)...)
	burgee.WillServe(t, 1, 1)
	st := burgee.Until(t, "no store", func(st kit.Status) bool { return st.ErrorKind() == "no-store" })
	if st.Active.From != "bootstrap" || st.Freshness != "stale" {
		t.Errorf("status from the bootstrap folder: %+v", st)
	}
	rename(t, shop.Path("away"), shop.Path("store"))
	burgee.Until(t, "fresh", func(st kit.Status) bool { return st.Freshness == "fresh" && st.ErrorKind() == "" })
	shop.Publish(t, kit.Flags(2, 0))
	burgee.Fresh(t, 2)
}

// A plain file serves without keys or state, follows its changes, and keeps the last good flags while it is broken.
func TestDevelopment(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	file := shop.Path("flags.json")
	write(t, file, kit.Flags(1, 0))
	burgee := shop.Run(t, nil, "--flags", file)
	burgee.WillServe(t, 1, 1)
	if st := burgee.Status(t); st.Mode != "development" || st.Signatures != "off" || st.Active.From != "file" {
		t.Errorf("status in development: %+v", st)
	}
	write(t, file, `{"flags": {`)
	burgee.Until(t, "the broken file", func(st kit.Status) bool { return st.Reason() == "document" && st.Behind })
	burgee.Serves(t, 1, 1)
	write(t, file, kit.Flags(5, 0))
	burgee.WillServe(t, 5, 2)
	burgee.Until(t, "a good file", func(st kit.Status) bool { return st.Reason() == "" && !st.Behind })
}
