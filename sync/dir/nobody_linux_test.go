package dir_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = 65534

// asNobody takes the right to write in folder from the rest of the test. Root has it anyway, so root reaches for files as nobody; the
// kernel keeps that per thread.
func asNobody(t *testing.T, folder string) {
	t.Helper()
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		return
	}
	if err := os.Chmod(filepath.Dir(folder), 0o755); err != nil { // the tests' own folder is closed to others
		t.Fatal(err)
	}
	runtime.LockOSThread()
	if err := unix.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Setfsuid(0); err == nil {
			runtime.UnlockOSThread() // else the thread ends with the test
		}
	})
}
