//go:build unix

package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestASecondSignalEndsAtOnce stops a publication whose store hangs in the commit: the first signal lets it find out what came of that,
// for up to ten seconds, and the second does not wait.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	reached, release := make(chan string, 2), make(chan bool)
	server := httptest.NewServer(stuck(reached, release))
	defer server.Close()
	defer close(release) // first, for Close waits for answers
	flags := filepath.Join(t.TempDir(), "flags.json")
	if err := os.WriteFile(flags, []byte(`{"flags": {"a": {"variants": {"on": true}, "defaultVariant": "on"}}}`), 0o600); err != nil {
		t.Fatal(err)
	}

	command := exec.Command("burgeectl-main", "publish", flags, "--contract", "off", "--message", "m", "--author", "ana", "--allow-unsigned",
		"--store", "s3://flags/shop", "--environment", "shop/prod", "--s3-path-style")
	command.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1", "AWS_ENDPOINT_URL_S3="+server.URL)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for _, want := range []string{"commit", "settle"} {
		select {
		case got := <-reached:
			if got != want {
				t.Errorf("it came to %s; want %s", got, want)
			}
		case err := <-ended:
			t.Fatalf("it ended before it came to %s: %v", want, err)
		case <-time.After(20 * time.Second):
			t.Fatalf("it does not come to %s", want)
		}
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	again, patience := time.NewTicker(100*time.Millisecond), time.After(8*time.Second)
	defer again.Stop()
	for {
		select {
		case err := <-ended:
			if status, ok := command.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
				t.Errorf("it ended by itself: %v", err)
			}
			return
		case <-again.C: // one that comes right behind the first may find it still held
			_ = command.Process.Signal(syscall.SIGTERM)
		case <-patience: // settling by itself would take longer
			t.Error("it goes on after the second signal")
			_ = command.Process.Kill() // it may have ended this moment
			<-ended
			return
		}
	}
}

// stuck is an empty store that never answers the write of a head, nor whoever asks for the head afterwards.
func stuck(reached chan<- string, release <-chan bool) http.HandlerFunc {
	var committed atomic.Bool
	return func(w http.ResponseWriter, r *http.Request) {
		head := strings.HasSuffix(r.URL.Path, "/manifest.json")
		switch {
		case head && r.Method == http.MethodPut:
			committed.Store(true)
			reached <- "commit"
			<-release
		case head && committed.Load():
			reached <- "settle"
			<-release
		case r.URL.Query().Has("list-type"):
			_, _ = w.Write([]byte("<ListBucketResult></ListBucketResult>"))
		case r.Method == http.MethodGet:
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte("<Error><Code>NoSuchKey</Code></Error>"))
		case r.Method == http.MethodPut:
			w.Header().Set("ETag", `"written"`)
		}
	}
}
