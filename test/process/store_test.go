package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/test/kit"
)

// write puts a whole file in place in one step, as stores do.
func write(t *testing.T, name, text string) {
	t.Helper()
	aside := name + ".aside"
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(aside, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	rename(t, aside, name)
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// copyFiles copies the files of a folder, but none in folders of its own.
func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	entries, err := os.ReadDir(from)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Type().IsRegular() && entry.Name()[0] != '.' {
			write(t, filepath.Join(to, entry.Name()), read(t, filepath.Join(from, entry.Name())))
		}
	}
}

// bring makes the state of another store this one's: bundles first, then the head.
func bring(t *testing.T, shop *kit.Shop, other string) {
	t.Helper()
	copyFiles(t, shop.Path(other, "bundles"), shop.Path("store", "bundles"))
	copyFiles(t, shop.Path(other), shop.Path("store"))
}

// head puts bytes in place of the store's head.
func head(t *testing.T, shop *kit.Shop, text string) {
	t.Helper()
	write(t, shop.Path("store", bundle.HeadKey), text)
}

// elsewhere publishes documents to a store of its own, and brings its state over.
func elsewhere(t *testing.T, shop *kit.Shop, documents []string, args ...string) {
	t.Helper()
	if err := os.Mkdir(shop.Path("other"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, document := range documents {
		shop.At(shop.URL("other")).Publish(t, document, args...)
	}
	bring(t, shop, "other")
}

// forged is a revision that burgeectl would not make, under the shop's own key.
type forged struct {
	document string
	flags    int
	change   func(*bundle.Manifest)
	spoil    func(stored []byte) []byte
}

// forge publishes it as that revision.
func forge(t *testing.T, shop *kit.Shop, revision int64, f forged) {
	t.Helper()
	key, err := bundle.ParsePrivateKey([]byte(read(t, shop.Path("team.key"))))
	if err != nil {
		t.Fatal(err)
	}
	stored, ref, err := bundle.Pack([]byte(f.document))
	if err != nil {
		t.Fatal(err)
	}
	before, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open([]byte(read(t, shop.Path("store", bundle.RevisionKey(2)))))
	if err != nil {
		t.Fatal(err)
	}
	m := before.Manifest()
	m.Revision, m.Bundle = revision, ref
	m.Follow(before)
	m.Bundle.Flags, m.Bundle.PreviousFlags = f.flags, before.Manifest().Bundle.Flags
	if f.change != nil {
		f.change(&m)
	}
	sealed, err := bundle.Seal(m, key)
	if err != nil {
		t.Fatal(err)
	}
	if f.spoil != nil {
		stored = f.spoil(stored)
	}
	write(t, shop.Path("store", bundle.Key(ref.Digest)), string(stored))
	head(t, shop, string(sealed))
}

func wantPage(t *testing.T, burgee *kit.Sidecar, path string, want int) error {
	if code, body := burgee.Page(t, path); code != want {
		return fmt.Errorf("%s says %d %s; want %d", path, code, body, want)
	}
	return nil
}
