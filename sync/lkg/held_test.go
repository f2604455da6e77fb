package lkg

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// heldOf is the held name of entry n, as revision n.
func heldOf(n int) string { return HeldName(int64(n), checksum(entry(n).Bundle)) }

var many = Bounds{Most: 1000}

// revisions describes the held files by their revisions, each read: "3 2 1".
func revisions(t *testing.T, f *Folder) string {
	t.Helper()
	files, err := f.Held()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, h := range files {
		what := fmt.Sprint(h.Revision)
		if l := f.LoadHeld(h.Name); l.Err != nil {
			what += "(" + l.Err.Error() + ")"
		} else if n := int(h.Revision); h.Name == heldOf(n) && string(l.Manifest) != string(entry(n).Manifest) {
			what += "(mixed)"
		}
		all = append(all, what)
	}
	return strings.Join(all, " ")
}

func TestHeldNames(t *testing.T) {
	digest := strings.Repeat("0a", 32)
	if name := HeldName(42, digest); name != "held.0000000000000042."+digest {
		t.Errorf("the name is %s; older sidecars would not know it", name)
	}
	for name, ours := range map[string]bool{
		HeldName(1, digest): true, HeldName(1<<53-1, digest): true, HeldName(0, digest): false, HeldName(-1, digest): false,
		HeldName(1e16, digest): false, HeldName(1, digest) + tmpSuffix: false, "x" + HeldName(1, digest): false,
		HeldName(1, strings.ToUpper(digest)): false, HeldName(1, digest[2:]): false, HeldName(1, digest+"00"): false,
		"held.1." + digest: false, "held.+000000000000001." + digest: false, "../" + HeldName(1, digest): false, currentName: false, "": false,
		strings.TrimPrefix(HeldName(1, digest), heldPrefix): false,
	} {
		revision, got, ok := ParseHeld(name)
		if ok != ours || ok && (HeldName(revision, got) != name) {
			t.Errorf("%q is read as revision %d of %q: %v; want %v", name, revision, got, ok, ours)
		}
	}
}

