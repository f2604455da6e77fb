//go:build linux

package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// inside is the environment variable with the folder of the run, for the process that runs the tests.
const inside = "BURGEE_TEST_NODE_FOLDER"

// gateway is the address of the node on the bridge that its pods hang on, with the length of their network's prefix.
const (
	bridge  = "pods0"
	gateway = "10.88.0.1"
	network = "10.88.0.0/16"
)

// TestMain runs the tests in namespaces of their own: processes, mounts, network. Whatever a node starts, mounts and routes is gone with
// the last process of theirs, however the tests end, and nothing of it is seen outside. The folder and the control groups, which
// namespaces do not hold, are removed after them.
func TestMain(m *testing.M) {
	folder := os.Getenv(inside)
	switch {
	case folder != "":
		if err := enter(folder); err != nil {
			fmt.Fprintln(os.Stderr, "node:", err)
			os.Exit(1)
		}
		os.Exit(m.Run())
	case missing() != "":
		os.Exit(m.Run()) // the tests say what is missing
	}
	code, err := outside()
	if err != nil {
		fmt.Fprintln(os.Stderr, "node:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// outside runs this program again in namespaces of its own, and tidies up after it. The exit code is that of the tests.
func outside() (code int, err error) {
	runtime.LockOSThread() // the child's life hangs on this thread's
	folder, err := os.MkdirTemp(temporary(), "node")
	if err != nil {
		return 1, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM) // what is tidied up is tidied up then too
	defer stop()
	defer func() { err = errors.Join(err, os.RemoveAll(folder), removeGroups(group(folder))) }()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"="+folder, "TMPDIR="+folder) // so that nothing of a test that was killed is elsewhere
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS,
		Pdeathsig:  syscall.SIGKILL,
	}
	err = cmd.Run()
	if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
		return failed.ExitCode(), nil
	}
	return 0, err
}

// temporary is the folder for temporary files, unless it is one that the tests put another in the place of.
func temporary() string {
	folder := os.TempDir()
	for _, covered := range []string{"/var", "/run"} {
		if path, err := filepath.EvalSymlinks(folder); err == nil && strings.HasPrefix(path+"/", covered+"/") {
			return "/tmp"
		}
	}
	return folder
}

// sysctls are settings of the whole machine that a kubelet wants to be so, or makes so.
var sysctls = map[string]string{
	"vm/overcommit_memory": "1", "vm/panic_on_oom": "0", "kernel/panic": "10", "kernel/panic_on_oops": "1",
	"kernel/keys/root_maxkeys": "1000000", "kernel/keys/root_maxbytes": "25000000",
}

// enter makes what the first process sees of the machine its own: /proc is that of its processes, what is written to /run and /var
// goes to the folder, and the kubelet finds the machine's settings as it wants them, so that it leaves them alone.
func enter(folder string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	upper, work := filepath.Join(folder, "var"), filepath.Join(folder, "work")
	if err := errors.Join(os.Mkdir(upper, 0o755), os.Mkdir(work, 0o755), os.Mkdir(filepath.Join(folder, "sysctl"), 0o755)); err != nil {
		return err
	}
	for _, m := range []struct{ source, target, kind, data string }{
		{"proc", "/proc", "proc", ""},
		{"tmpfs", "/run", "tmpfs", "mode=755"},
		{"overlay", "/var", "overlay", "lowerdir=/var,upperdir=" + upper + ",workdir=" + work},
	} {
		if err := unix.Mount(m.source, m.target, m.kind, 0, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	for name, value := range sysctls {
		file := filepath.Join(folder, "sysctl", strings.ReplaceAll(name, "/", "."))
		if err := os.WriteFile(file, []byte(value+"\n"), 0o644); err != nil {
			return err
		}
		if err := unix.Mount(file, "/proc/sys/"+name, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("cover %s: %w", name, err)
		}
	}
	return connect()
}

// connect makes the node's network: loopback, and the bridge. Its address is there before the first pod is.
func connect() error {
	_, length, _ := strings.Cut(network, "/")
	for _, args := range []string{
		"link set lo up", "link add " + bridge + " type bridge", "addr add " + gateway + "/" + length + " dev " + bridge, "link set " + bridge + " up",
	} {
		if output, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, output)
		}
	}
	return nil
}

// group is the control group that the node's containers are in.
func group(folder string) string { return "burgee-" + filepath.Base(folder) }

// groups is where the machine's control groups are.
const groups = "/sys/fs/cgroup"

// groupTrees are their trees: one, or in the older kind one for each resource.
func groupTrees() []string {
	if _, err := os.Stat(groups + "/cgroup.procs"); err == nil {
		return []string{groups}
	}
	var trees []string
	found, _ := filepath.Glob(groups + "/*/cgroup.procs") // an error is one of the pattern
	for _, file := range found {
		trees = append(trees, filepath.Dir(file))
	}
	return trees
}

// removeGroups removes a control group from all trees, and those below it. Their processes have ended.
func removeGroups(name string) error {
	var failed error
	for _, tree := range groupTrees() {
		var found []string
		_ = filepath.WalkDir(filepath.Join(tree, name), func(path string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				found = append(found, path)
			}
			return nil // what cannot be read is not there
		})
		for _, path := range slices.Backward(found) {
			failed = errors.Join(failed, removeGroup(path))
		}
	}
	return failed
}

func removeGroup(path string) error {
	deadline := time.After(patience)
	for {
		err := os.Remove(path)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		select {
		case <-deadline:
			return fmt.Errorf("remove a control group: %w", err)
		case <-time.After(lookEvery):
		}
	}
}
