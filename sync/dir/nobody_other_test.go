//go:build !linux

package dir_test

import (
	"os"
	"testing"
)

// asNobody takes the right to write in folder from the rest of the test.
func asNobody(t *testing.T, folder string) {
	t.Helper()
	if os.Geteuid() == 0 {
		t.Skip("SKIP: root may write everywhere; run the tests as somebody else")
	}
	if err := os.Chmod(folder, 0o555); err != nil {
		t.Fatal(err)
	}
}
