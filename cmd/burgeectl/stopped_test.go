//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

// stoppedMain is main with a store at whose STOP_AT-th call it is stopped, in the way that STOP names, and with a file STOPPED written.
func stoppedMain() {
	w := &world{os.Stdout, os.Stderr, os.Getenv, time.Now, func(ctx context.Context, url string, opts store.Options) (object.Store, error) {
		opened, err := store.Open(ctx, url, opts)
		return &stopping{opened, ctx, 0}, err
	}}
	os.Exit(interruptible(os.Args[1:], w))
}

// stopping is a store whose user is stopped at one of its calls.
type stopping struct {
	object.Store
	run   context.Context // ends with the signal
	calls int
}

// stopped does one call, and is stopped before it, after it, or after it with its answer lost.
func stopped[T any](s *stopping, call func() (T, error)) (T, error) {
	s.calls++
	if fmt.Sprint(s.calls) != os.Getenv("STOP_AT") {
		return call()
	}
	stop := func() {
		if err := os.WriteFile(os.Getenv("STOPPED"), nil, 0o600); err != nil {
			panic(err)
		}
		if strings.HasPrefix(os.Getenv("STOP"), "kill") {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL) // it does not come back
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // it cannot fail for oneself
		<-s.run.Done()
	}
	if strings.HasSuffix(os.Getenv("STOP"), "before") {
		stop()
		return call()
	}
	got, err := call()
	stop()
	if strings.HasSuffix(os.Getenv("STOP"), "lost") {
		return *new(T), object.Ended(s.run)
	}
	return got, err
}

func (s *stopping) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	return stopped(s, func() (object.Object, error) { return s.Store.Get(ctx, key, have, limit) })
}

func (s *stopping) Create(ctx context.Context, key string, body []byte) (string, error) {
	return stopped(s, func() (string, error) { return s.Store.Create(ctx, key, body) })
}

func (s *stopping) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	return stopped(s, func() (string, error) { return s.Store.Replace(ctx, key, have, body) })
}

func (s *stopping) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return stopped(s, func() ([]string, error) { return s.Store.List(ctx, prefix, after, limit) })
}

// TestAPublisherStoppedAnywhere interrupts or kills the process at each call to the store, before it, after it, and with its answer lost.
// Readers see the revision before or the next one, whole; what is said and the exit code agree with the store; and whoever publishes next
// goes on from there.
func TestAPublisherStoppedAnywhere(t *testing.T) {
	for _, how := range []string{"interrupt before", "interrupt after", "interrupt lost", "kill before", "kill after"} {
		for before := range 2 {
			t.Run(fmt.Sprintf("%s at revision %d", how, before), func(t *testing.T) {
				t.Parallel()
				commits, calls := 0, 0
				for stopOnce(t, how, calls+1, before, &commits) {
					calls++
				}
				if calls < 6 || commits == 0 || commits == calls {
					t.Errorf("stopped at %d calls, %d of them behind the commit", calls, commits)
				}
			})
		}
	}
}

// stopOnce publishes into a store with so many revisions, is stopped at one call, and looks at what is left. It tells whether there was
// such a call.
func stopOnce(t *testing.T, how string, at, before int, commits *int) bool {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o755); err != nil {
		t.Fatal(err)
	}
	publish := func(program string, number int) (code int, text string) {
		flags := filepath.Join(dir, "flags.json")
		if err := os.WriteFile(flags, fmt.Appendf(nil, `{"flags": {"a": {"variants": {"on": %d}, "defaultVariant": "on"}}}`, number), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "publish", flags, "--contract", "off", "--message", "m", "--author", "ana", "--allow-unsigned",
			"--environment", "shop/prod", "--store", "file://"+dir+"/store")
		cmd.Env = append(os.Environ(), "STOP="+how, fmt.Sprint("STOP_AT=", at), "STOPPED="+filepath.Join(dir, "stopped"))
		out, err := cmd.CombinedOutput()
		if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
			t.Fatal(err)
		}
		return cmd.ProcessState.ExitCode(), string(out)
	}
	for number := range before {
		if code, text := publish("burgeectl-main", number+1); code != exitGood {
			t.Fatalf("publish revision %d: %s", number+1, text)
		}
	}
	code, text := publish("burgeectl-stopped", 100)
	if _, err := os.Stat(filepath.Join(dir, "stopped")); err != nil {
		return false
	}
	killed := strings.HasPrefix(how, "kill")
	revision := whole(t, filepath.Join(dir, "store"), !killed)
	published := revision == int64(before+1)
	if !published && revision != int64(before) {
		t.Errorf("stopped at call %d: the head is revision %d after %d", at, revision, before)
	}
	if published {
		*commits++
	}
	if !killed {
		says, want, ending := "burgeectl: ", exitFailed, "context canceled\nhint: it was interrupted, and no revision was made\n"
		if published {
			says, want, ending = fmt.Sprintf("published revision %d of shop/prod", revision), exitGood, "\n"
		}
		if code != want || !strings.Contains("\n"+text, "\n"+says) || !strings.HasSuffix(text, ending) {
			t.Errorf("stopped at call %d with the head at revision %d: exit code %d\n%s", at, revision, code, text)
		}
	}
	if code, text := publish("burgeectl-main", 200); code != exitGood || !strings.Contains(text, fmt.Sprintf("\npublished revision %d of", revision+1)) {
		t.Errorf("stopped at call %d: the next publication: exit code %d\n%s", at, code, text)
	}
	if now := whole(t, filepath.Join(dir, "store"), true); now != revision+1 {
		t.Errorf("stopped at call %d: the store is at revision %d after %d", at, now, revision)
	}
	return true
}

// whole reads a store as its readers do, and gives its revision: what the head names is there and as it says, and so is every revision
// before. The copy of the head
// may be owed, where its publisher was killed.
func whole(t *testing.T, folder string, copied bool) int64 {
	t.Helper()
	policy := bundle.Policy{Trust: bundle.AllowUnsigned(), Environment: "shop/prod"}
	raw, err := os.ReadFile(filepath.Join(folder, bundle.HeadKey))
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	head, err := policy.Open(raw)
	if err != nil {
		t.Fatalf("the head: %v", err)
	}
	want, newest := head.Payload(), head.Manifest().Revision
	for revision := newest; revision > 0; revision-- {
		kept, err := os.ReadFile(filepath.Join(folder, bundle.RevisionKey(revision)))
		if revision == newest && !copied && errors.Is(err, os.ErrNotExist) {
			kept, err = raw, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		if head, err = policy.Open(kept); err != nil || head.Payload() != want {
			t.Fatalf("revision %d is %s; want %s: %v", revision, head.Payload(), want, err)
		}
		openAll(t, folder, head)
		want = head.Manifest().Previous
	}
	return newest
}

// openAll opens what a revision names.
func openAll(t *testing.T, folder string, head bundle.Head) {
	t.Helper()
	m := head.Manifest()
	stored, err := os.ReadFile(filepath.Join(folder, bundle.Key(m.Bundle.Digest)))
	if err == nil {
		_, err = head.Open(stored)
	}
	if err != nil {
		t.Errorf("the bundle of revision %d: %v", m.Revision, err)
	}
	ledger, err := os.ReadFile(filepath.Join(folder, bundle.LedgerKey(m.Ledger)))
	if err == nil {
		_, err = bundle.OpenLedger(ledger, m.Ledger)
	}
	if err != nil {
		t.Errorf("the ledger of revision %d: %v", m.Revision, err)
	}
}
