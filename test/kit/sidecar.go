package kit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Sidecar is one burgee process.
type Sidecar struct {
	Socket string // path
	Admin  string // host:port
	PID    int

	cmd    *exec.Cmd
	done   chan struct{} // closed when it has ended
	stdout *output
	stderr *output
	client *http.Client
}

// nobody is the user and the group of that name wherever it matters.
const nobody = 65534

// Prepare changes how a sidecar is started.
type Prepare func(*exec.Cmd)

// AsNobody starts it as a user for whom file modes hold, also where the tests run as root, and gives that user the shop's folder and the
// one for state. Where there is no such user the test is skipped.
func (s *Shop) AsNobody(t testing.TB) Prepare {
	t.Helper()
	if !CanDeny {
		t.Skip("SKIP: nothing can be denied to root here; run the tests as another user")
	}
	s.makeState(t)
	if os.Geteuid() == 0 {
		for _, folder := range []string{s.Dir, s.Path("state")} {
			if err := os.Chown(folder, nobody, nobody); err != nil {
				t.Fatal(err)
			}
		}
	}
	return asNobody
}

func (s *Shop) makeState(t testing.TB) {
	t.Helper()
	if err := os.Mkdir(s.Path("state"), 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
}

// Start starts a sidecar that follows the shop's store: on the socket Dir/s.sock, with its state in Dir/state and a port of the
// kernel's choice for on-call. Args come last, so they win.
func (s *Shop) Start(t testing.TB, args ...string) *Sidecar {
	t.Helper()
	return s.StartAs(t, nil, args...)
}

// StartAs is Start with a change to the process.
func (s *Shop) StartAs(t testing.TB, prepare Prepare, args ...string) *Sidecar {
	t.Helper()
	s.makeState(t)
	return s.Run(t, prepare, append([]string{
		"--store", s.Store, "--environment", Environment, "--trust-key", s.Path("team.pub"), "--state-dir", s.Path("state"),
	}, args...)...)
}

// Run starts a sidecar on a socket and a port for on-call, with those settings beside, and waits until it listens.
func (s *Shop) Run(t testing.TB, prepare Prepare, args ...string) *Sidecar {
	t.Helper()
	c := s.Spawn(t, prepare, append([]string{"--socket", s.Path("s.sock"), "--admin", "127.0.0.1:0"}, args...)...)
	Eventually(t, c.findListeners)
	return c
}

// Spawn starts burgee with those arguments alone, and ends it with the test.
func (s *Shop) Spawn(t testing.TB, prepare Prepare, args ...string) *Sidecar {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	c := &Sidecar{done: make(chan struct{}), stdout: &output{}, stderr: &output{}}
	c.cmd = exec.Command(filepath.Join(folder, "burgee"), append([]string{"--log-format", "json"}, args...)...)
	c.cmd.Env, c.cmd.Stdout, c.cmd.Stderr = s.environ(), c.stdout, c.stderr
	EndWithParent(c.cmd)
	if prepare != nil {
		prepare(c.cmd)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatalf("start burgee: %v", err)
	}
	c.PID = c.cmd.Process.Pid
	c.client = &http.Client{Timeout: Patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: c.dial}}
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // its exit code is looked at by who waits
	}()
	t.Cleanup(func() { c.end(t) })
	return c
}

// dial reaches the socket for evaluations, and TCP for the rest.
func (c *Sidecar) dial(ctx context.Context, network, address string) (net.Conn, error) {
	var d net.Dialer
	if address == "socket:80" {
		return d.DialContext(ctx, "unix", c.Socket)
	}
	return d.DialContext(ctx, network, address)
}

// end kills what still runs, and looks at what every sidecar must keep to: nothing on standard output, no race, no panic.
func (c *Sidecar) end(t testing.TB) {
	c.Kill()
	if text := c.stdout.String(); text != "" {
		t.Errorf("burgee wrote to standard output: %q", text)
	}
	for _, bad := range []string{"WARNING: DATA RACE", "panic:", "panic("} {
		if strings.Contains(c.Log(), bad) {
			t.Errorf("%s in the log", bad)
		}
	}
	if t.Failed() {
		t.Logf("log of burgee, process %d:\n%s", c.PID, c.Log())
	}
}

// Kill is kill -9. What has ended stays ended.
func (c *Sidecar) Kill() {
	_ = c.cmd.Process.Kill() // fails only where it has ended
	<-c.done
}

// Terminate asks it to stop, and does not wait.
func (c *Sidecar) Terminate(t testing.TB) {
	t.Helper()
	if err := c.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// Wait waits for the end, and gives the exit code.
func (c *Sidecar) Wait(t testing.TB) int {
	t.Helper()
	select {
	case <-c.done:
	case <-time.After(Patience):
		t.Fatalf("burgee still runs after %s", Patience)
	}
	return c.cmd.ProcessState.ExitCode()
}

// Stop asks it to stop, and wants the good end.
func (c *Sidecar) Stop(t testing.TB) {
	t.Helper()
	c.Terminate(t)
	if code := c.Wait(t); code != 0 {
		t.Fatalf("after SIGTERM burgee ended with exit code %d; want 0", code)
	}
}

// findListeners reads from the log where it listens.
func (c *Sidecar) findListeners() error {
	for _, line := range c.Lines("listening") {
		address, _ := line["address"].(string)
		switch {
		case line["for"] == "admin":
			c.Admin = address
		case strings.HasPrefix(address, "/"):
			c.Socket = address
		}
	}
	if c.Socket == "" || c.Admin == "" {
		return fmt.Errorf("burgee does not listen; its log:\n%s", c.Log())
	}
	return nil
}

// Log is all that it wrote to standard error.
func (c *Sidecar) Log() string { return c.stderr.String() }

// Lines are the log lines with that message, as objects.
func (c *Sidecar) Lines(message string) []map[string]any {
	var found []map[string]any
	for line := range strings.Lines(c.Log()) {
		var object map[string]any
		if json.Unmarshal([]byte(line), &object) == nil && object["@message"] == message {
			found = append(found, object)
		}
	}
	return found
}

// output gathers what a process writes; it may be read meanwhile.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Do sends one request on a connection of its own, and gives status, header and body.
func (c *Sidecar) Do(method, url, body string) (int, http.Header, []byte, error) {
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	response, err := c.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	text, err := io.ReadAll(response.Body)
	return response.StatusCode, response.Header, text, err
}

// Resident is what /proc says of its memory, in KiB; 0 where there is no /proc.
func (c *Sidecar) Resident(t testing.TB) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.PID))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest + " 0")[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
