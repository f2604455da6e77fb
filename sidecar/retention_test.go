package sidecar

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
)

// A document is collected while the flags are made of it: old flags, new ones and the document together would be too much for a pod.
func TestADocumentGoesWhileItIsCompiled(t *testing.T) {
	maker := bundletest.New(t)
	document := ruledFlags(10_000)
	made := maker.Make(1, document, 10_000)
	for range 10 { // a collection may come too late on a busy machine
		if goneWhileCompiled(t, maker, made) {
			return
		}
	}
	t.Error("in ten of ten times the document was still there when its flags were made")
}

func goneWhileCompiled(t *testing.T, maker *bundletest.Maker, made bundletest.Made) bool {
	verified := verifiedOf(t, maker, made)
	var gone atomic.Bool
	runtime.AddCleanup(&verified.Document()[0], func(gone *atomic.Bool) { gone.Store(true) }, &gone)
	h := newRig(t, maker, bundletest.NewSource()).holder
	defer h.close()
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				runtime.GC()
			}
		}
	})
	err := h.Bundle(verified)
	early := gone.Load()
	close(done)
	group.Wait()
	if err != nil {
		t.Fatal(err)
	}
	return early
}

func verifiedOf(t testing.TB, maker *bundletest.Maker, made bundletest.Made) bundle.Verified {
	t.Helper()
	head, err := maker.Policy().Open(made.Head)
	if err != nil {
		t.Fatal(err)
	}
	verified, err := head.Open(made.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	return verified
}

func ruledFlags(n int) string {
	var doc strings.Builder
	doc.WriteString(`{"flags":{"revision":{"variants":{"it":1},"defaultVariant":"it"}`)
	for i := range n - 1 {
		fmt.Fprintf(&doc, `,"f%d":{"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"==":[{"var":"a"},"%d"]},"on"]}}`, i, i)
	}
	return doc.String() + "}}"
}

// While a bundle is taken up, there is in memory neither its document any more, nor the bundle before it, nor the file as a whole.
func TestSavingTakesNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		maker, source := bundletest.New(t), bundletest.NewSource()
		r := newRig(t, maker, source, func(c *Config) { c.StateDir = tempState(t) })
		var during atomic.Int64
		r.disk = func(step, name string) error {
			if step == "write" && (name == "trials.tmp" || name == "lkg.cur.tmp") { // before it is unpacked, and once it is compiled
				during.Store(max(during.Load(), int64(heapInUse())))
			}
			return nil
		}
		first, second := maker.Make(1, padded(1), 1), maker.Make(2, padded(2), 1)
		source.Publish(first)
		r.start(t)
		defer r.stop()
		time.Sleep(time.Minute)
		before := heapInUse()
		during.Store(0)
		source.Publish(second)
		time.Sleep(time.Minute)
		if got := r.served(t); got != 2 {
			t.Fatalf("revision %d is served", got)
		}
		if grown := int(during.Load()) - before; grown > 1<<20 {
			t.Errorf("%d KiB more than before, with bundles of %d", grown>>10, len(second.Bundle)>>10)
		}
		runtime.KeepAlive(first) // the store has both
	})
}

// padded is numbered with nearly 4 MiB that no flag needs, and that do not compress well.
func padded(revision int64) string { return paddedBy(revision, 60) }

// paddedBy has so many texts of 64 KB, of which three quarters are left when they are compressed.
func paddedBy(revision int64, n int) string {
	random := rand.NewChaCha8([32]byte{byte(revision)})
	texts := make([]string, n)
	for i := range texts {
		text := make([]byte, 48_000)
		_, _ = random.Read(text) // it never fails
		texts[i] = `"` + base64.StdEncoding.EncodeToString(text) + `"`
	}
	return `{"padding":[` + strings.Join(texts, ",") + `],` + numbered(revision)[1:]
}

func heapInUse() int {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}
