//go:build linux

package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
)

const maxStop = 5 * time.Second // from SIGTERM to the end; a pod gets 30 by default

// published is a shop whose document 1 is published, and the mount that shows it to a container.
func published(t *testing.T) (*kit.Shop, mount) {
	t.Helper()
	shop := kit.New(t)
	shop.Publish(t, kit.Flags(1, 0))
	return shop, mount{shop.Dir, "bind", shop.Dir, []string{"bind", "ro"}}
}

// follow are the settings of a sidecar that follows the shop's store in a pod.
func follow(shop *kit.Shop) []string {
	return []string{
		"--store", shop.Store, "--environment", kit.Environment, "--trust-key", shop.Path("team.pub"), "--poll", "100ms",
		"--state-dir", "/var/lib/burgee", "--socket", "/run/burgee/burgee.sock",
	}
}

// A container serves, changes and stops; the next one, on the same volumes and without the store, serves what the first one saved.
func TestRunsWithNothingToWriteToButItsVolumes(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	shop, read := published(t)
	socket, state := owned(t, shop, "run", "/run/burgee"), owned(t, shop, "state", "/var/lib/burgee")
	begin := func() (*kit.Sidecar, *container) {
		c := prepare(t, read, socket, state)
		burgee := shop.Run(t, c.as(t, i), follow(shop)...)
		burgee.Socket = filepath.Join(socket.Source, "burgee.sock")
		return burgee, c
	}
	burgee, c := begin()
	burgee.WillServe(t, 1, 1)
	status := c.status(t, "status")
	for name, want := range map[string]string{
		"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532", "Groups": "", "NoNewPrivs": "1",
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapBnd": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		if got := line(status, name); got != want {
			t.Errorf("%s of the program is %q; want %q", name, got, want)
		}
	}
	for mounted := range strings.Lines(c.status(t, "mountinfo")) {
		if fields := strings.Fields(mounted); fields[4] == "/" && !strings.HasPrefix(fields[5], "ro") {
			t.Errorf("the root is mounted %s; want it read-only", fields[5])
		}
	}
	shop.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)
	t.Logf("%s resident", line(c.status(t, "status"), "VmRSS"))
	stopping := time.Now()
	burgee.Stop(t)
	if took := time.Since(stopping); took > maxStop {
		t.Errorf("it took %s to stop; want %s", took, maxStop)
	} else {
		t.Logf("stopped within %s", took.Round(time.Millisecond))
	}

	must(t, os.Rename(shop.Path("store"), shop.Path("away")))
	burgee, _ = begin()
	burgee.WillServe(t, 2, 2)
	burgee.Stop(t)
}

// Whoever forgets a volume is told: without a place for the socket nothing starts, and without one for the state it is degraded.
func TestWithoutVolumes(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	shop, read := published(t)
	burgee := shop.Spawn(t, prepare(t, read).as(t, i), follow(shop)...)
	if code := burgee.Wait(t); code != 1 || !strings.Contains(burgee.Log(), "give a --socket in a folder that is there and may be written to") {
		t.Errorf("without a folder for the socket: exit code %d and\n%s\nwant 1 and what to give", code, burgee.Log())
	}

	socket := owned(t, shop, "run", "/run/burgee")
	burgee = shop.Run(t, prepare(t, read, socket).as(t, i), follow(shop)...)
	burgee.Socket = filepath.Join(socket.Source, "burgee.sock")
	burgee.WillServe(t, 1, 1)
	burgee.Until(t, "degraded persistence", func(st kit.Status) bool {
		return len(st.Degraded) == 1 && strings.HasPrefix(st.Degraded[0], "persistence: ")
	})
	burgee.Stop(t)
}

// A flag file from a ConfigMap is served too.
func TestServesAFlagFile(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	shop := kit.New(t)
	must(t, os.WriteFile(shop.Path("flags.json"), []byte(kit.Flags(7, 0)), 0o644))
	socket := owned(t, shop, "run", "/run/burgee")
	c := prepare(t, mount{"/flags", "bind", shop.Dir, []string{"bind", "ro"}}, socket)
	burgee := shop.Run(t, c.as(t, i), "--flags", "/flags/flags.json", "--socket", "/run/burgee/burgee.sock")
	burgee.Socket = filepath.Join(socket.Source, "burgee.sock")
	burgee.WillServe(t, 7, 1)
	burgee.Stop(t)
}

// The exit codes of docs/operations.md come out of the container.
func TestExitCodes(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	shop, read := published(t)
	for _, row := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 2, "neither --store nor --flags is given"},
		{[]string{"--poll", "15"}, 2, "--poll: expected duration"},
		{[]string{"--store", shop.Store, "--environment", kit.Environment}, 2, "burgee: "},
		{[]string{"--flags", "/absent.json"}, 1, "flag file not read"},
		{[]string{"--flags", shop.Path("flags.json"), "--listen", "192.0.2.1:8016"}, 1, "listen"},
	} {
		must(t, os.WriteFile(shop.Path("flags.json"), []byte(kit.Flags(1, 0)), 0o644))
		burgee := shop.Spawn(t, prepare(t, read).as(t, i), row.args...)
		if code := burgee.Wait(t); code != row.code || !strings.Contains(burgee.Log(), row.says) {
			t.Errorf("%q: exit code %d and\n%s\nwant %d and %q", row.args, code, burgee.Log(), row.code, row.says)
		}
	}
}
