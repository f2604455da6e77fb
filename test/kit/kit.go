// Package kit drives real burgee and burgeectl processes for tests, on this machine alone: a shop with its key and its store, and
// sidecars beside it. It knows the programs from outside only, as an operator does. It is for tests only.
package kit

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Binaries is the environment variable with the folder that holds burgee and burgeectl; without it they are built.
const Binaries = "BURGEE_TEST_BIN"

// Patience bounds every wait for something that is to happen.
const Patience = 20 * time.Second

// programs gives the folder with both programs, and builds them when they are first wanted: a package whose tests are all skipped
// builds nothing.
var programs = sync.OnceValues(func() (string, error) {
	if folder := os.Getenv(Binaries); folder != "" {
		return filepath.Abs(folder)
	}
	return build()
})

// Program is the path of burgee or burgeectl, for whoever starts it otherwise than a sidecar or a publisher is started.
func Program(t testing.TB, name string) string {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, name)
}

// built is where build put them.
var built string

// Main is what a package's TestMain does: it runs the tests, and removes what was built for them.
func Main(m *testing.M) {
	code := m.Run()
	if built != "" {
		_ = os.RemoveAll(built) // what stays is in the system's folder for such things
	}
	os.Exit(code)
}

// build makes both programs as they are shipped, but under the race detector where the tests are.
func build() (string, error) {
	var err error
	if built, err = openFolder(); err != nil {
		return "", err
	}
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/burgeehq/burgee")
	list.Stderr = os.Stderr
	root, err := list.Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", built + string(filepath.Separator)}, raceFlags...)
	compile := exec.Command("go", append(args, "./cmd/burgee", "./cmd/burgeectl")...)
	compile.Dir, compile.Stderr = strings.TrimSpace(string(root)), os.Stderr
	if !Race {
		compile.Env = append(os.Environ(), "CGO_ENABLED=0")
	}
	if err := compile.Run(); err != nil {
		return "", fmt.Errorf("build the programs: %w", err)
	}
	return built, readSources(compile.Dir)
}

// readSources looks at the folders that the programs are made of: go test keeps a result for as long as nothing changes that the test
// has opened, and it cannot know what a compiler beside it has.
func readSources(root string) error {
	for _, part := range []string{"cmd", "sidecar", "sync", "eval"} {
		err := filepath.WalkDir(filepath.Join(root, part), func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	return nil
}

// openFolder makes a folder that other users can enter, with a path short enough for a socket in it.
func openFolder() (string, error) {
	folder, err := os.MkdirTemp("", "burgee")
	if err != nil {
		return "", err
	}
	return folder, os.Chmod(folder, 0o755)
}

// Folder is openFolder for the length of a test.
func Folder(t testing.TB) string {
	t.Helper()
	folder, err := openFolder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			t.Error(err)
		}
	})
	return folder
}

// Eventually looks again until try gives nil, and fails with its last error where patience ends.
func Eventually(t testing.TB, try func() error) {
	t.Helper()
	deadline := time.NewTimer(Patience)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline.C:
			t.Fatalf("not within %s: %v", Patience, err)
		case <-tick.C:
		}
	}
}
