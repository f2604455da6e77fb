package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

func chmod(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Chmod(name, mode); err != nil {
		t.Fatal(err)
	}
}

func makeFolder(t *testing.T, name string, mode os.FileMode) {
	t.Helper()
	if err := os.Mkdir(name, mode); err != nil {
		t.Fatal(err)
	}
}

// stopped bounds the way from SIGTERM to the end where nobody holds it up.
const stopped = 3 * time.Second

// serving is a sidecar that serves number 1 at revision 1.
func serving(t *testing.T, args ...string) (*kit.Shop, *kit.Sidecar) {
	t.Helper()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.Start(t, append(soon, args...)...)
	burgee.Fresh(t, 1)
	return shop, burgee
}

// dial opens a connection to the socket.
func dial(t *testing.T, burgee *kit.Sidecar) net.Conn {
	t.Helper()
	conn, err := net.Dial("unix", burgee.Socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(kit.Patience)); err != nil {
		t.Fatal(err)
	}
	return conn
}

func send(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := conn.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

// receive reads one answer and gives its status.
func receive(t *testing.T, conn net.Conn) int {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// half is a request whose body wants two bytes more.
const half = "POST /ofrep/v1/evaluate/flags/number HTTP/1.1\r\nHost: burgee\r\nContent-Length: 2\r\n\r\n"

// On SIGTERM no new request is taken, the one that is under way is answered, the socket goes, and the exit code is 0.
func TestTerminationFinishesWhatRuns(t *testing.T) {
	t.Parallel()
	_, burgee := serving(t)
	idle, running := dial(t, burgee), dial(t, burgee)
	send(t, idle, half+"{}")
	if code := receive(t, idle); code != http.StatusOK {
		t.Fatalf("answer %d; want 200", code)
	}
	send(t, running, half)
	started := time.Now()
	burgee.Terminate(t)
	kit.Eventually(t, func() error {
		if _, err := os.Lstat(burgee.Socket); !errors.Is(err, fs.ErrNotExist) {
			return errors.New("the socket is still there")
		}
		return nil
	})
	send(t, running, "{}")
	if code := receive(t, running); code != http.StatusOK {
		t.Errorf("the running request got %d; want 200", code)
	}
	if code := burgee.Wait(t); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
	if took := time.Since(started); took > stopped {
		t.Errorf("stopping took %s; want less than %s", took, stopped)
	}
	if len(burgee.Lines("stopped")) != 1 {
		t.Error("the log does not say that it stopped")
	}
}

// A client that never finishes its request holds the end up for a bounded time only.
func TestTerminationDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	_, burgee := serving(t)
	send(t, dial(t, burgee), half)
	started := time.Now()
	burgee.Terminate(t)
	if code := burgee.Wait(t); code != 0 {
		t.Errorf("exit code %d; want 0", code)
	}
	if took := time.Since(started); took > 8*time.Second {
		t.Errorf("stopping took %s; want no more than the 5s that a request may take, and a little", took)
	}
}

// A socket that a killed sidecar left behind is taken over; a live one never is.
func TestOneSocketOneSidecar(t *testing.T) {
	t.Parallel()
	shop, first := serving(t)
	if info, err := os.Lstat(first.Socket); err != nil || info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the socket has mode %v (%v); want 0660", info.Mode(), err)
	}
	second := shop.Spawn(t, nil, "--store", shop.Store, "--environment", kit.Environment, "--trust-key", shop.Path("team.pub"),
		"--socket", first.Socket, "--admin", "off")
	if code := second.Wait(t); code != 1 || !strings.Contains(second.Log(), "is held by another sidecar") {
		t.Errorf("the second sidecar ended with %d and said %s; want 1, and who holds the socket", code, second.Log())
	}
	first.Serves(t, 1, 1)
	first.Kill()
	third := shop.Start(t, soon...)
	third.WillServe(t, 1, 1)
}

// Two sidecars on one state folder both serve; the second does so without persistence, and says it.
func TestOneStateFolderOneWriter(t *testing.T) {
	t.Parallel()
	shop, first := serving(t)
	second := shop.Start(t, append(soon, "--socket", shop.Path("s2.sock"))...)
	second.WillServe(t, 1, 1)
	st := second.Until(t, "degraded", func(st kit.Status) bool { return len(st.Degraded) > 0 })
	if !strings.Contains(st.Degraded[0], "held by another process") {
		t.Errorf("degraded is %q; want who holds the state folder", st.Degraded)
	}
	shop.Publish(t, kit.Flags(2, 0))
	second.WillServe(t, 2, 2)
	first.Fresh(t, 2)
	if st := first.Status(t); len(st.Degraded) != 0 {
		t.Errorf("the first is degraded too: %q", st.Degraded)
	}
}

