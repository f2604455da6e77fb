package dir_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/sync/dir"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/object/objecttest"
)

const limit = 1 << 20

func open(t *testing.T, path string) *dir.Store {
	t.Helper()
	s, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func create(t *testing.T, s *dir.Store, key, body string) string {
	t.Helper()
	tag, err := s.Create(t.Context(), key, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

func wantBody(t *testing.T, s *dir.Store, key, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key, "", limit)
	if err != nil || string(got.Body) != want {
		t.Errorf("get %s: got %q, error %v; want %q", key, got.Body, err, want)
	}
}

// wantRefusal asks for the sentinel, and for words that a person can act on.
func wantRefusal(t *testing.T, err, want error, words ...string) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
	for _, word := range words {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not mention %q", err, word)
		}
	}
}

func TestContract(t *testing.T) {
	objecttest.Run(t, func(t *testing.T) object.Store { return open(t, t.TempDir()) })
}

func TestOpenRefusesPathsThatNameNoFolder(t *testing.T) {
	for path, want := range map[string]string{"flags": "relative", "./flags": "relative", "": "relative", "/": "root", "/a/..": "root"} {
		if _, err := dir.Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("open %q: got error %v, want one that says %q", path, err, want)
		}
	}
}

func TestStringIsAURL(t *testing.T) {
	if got, want := open(t, "/srv/my flags/").String(), "file:///srv/my%20flags"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestMissingFolderIsSurvivedAndFoundWhenItAppears(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	s := open(t, path)
	_, err := s.Get(t.Context(), "head", "", limit)
	wantRefusal(t, err, object.ErrNoStore, "get ", "head", path)
	_, err = s.List(t.Context(), "", "", 10)
	wantRefusal(t, err, object.ErrNoStore, path)
	_, err = s.Replace(t.Context(), "head", "tag", nil)
	wantRefusal(t, err, object.ErrNoStore, "replace ", "head", path)

	create(t, s, "revisions/1", "one")
	wantBody(t, s, "revisions/1", "one")
}

func TestCreateMakesNoParents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "unmounted", "store")
	_, err := open(t, path).Create(t.Context(), "head", nil)
	wantRefusal(t, err, object.ErrNoStore, "create ", "head", path)
}

func TestFileInPlaceOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	writeFile(t, path, "a file")
	_, err := open(t, path).Get(t.Context(), "head", "", limit)
	wantRefusal(t, err, object.ErrNoStore, path)
}

func TestFIFOInPlaceOfTheFolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, path).Get(t.Context(), "head", "", limit)
	wantRefusal(t, err, object.ErrNoStore, path, "no folder")
}

func TestAnotherFolderInItsPlaceIsFollowed(t *testing.T) {
	base := t.TempDir()
	create(t, open(t, filepath.Join(base, "one")), "head", "1")
	create(t, open(t, filepath.Join(base, "two")), "head", "2")
	link := filepath.Join(base, "current")
	symlink(t, "one", link)
	s := open(t, link)
	wantBody(t, s, "head", "1")
	remove(t, link)
	symlink(t, "two", link)
	wantBody(t, s, "head", "2")
}

func TestFIFODoesNotHang(t *testing.T) {
	path := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(path, "head"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	_, err := s.Get(t.Context(), "head", "", limit)
	if err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("get: %v", err)
	}
	if _, err := s.Replace(t.Context(), "head", "tag", nil); err == nil {
		t.Error("replaced a named pipe")
	}
	_, err = s.Create(t.Context(), "head", nil)
	wantRefusal(t, err, object.ErrExists)
	if keys, err := s.List(t.Context(), "", "", 10); err != nil || len(keys) != 0 {
		t.Errorf("list: %q, error %v", keys, err)
	}
}

