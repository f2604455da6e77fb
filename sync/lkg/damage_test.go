package lkg_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// A file on disk that is damaged is refused: by the folder that loads it or, as a sidecar does next, by verifying it. Every bit of its first
// line and of the manifest is flipped, and one of each byte of a bundle of 16 KiB; TestEveryDamageIsFound flips all, without a disk.
func TestADamagedFileIsRefused(t *testing.T) {
	t.Parallel()
	maker := bundletest.New(t)
	made := maker.Make(1, document(16<<10), 1)
	var flips, cuts atomic.Int64
	var group sync.WaitGroup
	for part := range parts {
		folder, file := saved(t, lkg.Entry{Manifest: made.Head, Bundle: made.Bundle})
		group.Go(func() {
			whole := contents(t, file)
			begin := len(whole) - len(made.Bundle)
			for at := part; at < len(whole); at += parts {
				for bit := range 8 {
					if at >= begin && bit != at/parts%8 {
						continue
					}
					put(t, file, []byte{whole[at] ^ 1<<bit}, at)
					flips.Add(1)
					if err := open(maker, folder); err == nil {
						t.Errorf("bit %d of byte %d flipped: taken", bit, at)
						return // there would be thousands
					}
				}
				put(t, file, whole[at:at+1], at)
			}
			if err := open(maker, folder); err != nil {
				t.Errorf("mended: %v", err)
			}
			for n := len(whole) - 1 - part; n >= 0; n -= parts {
				if n >= begin && n/parts%8 != 0 && n < len(whole)-8 {
					continue
				}
				cuts.Add(1)
				if err := file.Truncate(int64(n)); err != nil {
					t.Error(err)
				}
				if err := open(maker, folder); err == nil {
					t.Errorf("cut to %d bytes: taken", n)
					return
				}
			}
		})
	}
	group.Wait()
	t.Logf("%d flips and %d truncations", flips.Load(), cuts.Load())
}

// parts is how many folders are worked on at once.
var parts = runtime.GOMAXPROCS(0)

// document is one whose bundle has at least that many bytes.
func document(size int) string {
	random := rand.New(rand.NewPCG(1, 2))
	var text strings.Builder
	for text.Len() < size*2 {
		fmt.Fprintf(&text, "%016x", random.Uint64())
	}
	return `{"flags":{"a":{"state":"ENABLED","variants":{"on":"` + text.String() + `"},"defaultVariant":"on"}}}`
}

// saved gives a folder that holds an entry, and the file that it is in, open for damage.
func saved(t *testing.T, e lkg.Entry) (*lkg.Folder, *os.File) {
	t.Helper()
	path := t.TempDir()
	folder := lkg.Open(path, nil)
	t.Cleanup(func() { _ = folder.Close() })
	if err := folder.Save(e); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(filepath.Join(path, "lkg.cur"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return folder, file
}

func contents(t *testing.T, file *os.File) []byte {
	var out bytes.Buffer
	if _, err := out.ReadFrom(file); err != nil {
		t.Error(err)
	}
	return out.Bytes()
}

func put(t *testing.T, file *os.File, data []byte, at int) {
	if _, err := file.WriteAt(data, int64(at)); err != nil {
		t.Error(err)
	}
}

// open does what a sidecar does with what a folder holds.
func open(maker *bundletest.Maker, folder *lkg.Folder) error {
	all := folder.Load()
	if len(all) != 1 || all[0].Err != nil {
		return fmt.Errorf("loaded %d: %w", len(all), all[0].Err)
	}
	head, err := maker.Policy().Open(all[0].Manifest)
	if err != nil {
		return err
	}
	_, err = head.Open(all[0].Bundle)
	return err
}