// What is retired and what is written beside is there after a restart, as it was, and the current and previous entry are as ever.
func TestHeldFilesAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	for n := 1; n <= 3; n++ {
		if err := f.Save(entry(n)); err != nil {
			t.Fatal(err)
		}
		f.Proved()
		if err := f.Retire(heldOf(n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(f.Save(entry(4)), f.SaveHeld(heldOf(7), entry(7), many), f.SaveHeld(heldOf(7), entry(7), many)); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	f = open(t, path)
	if got := revisions(t, f); got != "7 3 2 1" || loaded(f) != "lkg.cur=4 lkg.prev=3" {
		t.Errorf("held %s, loaded %s", got, loaded(f))
	}
	files, _ := f.Held()
	if shared := slices.IndexFunc(files, func(h HeldFile) bool { return h.Shared }); shared != 1 {
		t.Errorf("held %+v; want the one that is lkg.prev too to say so", files)
	}
	if err := errors.Join(f.DropHeld(heldOf(2)), f.DropHeld(heldOf(2))); err != nil || revisions(t, f) != "7 3 1" {
		t.Errorf("after one was dropped twice: %s (%v)", revisions(t, f), err)
	}
}

// The current file is retired only where it is known to hold that bundle.
func TestOnlyWhatIsKnownIsRetired(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	if err := f.Save(entry(1)); err != nil {
		t.Fatal(err)
	}
	if err := f.Retire(heldOf(2)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("retired as another bundle: %v", err)
	}
	_ = f.Close()
	f = open(t, path)
	if err := f.Retire(heldOf(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("retired before it was verified: %v", err)
	}
	f.Took(f.Load()[0])
	for range 2 { // a save that fails is made again
		if err := f.Retire(heldOf(1)); err != nil || revisions(t, f) != "1" {
			t.Errorf("not retired once it was: %v", err)
		}
	}
}

// A held file that is damaged, or lies about its bundle, is not loaded.
func TestDamagedHeldFilesAreNotLoaded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	whole := entry(1).encode()
	name := filepath.Join(path, heldOf(1))
	for at := range whole {
		for what, data := range map[string][]byte{
			"cut": whole[:at], "flipped": append(append(bytes.Clone(whole[:at]), whole[at]^1), whole[at+1:]...), "zeroed": append(bytes.Clone(whole[:at]), make([]byte, len(whole)-at)...),
		} {
			if err := os.WriteFile(name, data, 0o600); err != nil {
				t.Fatal(err)
			}
			if l := f.LoadHeld(heldOf(1)); l.Err == nil || l.Bundle != nil {
				t.Errorf("%s at %d it was loaded as %q", what, at, l.Manifest)
			}
		}
	}
	if err := os.WriteFile(name, entry(2).encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if l := f.LoadHeld(heldOf(1)); l.Err == nil || l.Bundle != nil {
		t.Error("another bundle was loaded under its name")
	}
}

// No other file is read, written or removed as if it were held.
func TestNamesThatAreNotHeldAreLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	if err := f.Save(entry(1)); err != nil {
		t.Fatal(err)
	}
	names := []string{currentName, lockName, "held.", "held.strangers", "other", heldOf(1) + ".old"}
	for _, name := range names[2:] {
		if err := os.WriteFile(filepath.Join(path, name), entry(9).encode(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range append(names, "../other", "") {
		l := f.LoadHeld(name)
		for what, err := range map[string]error{"load": l.Err, "drop": f.DropHeld(name), "retire": f.Retire(name), "save": f.SaveHeld(name, entry(2), many)} {
			if err == nil || !strings.Contains(err.Error(), "not the name of a held file") {
				t.Errorf("%s %q: %v", what, name, err)
			}
		}
	}
	if _, err := f.Trim(Bounds{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if _, err := os.Lstat(filepath.Join(path, name)); err != nil {
			t.Error(err)
		}
	}
}

// excess is what goes, by revision, the first first.
func TestWhatIsBeyondTheBounds(t *testing.T) {
	const mib = 1 << 20
	of := func(revision int, digest string, size int64) HeldFile {
		return HeldFile{Name: HeldName(int64(revision), strings.Repeat(digest, 32)), Revision: int64(revision), Digest: strings.Repeat(digest, 32), Size: size}
	}
	shared := func(h HeldFile) HeldFile { h.Shared = true; return h }
	planted := func(h HeldFile) HeldFile { h.Irregular = true; return h }
	large := Entry{Bundle: make([]byte, 4*mib)}
	for _, test := range []struct {
		what   string
		held   []HeldFile
		others int64
		bounds Bounds
		want   string
	}{
		{"none", nil, 0, Bounds{Most: 1}, ""},
		{"all fit", []HeldFile{of(2, "bb", mib), of(1, "aa", mib)}, 2 * mib, Bounds{Most: 2}, ""},
		{"too many", []HeldFile{of(1, "aa", 1), of(3, "cc", 1), of(2, "bb", 1)}, 0, Bounds{Most: 1}, "1 2"},
		{"none wanted", []HeldFile{of(1, "aa", 1)}, 0, Bounds{Most: 0}, "1"},
		{"fewer than none wanted", []HeldFile{of(1, "aa", 1)}, 0, Bounds{Most: -1}, "1"},
		{"too old", []HeldFile{of(1, "aa", 1), of(3, "cc", 1), of(2, "bb", 1)}, 0, Bounds{Most: 9, Oldest: 3}, "1 2"},
		{"one digest", []HeldFile{of(1, "aa", 1), of(3, "aa", 1), of(2, "aa", 1)}, 0, Bounds{Most: 9}, "1 2"},
		{"the current's digest", []HeldFile{of(1, "aa", 1), of(2, "bb", 1), of(3, "aa", 1), of(4, "aa", 1)}, 0, Bounds{Most: 9, Current: of(3, "aa", 1).Name}, "1 3"},
		{"too large", []HeldFile{of(3, "cc", 4*mib), of(2, "bb", 4*mib), of(1, "aa", 4*mib)}, 4 * mib, Bounds{Most: 9}, "1 2"},
		{"to the last byte", []HeldFile{of(1, "aa", 8*mib-smallFiles)}, 4 * mib, Bounds{Most: 9}, ""},
		{"and one more", []HeldFile{of(1, "aa", 8*mib-smallFiles+1)}, 4 * mib, Bounds{Most: 9}, "1"},
		{"a small one behind a large one", []HeldFile{of(3, "cc", mib), of(2, "bb", 9*mib), of(1, "aa", 1)}, 4 * mib, Bounds{Most: 9}, "1 2"},
		{"what takes nothing", []HeldFile{shared(of(3, "cc", 9*mib)), of(2, "bb", 9*mib), shared(of(1, "aa", 9*mib))}, 13 * mib, Bounds{Most: 9}, "2"},
		{"room for what comes", []HeldFile{of(2, "bb", 4*mib), of(1, "aa", 3*mib)}, mib, Bounds{Most: 9, Coming: large}, "1"},
		{"planted", []HeldFile{planted(of(9, "dd", 20*mib)), of(2, "bb", 1)}, 0, Bounds{Most: 1}, ""},
	} {
		there := sight{others: test.others}
		for _, h := range test.held {
			there.add(h)
		}
		var got []string
		for _, h := range there.excess(test.bounds) {
			got = append(got, fmt.Sprint(h.Revision))
		}
		if got := strings.Join(got, " "); got != test.want {
			t.Errorf("%s: %q; want %q", test.what, got, test.want)
		}
	}
	if got := (&sight{current: 4 * mib, held: []HeldFile{of(1, "aa", 8*mib)}}).excess(many); len(got) != 1 {
		t.Error("no room is kept for the next entry")
	}
}

// What would be the first to go is not written at all, and what is written makes its own room first.
func TestHeldFilesMakeRoomForEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	for n := 3; n <= 5; n++ {
		if err := f.SaveHeld(heldOf(n), entry(n), Bounds{Most: 2}); err != nil {
			t.Fatal(err)
		}
	}
	steps := 0
	f.disk.before = func(step, name string) error {
		if steps++; step == "create" {
			t.Errorf("%s is written", name)
		}
		return nil
	}
	if err := f.SaveHeld(heldOf(2), entry(2), Bounds{Most: 2}); err != nil || steps != 1 {
		t.Errorf("one that is too old: %d steps (%v)", steps, err)
	}
	f.disk.before = nil
	if got := revisions(t, f); got != "5 4" {
		t.Errorf("held %s; want 5 and 4", got)
	}
	if left, err := f.Trim(Bounds{Most: 1}); err != nil || len(left) != 1 || left[0].Name != heldOf(5) || revisions(t, f) != "5" {
		t.Errorf("trimmed to %v, held %s (%v); want 5", left, revisions(t, f), err)
	}
}

// A folder that somebody filled is read in part, and that is said; what is seen of it is dealt with.
func TestAFolderFullOfJunk(t *testing.T) {
	for what, name := range map[string]func(int) string{
		"strangers": func(i int) string { return fmt.Sprint("junk", i) },
		"ours":      func(i int) string { return HeldName(int64(i+1), checksum(fmt.Append(nil, i))) },
	} {
		r := newRAM(nil)
		for i := range 2 * maxNames {
			r.names[name(i)] = &node{}
		}
		f, err := on(r)
		if err != nil {
			t.Fatal(err)
		}
		files, err := f.Held()
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("more than %d names", maxNames)) || len(files) > maxNames || r.asked < 1 || r.asked > maxNames+1 {
			t.Errorf("%s: %d files of %d names, %v", what, len(files), r.asked, err)
		}
		for range 4 {
			_, err = f.Trim(Bounds{Most: 2})
		}
		if (err == nil) != (what == "ours") || what == "strangers" && len(r.names) != 2*maxNames {
			t.Errorf("%s: trimmed to %d names, %v", what, len(r.names), err)
		}
	}
}

// A disk that neither writes nor removes is left with one temporary, however many files it was to hold.
func TestHeldFilesHaveOneTemporary(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	f := open(t, path)
	f.disk.before = func(step, _ string) error {
		if step == "write" || step == "remove" {
			return syscall.EIO
		}
		return nil
	}
	for n := 1; n <= 3; n++ {
		if err := f.SaveHeld(heldOf(n), entry(n), many); err == nil {
			t.Fatal("saved by a disk that does not write")
		}
	}
	if left, err := filepath.Glob(filepath.Join(path, "*"+tmpSuffix)); err != nil || len(left) != 1 {
		t.Errorf("left %v (%v); want one file", left, err)
	}
	_ = f.Close()
	if f = open(t, path); f.SaveHeld(heldOf(1), entry(1), many) != nil || revisions(t, f) != "1" {
		t.Errorf("held %s once it works", revisions(t, f))
	}
}

// A save whose folder could not be synced is made again; what it replaced stays what is fallen back to.
func TestASaveMadeAgainKeepsTheEntryBefore(t *testing.T) {
	f := open(t, filepath.Join(t.TempDir(), "state"))
	if err := f.Save(entry(1)); err != nil {
		t.Fatal(err)
	}
	f.Proved()
	f.disk.before = func(step, name string) error {
		if step == "sync" && name == "." {
			return syscall.EIO
		}
		return nil
	}
	if err := f.Save(entry(2)); !errors.Is(err, syscall.EIO) {
		t.Fatalf("saved without a sync: %v", err)
	}
	f.disk.before = nil
	if err := f.Retire(heldOf(1)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the new file was retired as the old one: %v", err)
	}
	if err := f.Save(entry(2)); err != nil || loaded(f) != "lkg.cur=2 lkg.prev=1" {
		t.Errorf("loaded %s (%v); want 2, and 1 before", loaded(f), err)
	}
}

// A process that stops at any step of replacing an entry, with all that is done to held files, or a disk that fails at any, leaves the old
// entry or the new one, whole held files, and at most one temporary. A fault among held files does not keep the entry off the disk.
func TestAStopAmongHeldFilesLeavesThemWhole(t *testing.T) {
	for _, kind := range []string{"stop", "fault"} {
		for stopAt := 1; ; stopAt++ {
			path := filepath.Join(t.TempDir(), "state")
			f := open(t, path)
			err := f.Save(entry(4))
			for n := 1; n <= 3; n++ {
				err = errors.Join(err, f.SaveHeld(heldOf(n), entry(n), many))
			}
			if err != nil {
				t.Fatal(err)
			}
			steps, where := 0, ""
			f.disk.before = func(step, name string) error {
				if steps++; steps == stopAt || kind == "stop" && steps > stopAt {
					if where == "" {
						where = fmt.Sprintf("%s at step %d, %s %s", kind, stopAt, step, name)
					}
					return syscall.EIO
				}
				return nil
			}
			held := errors.Join(f.Retire(heldOf(4)), second(f.Trim(Bounds{Most: 2, Current: heldOf(5)})))
			saved := f.Save(entry(5))
			held = errors.Join(held, f.SaveHeld(heldOf(6), entry(6), Bounds{Most: 2, Current: heldOf(5)}))
			if steps < stopAt {
				break
			}
			if kind == "fault" && held != nil && saved != nil {
				t.Errorf("%s: among held files it kept the entry off the disk: %v", where, saved)
			}
			if left, err := filepath.Glob(filepath.Join(path, "*"+tmpSuffix)); err != nil || len(left) > 1 {
				t.Errorf("%s: left %v (%v)", where, left, err)
			}
			_ = f.Close()
			f = open(t, path)
			if got := loaded(f); got != "lkg.cur=4" && got != "lkg.cur=4 lkg.prev=4" && got != "lkg.cur=5 lkg.prev=4" || saved == nil && got != "lkg.cur=5 lkg.prev=4" {
				t.Errorf("%s: %s", where, got)
			}
			got := revisions(t, f)
			if order := "6 4 3 2 1"; strings.Contains(got, "(") || !inOrder(got, order) || !strings.Contains(got, "3") && !strings.Contains(got, "4") {
				t.Errorf("%s: held %q", where, got)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

// inOrder tells whether all words of some are among those of all, in their order.
func inOrder(some, all string) bool {
	rest := strings.Fields(all)
	for _, word := range strings.Fields(some) {
		at := slices.Index(rest, word)
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
	}
	return true
}
