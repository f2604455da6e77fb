package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"
)

func TestAllowedMemory(t *testing.T) {
	const old, hybrid = "5:cpu:/a\n4:memory:/pod/b\n", "4:memory:/pod/b\n0::/pod/c\n"
	for _, row := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"nothing there", nil, 0},
		{"a container, new", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "67108864\n"}, 64 << 20},
		{"a container, new, no limit", map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"a group below the root", map[string]string{"proc/self/cgroup": "0::/x\n", "sys/fs/cgroup/x/memory.max": "1000\n", "sys/fs/cgroup/memory.max": "max\n"}, 1000},
		{"a container, old", map[string]string{"proc/self/cgroup": old, "sys/fs/cgroup/memory/memory.limit_in_bytes": "1000\n"}, 1000},
		{"a group, old", map[string]string{"proc/self/cgroup": hybrid, "sys/fs/cgroup/memory/pod/b/memory.limit_in_bytes": "1000\n"}, 1000},
	} {
		t.Run(row.name, func(t *testing.T) {
			if got := allowedMemory(tree(t, row.files)); got != row.want {
				t.Errorf("got %d, want %d", got, row.want)
			}
		})
	}
}

// What GOMEMLIMIT says stands; else the control group's limit counts, but for the number by which the old kind says that there is none.
func TestBoundMemory(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	for _, row := range []struct {
		limit string
		set   int64
		want  int64
	}{
		{"67108864", math.MaxInt64, 48 << 20},
		{"67108864", 1 << 30, 1 << 30},
		{"9223372036854771712", math.MaxInt64, math.MaxInt64},
	} {
		debug.SetMemoryLimit(row.set)
		boundMemory(tree(t, map[string]string{"sys/fs/cgroup/memory.max": row.limit}))
		if got := debug.SetMemoryLimit(-1); got != row.want {
			t.Errorf("%s beside %d: the limit is %d; want %d", row.limit, row.set, got, row.want)
		}
	}
}

func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}