func TestLinksAreFollowedOnlyWithinTheFolder(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, "store")
	writeFile(t, filepath.Join(base, "secret"), "secret")
	writeFile(t, filepath.Join(path, "..data", "head"), "from a ConfigMap")
	symlink(t, "..data/head", filepath.Join(path, "head"))
	symlink(t, "../secret", filepath.Join(path, "out"))
	symlink(t, filepath.Join(base, "secret"), filepath.Join(path, "far"))
	symlink(t, "..", filepath.Join(path, "up"))
	symlink(t, "nowhere", filepath.Join(path, "dangling"))
	s := open(t, path)

	wantBody(t, s, "head", "from a ConfigMap")
	for _, key := range []string{"out", "far", "up/secret", "dangling"} {
		if got, err := s.Get(t.Context(), key, "", limit); err == nil {
			t.Errorf("get %s: read %q", key, got.Body)
		}
	}
	if _, err := s.Create(t.Context(), "up/planted", nil); err == nil {
		t.Error("created a file outside the folder")
	}
	if keys, err := s.List(t.Context(), "", "", 10); err != nil || !slices.Equal(keys, []string{"head"}) {
		t.Errorf("list: %q, error %v", keys, err)
	}
}

func TestWriterSweepsWhatAKilledOneLeft(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	tag := create(t, s, "head", "one")
	left := filepath.Join(path, ".burgee-unfinished-LEFT")
	writeFile(t, left, "hal")
	wantBody(t, s, "head", "one")
	if keys, err := s.List(t.Context(), "", "", 10); err != nil || !slices.Equal(keys, []string{"head"}) {
		t.Errorf("list: %q, error %v", keys, err)
	}
	if _, err := s.Replace(t.Context(), "head", tag, []byte("two")); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(left); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the unfinished file is still there: %v", err)
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	tag := create(t, s, "head", "one")
	if _, err := s.Replace(t.Context(), "head", tag, []byte("two")); err != nil {
		t.Fatal(err)
	}
	_, err := s.Replace(t.Context(), "head", tag, []byte("three"))
	wantRefusal(t, err, object.ErrConflict)
	_, err = s.Create(t.Context(), "head", []byte("four"))
	wantRefusal(t, err, object.ErrExists)

	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 2 || entries[0].Name() != ".burgee-lock" || entries[1].Name() != "head" {
		t.Errorf("the folder holds %v, error %v; want the lock and the head alone", entries, err)
	}
}

func TestReadersWaitForNoWriterAndWritersForOneAnother(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	tag := create(t, s, "head", "one")
	f, err := os.Open(filepath.Join(path, ".burgee-lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}

	wantBody(t, s, "head", "one")
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	_, err = s.Replace(ctx, "head", tag, []byte("two"))
	wantRefusal(t, err, object.ErrUnavailable, "replace ", "head", "lock")
	wantBody(t, s, "head", "one")

	if err := f.Close(); err != nil { // as the kernel does for a writer that is killed
		t.Fatal(err)
	}
	if _, err := s.Replace(t.Context(), "head", tag, []byte("two")); err != nil {
		t.Error(err)
	}
}

func TestReaderNeedsNoRightToWrite(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	tag := create(t, s, "head", "one")
	asNobody(t, path)
	wantBody(t, s, "head", "one")
	if keys, err := s.List(t.Context(), "", "", 10); err != nil || !slices.Equal(keys, []string{"head"}) {
		t.Errorf("list: %q, error %v", keys, err)
	}
	_, err := s.Create(t.Context(), "other", nil)
	wantRefusal(t, err, object.ErrForbidden, "create ", "other")
	_, err = s.Replace(t.Context(), "head", tag, nil)
	wantRefusal(t, err, object.ErrForbidden, "replace ", "head")
}

func TestUnreadableObjectIsForbidden(t *testing.T) {
	path := t.TempDir()
	s := open(t, path)
	create(t, s, "head", "one")
	if err := os.Chmod(filepath.Join(path, "head"), 0); err != nil {
		t.Fatal(err)
	}
	asNobody(t, path)
	_, err := s.Get(t.Context(), "head", "", limit)
	wantRefusal(t, err, object.ErrForbidden, "get ", "head")
}
