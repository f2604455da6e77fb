package sidecar

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/valyala/fasthttp"
	"golang.org/x/sys/unix"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

// faulty fails the disk at its k-th step, or from there on until it is mended.
type faulty struct {
	mu       sync.Mutex // the disk has a goroutine of its own
	at, seen int
	lasting  bool
	errno    unix.Errno
	step     string // the one that failed, and its file
	hit      time.Time
	mended   bool
	steps    int // until it was mended
}

func (f *faulty) before(step, name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen++
	if f.mended || f.seen < f.at || f.seen > f.at && !f.lasting {
		return nil
	}
	if f.hit.IsZero() {
		f.step, f.hit = step+" "+name, time.Now()
	}
	return &fs.PathError{Op: step, Path: name, Err: f.errno}
}

func (f *faulty) mend() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mended, f.steps = true, f.seen
}

// harmless tells whether nothing is lost by the fault: a leftover that stays, a judgement or a time that is not known.
func (f *faulty) harmless() bool {
	return strings.HasPrefix(f.step, "remove ") || f.step == "read trials" || f.step == "read confirmed"
}

// script is a life of twenty-six seconds: a start, an override in a head of its own, a new bundle, one of the past, a restart, and one bundle
// more.
var script = map[int]int64{0: 1, 6: 2, 12: 3, 24: 4}

const (
	holdAt    = 15 // what was fetched of the past
	restartAt = 18
	awayAt    = 36 // the store: nothing wakes the disk any more but its own clock
	mendAt    = 40
	scriptEnd = mendAt + 20 // a save that failed is tried again within 15 s
)

// live plays the script on a disk, and holds it to its promises every second.
func live(t *testing.T, f *faulty) {
	maker, source, state := bundletest.New(t), bundletest.NewSource(), tempState(t)
	boot := func() *rig {
		r := newRig(t, maker, source, func(c *Config) {
			c.StateDir, c.Poll, c.Random = state, 5*time.Second, func() float64 { return 0.5 }
		})
		r.disk = f.before
		r.start(t)
		return r
	}
	var r *rig
	defer func() { r.stop() }()
	published := map[int64]int{}
	for second := range scriptEnd {
		if revision := script[second]; revision > 0 {
			document := numbered((revision + 1) / 2 * 2) // 2 has the bundle of 1, and 4 that of 3
			var change []func(*bundle.Manifest)
			if revision == 2 {
				change = append(change, func(m *bundle.Manifest) { m.Overrides = []bundle.Override{{Flag: "revision", Variant: "it"}} })
			}
			if revision == 4 {
				document = numbered(revision + 1)
			}
			source.Publish(maker.Make(revision, document, 1, change...))
			published[revision] = second
		}
		switch second {
		case 0:
			r = boot()
			time.Sleep(time.Second / 4) // polls are not looked at while they run: they come at halves of seconds, after the restart at three quarters
		case holdAt:
			r.keeper.hold(verifiedOf(t, maker, maker.Make(1, numbered(holdAt), 1)))
		case restartAt:
			r.stop()
			r = boot()
			time.Sleep(time.Second / 4)
			if err := wholeOnes(r.keeper); err != nil {
				t.Fatalf("%v (%s) at step %d, %s; lasting: %v: after the restart: %v", f.errno, unix.ErrnoName(f.errno), f.at, f.step, f.lasting, err)
			}
		case awayAt:
			source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
		case mendAt:
			f.mend()
		}
		time.Sleep(time.Second)
		if err := keepsPromises(r, f, published, second); err != nil {
			t.Fatalf("%v (%s) at step %d, %s; lasting: %v: second %d: %v", f.errno, unix.ErrnoName(f.errno), f.at, f.step, f.lasting, second, err)
		}
	}
	if st := r.Status(time.Now()); len(st.Degraded) != 0 || st.Active.Revision != 4 || st.Persisted.Revision != 4 {
		t.Fatalf("%v at step %d, %s: %s after it was mended: degraded %q, active %d, persisted %d; want 4", f.errno, f.at, f.step,
			time.Duration(scriptEnd-mendAt)*time.Second, st.Degraded, st.Active.Revision, st.Persisted.Revision)
	}
	left, err := filepath.Glob(filepath.Join(lkg.Path(state), "*.tmp"))
	if err := errors.Join(err, wholeOnes(r.keeper)); err != nil || len(left) > 1 {
		t.Fatalf("%v at step %d, %s: held files at the end: %v; left %v", f.errno, f.at, f.step, err, left)
	}
}

// wholeOnes tells what held file cannot be read, if it is not for a fault of the disk.
func wholeOnes(k *keeper) error {
	for _, name := range k.heldNames() {
		var fault *fs.PathError
		if l, err := k.loadHeld(context.Background(), name); err != nil || l.Err != nil && !errors.As(l.Err, &fault) {
			return fmt.Errorf("%s: %w", name, errors.Join(err, l.Err))
		}
	}
	return nil
}

// keepsPromises: evaluations answer, what was published two polls ago acts, and a fault is named within a second, for as long as it
// keeps the newest flags off the disk.
func keepsPromises(r *rig, f *faulty, published map[int64]int, second int) error {
	answer := call(r.answer, "POST", flagsPath+"/revision", "")
	if code := answer.Response.StatusCode(); code != fasthttp.StatusOK {
		return errors.New("an evaluation failed: " + string(answer.Response.Body()))
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	st := r.Status(time.Now())
	for revision, at := range published {
		if at+10 < second && st.Active.Revision < revision {
			return errors.New("a new revision does not act")
		}
	}
	named := false
	for _, text := range st.Degraded {
		named = named || strings.HasPrefix(text, "persistence: ") && strings.Contains(text, f.errno.Error())
	}
	switch {
	case f.hit.IsZero() || f.mended || named:
		return nil
	case f.lasting:
		return errors.New("the fault is not named: degraded " + strings.Join(st.Degraded, "; "))
	case !f.harmless() && st.Persisted.Revision != st.Active.Revision:
		return errors.New("the fault is not named, though the newest flags are not on disk")
	}
	return nil
}

// tempState is a folder in memory, where there is one: thousands of lives write there.
func tempState(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "burgee")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

var allFaults = flag.Bool("disk.all", false, "let each step on disk fail in every way, not in one of them")

var errnos = []unix.Errno{unix.ENOSPC, unix.EIO, unix.EROFS, unix.EACCES, unix.EDQUOT, unix.EMFILE, unix.EINTR}

// Each step on the disk fails, once or for half a minute: no evaluation fails, new flags act, /status names the fault within a second,
// and once the disk works again what is served is saved.
func TestEveryStepOnDiskMayFail(t *testing.T) {
	steps := 0
	synctest.Test(t, func(t *testing.T) {
		f := &faulty{at: 1 << 30}
		live(t, f)
		steps = f.steps
	})
	if steps < 50 {
		t.Errorf("only %d steps on disk: the script has lost its way", steps)
	}
	lives, missed := 0, 0 // of two wishes that come at once the disk may see one or two
	for at := 1; at <= steps; at++ {
		for i, errno := range errnos {
			for _, lasting := range []bool{false, true} {
				if !*allFaults && i != at%len(errnos) {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					f := &faulty{at: at, errno: errno, lasting: lasting}
					live(t, f)
					lives++
					if f.hit.IsZero() {
						missed++
					}
				})
			}
		}
	}
	t.Logf("%d steps on disk, %d lives, of which %d without their fault", steps, lives, missed)
	if missed > lives/10 {
		t.Errorf("%d of %d faults never came", missed, lives)
	}
}