// A state folder that cannot be written stops nothing: neither the start, nor a change.
func TestReadOnlyStateFolder(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	prepare := shop.AsNobody(t)
	chmod(t, shop.Path("state"), 0o555)
	t.Cleanup(func() { chmod(t, shop.Path("state"), 0o755) })
	burgee := shop.StartAs(t, prepare, soon...)
	burgee.WillServe(t, 1, 1)
	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	st := burgee.Until(t, "fresh", func(st kit.Status) bool { return st.Freshness == "fresh" })
	if len(st.Degraded) != 1 || !strings.Contains(st.Degraded[0], "permission denied") || st.Persisted.Revision != 0 {
		t.Errorf("degraded %q, persisted %d; want one complaint about permission, and 0", st.Degraded, st.Persisted.Revision)
	}
	if burgee.Metric(t, "burgee_degraded") != 1 {
		t.Error("burgee_degraded is not 1")
	}
}

// Without a state folder nothing is kept, and that is no complaint.
func TestNoStateFolder(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.Start(t, append(soon, "--state-dir", "")...)
	burgee.WillServe(t, 1, 1)
	if st := burgee.Status(t); len(st.Degraded) != 0 || st.Persisted.Revision != 0 {
		t.Errorf("degraded %q, persisted %d; want neither", st.Degraded, st.Persisted.Revision)
	}
	rename(t, shop.Path("store"), shop.Path("away"))
	burgee.Kill()
	burgee = shop.Start(t, append(soon, "--state-dir", "")...)
	burgee.Until(t, "empty", func(st kit.Status) bool { return st.Freshness == "empty" && st.ErrorKind() == "no-store" })
}

// Nothing that a client sends is in the log, in /status or in a label of a metric, whether the request was good or broken.
func TestRequestsLeaveNoTrace(t *testing.T) {
	t.Parallel()
	_, burgee := serving(t, "--log-level", "trace")
	const secret = "hunter2"
	if a, err := burgee.Evaluate("number", `{"targetingKey":"`+secret+`","password":"`+secret+`"}`); err != nil || a.HTTP != http.StatusOK {
		t.Fatalf("answer %+v, error %v", a, err)
	}
	if a, err := burgee.Evaluate(secret, `{}`); err != nil || a.Code != "FLAG_NOT_FOUND" {
		t.Fatalf("answer %+v, error %v", a, err)
	}
	for _, raw := range []string{
		secret + "\r\n\r\n",
		"GET /" + secret + " HTTP/1.1\r\nHost: burgee\r\nConnection: close\r\n\r\n",
		"POST /ofrep/v1/evaluate/flags/number HTTP/1.1\r\nHost: burgee\r\nConnection: close\r\nContent-Length: 7\r\n\r\n" + secret,
		"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: " + secret + "\r\nX-Secret: " + strings.Repeat(secret, 4000) + "\r\n\r\n",
		"POST /" + secret + " HTTP/1.1\r\nHost: burgee\r\nContent-Length: 99999999\r\n\r\n" + secret,
	} {
		conn := dial(t, burgee)
		send(t, conn, raw)
		if code := receive(t, conn); code < 400 || code > 499 {
			t.Errorf("%.40q got %d; want a refusal", raw, code)
		}
	}
	burgee.Serves(t, 1, 1)
	_, status := burgee.Page(t, "/status")
	_, metrics := burgee.Page(t, "/metrics")
	for where, text := range map[string]string{"the log": burgee.Log(), "/status": status, "/metrics": metrics} {
		if strings.Contains(text, secret) {
			t.Errorf("%s repeats what a client sent:\n%s", where, text)
		}
	}
}

// A reader of the log that goes away takes nothing with it: what is written then is lost, and that is all.
func TestALostLogStopsNothing(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	burgee := shop.Spawn(t, func(c *exec.Cmd) { c.Stderr = writer }, append(soon, "--store", shop.Store, "--environment", kit.Environment,
		"--trust-key", shop.Path("team.pub"), "--socket", shop.Path("s.sock"), "--admin", "127.0.0.1:0")...)
	burgee.Socket = shop.Path("s.sock")
	log := bufio.NewScanner(reader)
	for burgee.Admin == "" && log.Scan() {
		var line struct{ For, Address string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if line.For == "admin" {
			burgee.Admin = line.Address
		}
	}
	burgee.WillServe(t, 1, 1)
	if err := errors.Join(reader.Close(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	rename(t, shop.Path("store"), shop.Path("away"))
	burgee.Until(t, "failures that nobody reads of", func(st kit.Status) bool { return st.Sync.Failures >= 2 })
	burgee.Serves(t, 1, 1)
	burgee.Stop(t)
}
