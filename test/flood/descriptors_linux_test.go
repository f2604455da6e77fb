package flood

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/test/kit"
)

// few is how many files a sidecar may open where they are scarce.
const few = 64

// withFew starts a sidecar that may open few files.
func withFew(c *exec.Cmd) {
	c.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -n %d; exec "$0" "$@"`, few), c.Path}, c.Args[1:]...)
	c.Path = "/bin/sh"
}

// Where there are few descriptors, clients take none from the store, the disk and on-call.
func TestFewDescriptors(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.StartAs(t, withFew, "--poll", "100ms", "--listen", "127.0.0.1:0")
	burgee.Fresh(t, 1)
	evaluation, admin := listeners(t, burgee)
	var flood []net.Conn
	for _, a := range append(evaluation, admin) {
		for range 2 * few {
			conn, err := a.dial()
			if err != nil {
				t.Fatal(err)
			}
			flood = append(flood, conn)
		}
	}
	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)
	for _, a := range evaluation {
		if err := askAnew(a, good); err != nil {
			t.Errorf("over %s: %v", a, err)
		}
	}
	if n := burgee.Metric(t, "burgee_accept_faults_total"); n > 0 {
		t.Errorf("%.0f connections could not be had; want room for as many as are taken", n)
	}
	for _, conn := range flood {
		_ = conn.Close()
	}
}

// When the system gives no descriptors any more, whatever took them, those who are connected are answered, the process stays, and
// newcomers are answered within a second after there are some again.
func TestNoDescriptors(t *testing.T) {
	t.Parallel()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	burgee := shop.Start(t, "--poll", "100ms", "--listen", "127.0.0.1:0")
	burgee.Fresh(t, 1)
	evaluation, _ := listeners(t, burgee)
	var kept []net.Conn
	for _, a := range evaluation {
		conn, err := a.dial()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		kept = append(kept, conn)
		if err := ask(conn, good); err != nil {
			t.Fatal(err)
		}
	}
	onCall, err := address{"tcp", burgee.Admin}.dial()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = onCall.Close() }()

	var before unix.Rlimit
	if err := unix.Prlimit(burgee.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 0, Max: 1 << 10}, &before); err != nil {
		t.Skipf("SKIP: the limit of another process cannot be set here: %v", err)
	}
	late := make([]chan error, len(evaluation))
	for i, a := range evaluation {
		late[i] = make(chan error, 1)
		go func() { late[i] <- askAnew(a, good) }()
	}
	for range 50 { // half a second
		for _, conn := range kept {
			if err := ask(conn, good); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(10 * time.Millisecond)
	}
	for i, answered := range late {
		select {
		case err := <-answered:
			t.Fatalf("a newcomer over %s was answered (%v); want none to be, or nothing is tested", evaluation[i], err)
		default:
		}
	}
	freed := time.Now()
	if err := unix.Prlimit(burgee.PID, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: min(before.Cur, 1<<10), Max: 1 << 10}, nil); err != nil {
		t.Fatal(err)
	}
	for i, answered := range late {
		if err := <-answered; err != nil {
			t.Error(err)
		}
		took := time.Since(freed)
		t.Logf("a newcomer over %s was answered %s after there were descriptors again", evaluation[i], took)
		if took > time.Second && !kit.Race {
			t.Errorf("over %s a newcomer was answered %s after there were descriptors again; want a second", evaluation[i], took)
		}
	}
	kit.Eventually(t, func() error {
		if burgee.Metric(t, "burgee_accept_faults_total") == 0 {
			return errors.New("no fault is counted")
		}
		return nil
	})
	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)
}
