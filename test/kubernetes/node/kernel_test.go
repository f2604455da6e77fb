//go:build linux

package node

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// limit is the memory of a sidecar where a pod asks for no other, and share what its runtime plans with.
const (
	limit = 64 << 20
	share = limit * 3 / 4
)

// isConfined looks at what the kernel holds the sidecar to: who it is, what it may do, what it may write to, how much memory it has.
func (p *pod) isConfined(t *testing.T) {
	t.Helper()
	pid := p.pid(t, sidecar)
	status := page(t, pid, "status")
	for name, want := range map[string]string{
		"Uid": "65532 65532 65532 65532", "Gid": "65532 65532 65532 65532", "NoNewPrivs": "1", "Seccomp": "2",
		"CapInh": "0000000000000000", "CapPrm": "0000000000000000", "CapEff": "0000000000000000", "CapBnd": "0000000000000000", "CapAmb": "0000000000000000",
	} {
		if got := field(status, name); got != want {
			t.Errorf("%s of the sidecar is %q; want %q", name, got, want)
		}
	}
	for path, want := range map[string]string{"/": "ro", "/run/burgee": "rw", "/var/lib/burgee": "rw"} {
		if got := mounted(t, pid, path); got != want {
			t.Errorf("the sidecar's %s is mounted %s; want %s", path, got, want)
		}
	}
	if got := mounted(t, p.pid(t, "app"), "/run/burgee"); got != "ro" {
		t.Errorf("the application's /run/burgee is mounted %s; want it read-only", got)
	}
	folder := memoryGroup(t, pid)
	if text := oneOf(t, folder, "memory.limit_in_bytes", "memory.max"); strings.TrimSpace(text) != strconv.Itoa(limit) {
		t.Errorf("the sidecar's group has %s bytes of memory; want %d", text, limit)
	}
	metrics, err := p.page("/metrics")
	must(t, err)
	if want := "go_gc_gomemlimit_bytes " + strconv.FormatFloat(share, 'g', -1, 64) + "\n"; !strings.Contains(metrics, want) {
		_, rest, _ := strings.Cut(metrics, "\ngo_gc_gomemlimit_bytes")
		t.Errorf("the runtime plans with %.20q; want %s", rest, want)
	}
	t.Logf("the sidecar has %s resident", field(status, "VmRSS"))
}

// wasNotStarved wants no process of the sidecar killed for want of memory.
func (p *pod) wasNotStarved(t *testing.T) {
	t.Helper()
	folder := memoryGroup(t, p.pid(t, sidecar))
	if text := oneOf(t, folder, "memory.oom_control", "memory.events"); !strings.Contains(text, "oom_kill 0\n") {
		t.Errorf("the sidecar's group was short of memory: %s", text)
	}
	s := p.state(t)
	if last := s.container(sidecar).LastState.Terminated; last != nil && last.Reason == "OOMKilled" {
		t.Errorf("the sidecar before was killed for want of memory")
	}
}

// oneOf reads a group's file, which the two kinds of control groups call differently.
func oneOf(t *testing.T, folder string, names ...string) string {
	t.Helper()
	for _, name := range names {
		if text, err := os.ReadFile(filepath.Join(folder, name)); err == nil {
			return string(text)
		}
	}
	t.Fatalf("%s has none of %q", folder, names)
	return ""
}

// memoryGroup is the folder of the control group that counts the memory of a process.
func memoryGroup(t *testing.T, pid int) string {
	t.Helper()
	for line := range strings.Lines(page(t, pid, "cgroup")) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if parts[1] == "memory" {
			return filepath.Join(groups, "memory", parts[2])
		}
		if path := filepath.Join(groups, parts[2]); parts[1] == "" && exists(filepath.Join(path, "memory.max")) {
			return path
		}
	}
	t.Fatalf("process %d is in no group that counts its memory", pid)
	return ""
}

// page is one of the kernel's on a process.
func page(t *testing.T, pid int, name string) string {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, name))
	must(t, err)
	return string(text)
}

// field is a line of /proc/PID/status, its words joined by single spaces.
func field(status, name string) string {
	for line := range strings.Lines(status) {
		if rest, found := strings.CutPrefix(line, name+":"); found {
			return strings.Join(strings.Fields(rest), " ")
		}
	}
	return "absent"
}

// mounted tells whether a process may write to what is mounted at the path: ro or rw.
func mounted(t *testing.T, pid int, path string) string {
	t.Helper()
	for line := range strings.Lines(page(t, pid, "mountinfo")) {
		if fields := strings.Fields(line); fields[4] == path {
			return fields[5][:2]
		}
	}
	return "nowhere"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
