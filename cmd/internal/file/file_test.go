package file

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadTakesUpToTheLimit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(name, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(name, 5); err != nil || string(got) != "12345" {
		t.Errorf("a file as large as its limit: %q, %v", got, err)
	}
	got, err := Read(name, 4)
	if !errors.Is(err, ErrTooLarge) || got != nil || !strings.Contains(err.Error(), name+": file too large: more than 4 bytes") {
		t.Errorf("a larger one: %q, %v", got, err)
	}
}

func TestReadFollowsSymlinks(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "link")
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "f"), []byte("x"), 0o600), os.Symlink("f", link)); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(link, 1); err != nil || !bytes.Equal(got, []byte("x")) {
		t.Errorf("a symlink to a file: %q, %v", got, err)
	}
}

// TestReadRefuses ends at once even for a pipe that nobody writes into.
func TestReadRefuses(t *testing.T) {
	folder := t.TempDir()
	pipe, link := filepath.Join(folder, "pipe"), filepath.Join(folder, "link")
	if err := errors.Join(syscall.Mkfifo(pipe, 0o600), os.Symlink(pipe, link)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		folder:      "not a regular file, but a folder",
		pipe:        "not a regular file, but a pipe",
		link:        "not a regular file, but a pipe",
		"/dev/zero": "not a regular file, but a device",
	} {
		if _, err := Read(name, 10); !errors.Is(err, ErrNotRegular) || !strings.Contains(err.Error(), name+": "+want) {
			t.Errorf("%s: error %v; want %s", name, err, want)
		}
	}
	if _, err := Read(filepath.Join(folder, "absent"), 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an absent file: %v", err)
	}
}
