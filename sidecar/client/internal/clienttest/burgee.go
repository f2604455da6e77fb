package clienttest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Binaries is the environment variable with the folder that holds burgee; without it, it is built from the module around this one.
const Binaries = "BURGEE_TEST_BIN"

var built string

var program = sync.OnceValues(func() (string, error) {
	if folder := os.Getenv(Binaries); folder != "" {
		return filepath.Abs(filepath.Join(folder, "burgee"))
	}
	folder, err := os.MkdirTemp("", "burgee")
	if err != nil {
		return "", err
	}
	built = folder
	this, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	compile := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", folder, "./cmd/burgee")
	compile.Dir, compile.Stderr = filepath.Join(strings.TrimSpace(string(this)), "..", ".."), os.Stderr
	compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := compile.Run(); err != nil {
		return "", fmt.Errorf("build burgee: %w", err)
	}
	return filepath.Join(folder, "burgee"), nil
})

// Main is what a TestMain does that starts sidecars: it runs the tests, and removes what was built for them.
func Main(m interface{ Run() int }) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // what stays is in the system's folder for such things
	}
	os.Exit(code)
}

// Burgee is a real sidecar in development mode.
type Burgee struct {
	Socket string

	flags string
	cmd   *exec.Cmd
	log   bytes.Buffer
	done  chan struct{}
}

// Start starts a sidecar on a flag file with that text.
func Start(t testing.TB, flags string) *Burgee {
	t.Helper()
	folder := Folder(t)
	b := &Burgee{Socket: filepath.Join(folder, "s.sock"), flags: filepath.Join(folder, "flags.json")}
	b.Write(t, flags)
	b.Start(t)
	t.Cleanup(func() {
		b.Stop(t)
		if t.Failed() {
			t.Logf("log of burgee:\n%s", b.log.String())
		}
	})
	return b
}

// Write replaces the flag file, which the sidecar will notice.
func (b *Burgee) Write(t testing.TB, flags string) {
	t.Helper()
	if err := os.WriteFile(b.flags+".new", []byte(flags), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(b.flags+".new", b.flags); err != nil {
		t.Fatal(err)
	}
}

// Start starts the sidecar, or starts it again, and waits until it listens.
func (b *Burgee) Start(t testing.TB) {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	b.cmd = exec.Command(path, "--flags", b.flags, "--socket", b.Socket, "--admin", "127.0.0.1:0")
	b.cmd.Env = []string{"PATH=" + os.Getenv("PATH")} // what the machine sets for its own sidecar is not for this one
	b.cmd.Stderr = &b.log
	endWithParent(b.cmd)
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	b.done = make(chan struct{})
	go func() {
		_ = b.cmd.Wait() // how it ended is looked at by Stop
		close(b.done)
	}()
	Eventually(t, func() error {
		conn, err := net.Dial("unix", b.Socket)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// Stop ends the sidecar, and wants the good end. What has ended stays ended.
func (b *Burgee) Stop(t testing.TB) {
	t.Helper()
	if b.cmd == nil {
		return
	}
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("stop burgee: %v", err)
	}
	<-b.done
	if code := b.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("burgee ended with exit code %d; want 0", code)
	}
	b.cmd = nil
}
