//go:build linux

package image

import (
	"archive/tar"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// user is the one that the image runs as.
const user = 65532

// container is one that is made of the image as a strict pod makes it: its root read-only, no capability, no way to gain one, and as
// writable folders only what is mounted. The network is the host's, as a pod's is its containers'.
type container struct {
	bundle string
	id     string
	mounts []mount
}

type mount struct {
	Destination string   `json:"destination"`
	Type        string   `json:"type,omitempty"`
	Source      string   `json:"source"`
	Options     []string `json:"options,omitempty"`
}

// prepare unpacks the image for one container.
func prepare(t *testing.T, mounts ...mount) *container {
	t.Helper()
	c := &container{bundle: kit.Folder(t), mounts: mounts}
	c.id = filepath.Base(c.bundle)
	for _, f := range open(t, filepath.Join(folder(t), "oci")).files {
		name := filepath.Join(c.bundle, "rootfs", f.Name)
		if f.Typeflag == tar.TypeDir {
			must(t, os.MkdirAll(name, f.FileInfo().Mode().Perm()))
			continue
		}
		must(t, os.MkdirAll(filepath.Dir(name), 0o755))
		must(t, os.WriteFile(name, f.body, f.FileInfo().Mode().Perm()))
	}
	t.Cleanup(func() { _ = c.runc("delete", "--force", c.id).Run() }) // fails where it has ended well
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// owned is a volume as a pod's fsGroup or a host's administrator makes it: a folder that belongs to the image's user.
func owned(t *testing.T, shop *kit.Shop, name, destination string) mount {
	t.Helper()
	source := shop.Path(name)
	must(t, os.Mkdir(source, 0o700))
	must(t, os.Chown(source, user, user))
	return mount{destination, "bind", source, []string{"bind", "rw", "nosuid", "nodev", "noexec"}}
}

func (c *container) runc(args ...string) *exec.Cmd {
	return exec.Command("runc", append([]string{"--root", filepath.Join(c.bundle, "runc")}, args...)...)
}

// as runs what kit starts as the image's program in the container.
func (c *container) as(t *testing.T, i *image) kit.Prepare {
	return func(cmd *exec.Cmd) {
		args := slices.Concat(i.config.Config.Entrypoint, cmd.Args[1:])
		text, err := json.Marshal(c.specification(t, i, args))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(c.bundle, "config.json"), text, 0o644))
		run := c.runc("run", "--bundle", c.bundle, c.id)
		cmd.Path, cmd.Args = run.Path, run.Args
	}
}

// specification is what a runtime is told.
func (c *container) specification(t *testing.T, i *image, args []string) map[string]any {
	t.Helper()
	type object = map[string]any
	var uid, gid int
	if _, err := fmt.Sscanf(i.config.Config.User, "%d:%d", &uid, &gid); err != nil {
		t.Fatalf("user %q of the image: %v", i.config.Config.User, err)
	}
	mounts := append([]mount{
		{"/proc", "proc", "proc", nil},
		{"/dev", "tmpfs", "tmpfs", []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		{"/sys", "bind", "/sys", []string{"rbind", "nosuid", "noexec", "nodev", "ro"}},
	}, c.mounts...)
	return object{
		"ociVersion": "1.0.2",
		"process": object{
			"user": object{"uid": uid, "gid": gid}, "args": args, "env": i.config.Config.Env, "cwd": "/",
			"capabilities": object{}, "noNewPrivileges": true,
		},
		"root":   object{"path": "rootfs", "readonly": true},
		"mounts": mounts,
		"linux":  object{"namespaces": []object{{"type": "pid"}, {"type": "ipc"}, {"type": "uts"}, {"type": "mount"}}},
	}
}

// status is what the kernel says of the program in the container.
func (c *container) status(t *testing.T, page string) string {
	t.Helper()
	said, err := c.runc("state", c.id).Output()
	must(t, err)
	var state struct{ PID int }
	must(t, json.Unmarshal(said, &state))
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", state.PID, page))
	must(t, err)
	return string(text)
}

// line is one of /proc/PID/status, its words joined by single spaces.
func line(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	return "absent"
}
