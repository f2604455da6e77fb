package main

import (
	"math"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryShare is how many hundredths of the memory that the system allows the Go runtime plans with. The rest is for what it does not
// count: the pages of the program's file, and the kernel's buffers of sockets.
const memoryShare = 75

// boundMemory tells the runtime how much memory there is, unless GOMEMLIMIT did: without it the runtime learns of a container's limit when
// it is killed. It gives the bytes that it set, or 0.
func boundMemory(root string) int64 {
	if debug.SetMemoryLimit(-1) != math.MaxInt64 {
		return 0
	}
	allowed := allowedMemory(root)
	if allowed <= 0 || allowed >= math.MaxInt64/memoryShare { // the old kind of control group has a number for none
		return 0
	}
	limit := allowed * memoryShare / 100
	debug.SetMemoryLimit(limit)
	return limit
}

// allowedMemory reads the limit of the control group that the process is in, of either kind; 0 is none. A container sees its own group as
// the root of all, and elsewhere the group is below the root.
func allowedMemory(root string) int64 {
	for _, name := range groupFiles(root) {
		text, err := os.ReadFile(name)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil {
			return limit
		}
	}
	return 0
}

// groupFiles are the files that may hold the limit, the most fitting first.
func groupFiles(root string) []string {
	const first, second = "sys/fs/cgroup/memory", "sys/fs/cgroup"
	var names []string
	groups, _ := os.ReadFile(filepath.Join(root, "proc", "self", "cgroup")) // nothing of the kind on other systems
	for line := range strings.Lines(string(groups)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(parts) != 3:
		case parts[0] == "0" && parts[1] == "":
			names = append(names, filepath.Join(root, second, parts[2], "memory.max"))
		case parts[1] == "memory":
			names = append(names, filepath.Join(root, first, parts[2], "memory.limit_in_bytes"))
		}
	}
	return append(names, filepath.Join(root, second, "memory.max"), filepath.Join(root, first, "memory.limit_in_bytes"))
}
