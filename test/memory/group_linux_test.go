package memory

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// group is a control group with a limit of memory, of the old kind or the new one.
type group struct {
	folder string
	files  groupFiles
}

type groupFiles struct{ limit, swap, peak, refused string }

var (
	oldFiles = groupFiles{"memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max_usage_in_bytes", "memory.failcnt"}
	newFiles = groupFiles{"memory.max", "memory.swap.max", "memory.peak", ""}
)

// newGroup makes one for the length of a test, or says why there is none.
func newGroup(t *testing.T, limit int) (*group, error) {
	t.Helper()
	var errs []error
	for _, kind := range []struct {
		root  string
		files groupFiles
	}{{"/sys/fs/cgroup/memory", oldFiles}, {"/sys/fs/cgroup", newFiles}} {
		g := &group{filepath.Join(kind.root, fmt.Sprintf("burgee-test-%d", os.Getpid())), kind.files}
		if err := g.make(limit); err != nil {
			errs = append(errs, err)
			continue
		}
		t.Cleanup(func() {
			if err := os.Remove(g.folder); err != nil {
				t.Error(err)
			}
		})
		return g, nil
	}
	return nil, errors.Join(errs...)
}

func (g *group) make(limit int) error {
	if err := os.Mkdir(g.folder, 0o755); err != nil {
		return err
	}
	if err := g.set(g.files.limit, limit); err != nil {
		_ = os.Remove(g.folder) // it is of no use
		return err
	}
	swap := 0
	if g.files == oldFiles {
		swap = limit // memory and swap together
	}
	_ = g.set(g.files.swap, swap) // not there where the kernel does not count swap
	return nil
}

func (g *group) set(name string, value int) error {
	return os.WriteFile(filepath.Join(g.folder, name), []byte(strconv.Itoa(value)), 0o644)
}

// enter lets a process start inside, with a copy of its program: the pages of one that was read before are counted where that was.
func (g *group) enter(cmd *exec.Cmd) {
	const script = `echo $$ >"$0" && cp "$1" "$2" && shift && exec "$@"`
	program := filepath.Join(filepath.Dir(socketOf(cmd)), "burgee")
	args := append([]string{"sh", "-c", script, filepath.Join(g.folder, "cgroup.procs"), cmd.Path, program}, cmd.Args[1:]...)
	cmd.Path, cmd.Args = "/bin/sh", args
}

// socketOf finds the socket among a sidecar's arguments: its folder is one to write to.
func socketOf(cmd *exec.Cmd) string {
	for i, arg := range cmd.Args {
		if arg == "--socket" {
			return cmd.Args[i+1]
		}
	}
	return ""
}

// peak is the most memory that was in use, pages of files included, and how often the limit was met, which cost such pages.
func (g *group) peak() (bytes int, refused string) {
	bytes = number(g.read(g.files.peak))
	if g.files.refused != "" {
		return bytes, strings.TrimSpace(g.read(g.files.refused))
	}
	return bytes, entry(g.read("memory.events"), "max")
}

// kills counts processes that the kernel ended for want of memory.
func (g *group) kills() int {
	if g.files == newFiles {
		return number(entry(g.read("memory.events"), "oom_kill"))
	}
	return number(entry(g.read("memory.oom_control"), "oom_kill"))
}

func (g *group) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(g.folder, name)) // older kernels lack some
	return string(text)
}

func entry(text, name string) string {
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return "0"
}

func number(text string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(text))
	return n
}
