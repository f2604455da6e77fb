package lkg

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// MaxFolder bounds what held files may make of the folder, in bytes with all temporaries. A file that two names share counts once.
const MaxFolder = 12 << 20

const (
	heldPrefix   = "held."
	heldTmp      = "held" + tmpSuffix // one for all: a disk that removes nothing is left with one file, not with many
	revisionWide = 16                 // digits, so that names sort as revisions do
	maxNames     = 4096               // that one look at the folder reads: who can write there must not fill our memory
	smallFiles   = 64 << 10           // bytes for the temporaries of all that is no bundle
)

// HeldFile is a past bundle with its head, kept under a name of its own.
type HeldFile struct {
	Name      string
	Revision  int64  // as the name has it: what the file holds is for its reader to verify
	Digest    string // likewise, of the bundle: 64 hexadecimal digits
	Size      int64
	Shared    bool // it is the current or the previous file too, and takes nothing of its own
	Irregular bool // somebody put something else there
}

// HeldName is the name of the held file of a revision; digest is the SHA-256 of its bundle, in hexadecimal digits.
func HeldName(revision int64, digest string) string {
	return fmt.Sprintf("%s%0*d.%s", heldPrefix, revisionWide, revision, digest)
}

// ParseHeld reads a name that HeldName made. It takes no other spelling, so that nothing but our own is ever touched.
func ParseHeld(name string) (revision int64, digest string, ok bool) {
	number, digest, _ := strings.Cut(strings.TrimPrefix(name, heldPrefix), ".")
	revision, err := strconv.ParseInt(number, 10, 64)
	raw, notHex := hex.DecodeString(digest)
	ok = err == nil && notHex == nil && revision > 0 && len(number) == revisionWide && len(raw) == 32 &&
		HeldName(revision, hex.EncodeToString(raw)) == name
	return revision, digest, ok
}

// Bounds say which held files stay: of each bundle the one of the highest revision, and of these the newest.
type Bounds struct {
	Most    int    // files
	Oldest  int64  // revision
	Current string // the held name that the current entry would have: what it supersedes goes
	Coming  Entry  // the entry that is about to be saved; the room for one like the current is kept free in any case
}

// Retire gives the current file a held name too, so that it outlives its replacement. No bytes are written, so it works on a disk that is
// nearly full. Nor is anything synced: the save that follows syncs the folder, and what a loss of power takes before is a missed pin. A
// current file that is not known to hold that bundle is os.ErrNotExist.
func (f *Folder) Retire(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, digest, ok := ParseHeld(name)
	switch {
	case f.problem != nil:
		return f.problem
	case !ok:
		return notHeld(name)
	case digest != f.bundle:
		return fmt.Errorf("retire %s as %s: %w", currentName, name, os.ErrNotExist)
	}
	if err := f.disk.link(currentName, name); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("retire %s: %w", currentName, err)
	}
	return nil
}

// SaveHeld writes a held file, unless it would be among the first to go by those bounds. Its bytes are synced before it gets its name, so
// that it is whole or not there; the name is not, since a loss of power costs no more than a missed pin.
func (f *Folder) SaveHeld(name string, e Entry, b Bounds) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	revision, digest, ok := ParseHeld(name)
	switch {
	case f.problem != nil:
		return f.problem
	case !ok:
		return notHeld(name)
	}
	there, err := f.look()
	if slices.ContainsFunc(there.held, func(h HeldFile) bool { return h.Name == name && !h.Irregular }) {
		return err
	}
	there.add(HeldFile{Name: name, Revision: revision, Digest: digest, Size: e.size()})
	beyond := there.excess(b)
	if slices.ContainsFunc(beyond, func(h HeldFile) bool { return h.Name == name }) {
		return err
	}
	if _, dropped := f.drop(beyond); err != nil || dropped != nil {
		return errors.Join(err, dropped) // the room may not be there
	}
	return f.aside(name, heldTmp, true, e.parts())
}

// Held lists the held files, newest first. What could be listed is given with an error too.
func (f *Folder) Held() ([]HeldFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.disk.files == nil {
		return nil, nil // which is the folder's problem already
	}
	there, err := f.look()
	return there.held, err
}

// Trim drops the held files that are beyond the bounds, the oldest first, and gives the others.
func (f *Folder) Trim(b Bounds) ([]HeldFile, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return nil, f.problem
	}
	there, err := f.look()
	gone, dropped := f.drop(there.excess(b))
	return slices.DeleteFunc(there.held, func(h HeldFile) bool { return slices.Contains(gone, h.Name) }), errors.Join(err, dropped)
}

// LoadHeld reads a held file. It holds the bundle that its name tells; which revision that is of, its reader must verify.
func (f *Folder) LoadHeld(name string) Loaded {
	_, digest, ok := ParseHeld(name)
	if !ok {
		return Loaded{Name: name, Err: notHeld(name)}
	}
	data, err := f.disk.read(name, maxFile)
	if err != nil {
		return Loaded{Name: name, Err: err}
	}
	e, err := decode(data)
	if err == nil && checksum(e.Bundle) != digest {
		e, err = Entry{}, errors.New("it holds another bundle than its name says")
	}
	return Loaded{Entry: e, Name: name, Err: err}
}

// DropHeld removes a held file, or what stands in its place. One that is gone already is no error.
func (f *Folder) DropHeld(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return f.problem
	}
	if _, _, ok := ParseHeld(name); !ok {
		return notHeld(name)
	}
	_, err := f.drop([]HeldFile{{Name: name}})
	return err
}

func (f *Folder) drop(files []HeldFile) (gone []string, err error) {
	for _, h := range files {
		switch err := f.disk.remove(h.Name); {
		case err != nil && !errors.Is(err, os.ErrNotExist):
			return gone, fmt.Errorf("drop held file: %w", err)
		default:
			gone = append(gone, h.Name)
		}
	}
	return gone, nil
}

func notHeld(name string) error { return fmt.Errorf("%.100q is not the name of a held file", name) }

// sight is what one look at the folder saw.
type sight struct {
	held    []HeldFile // newest first
	others  int64      // bytes of all that is not held
	current int64      // bytes of the current file
}

// look lists the folder. What it saw until an error came is given too.
func (f *Folder) look() (sight, error) {
	names, err := f.disk.names(maxNames + 1)
	if err != nil {
		return sight{}, fmt.Errorf("list state folder: %w", err)
	}
	if len(names) > maxNames {
		names, err = names[:maxNames], fmt.Errorf("list state folder: more than %d names: remove what is not Burgee's", maxNames)
	}
	var s sight
	var ours []os.FileInfo // that a held file may share
	infos := map[string]os.FileInfo{}
	for _, name := range names {
		info, gone := f.disk.files.Lstat(name)
		if gone != nil {
			continue
		}
		if name == currentName {
			s.current = info.Size()
		}
		revision, digest, ok := ParseHeld(name)
		switch {
		case ok:
			infos[name] = info
			s.held = append(s.held, HeldFile{Name: name, Revision: revision, Digest: digest, Size: info.Size(), Irregular: !info.Mode().IsRegular()})
		case info.Mode().IsRegular():
			s.count(&ours, info)
		}
	}
	for i, h := range s.held {
		s.held[i].Shared = slices.ContainsFunc(ours, func(one os.FileInfo) bool { return os.SameFile(one, infos[h.Name]) })
	}
	slices.SortFunc(s.held, newestFirst)
	return s, err
}

// count counts a file that is not held, once for all its names.
func (s *sight) count(ours *[]os.FileInfo, info os.FileInfo) {
	if !slices.ContainsFunc(*ours, func(one os.FileInfo) bool { return os.SameFile(one, info) }) {
		s.others += info.Size()
		*ours = append(*ours, info)
	}
}

func (s *sight) add(h HeldFile) {
	s.held = append(s.held, h)
	slices.SortFunc(s.held, newestFirst)
}

func newestFirst(a, b HeldFile) int {
	return cmp.Or(cmp.Compare(b.Revision, a.Revision), cmp.Compare(a.Name, b.Name))
}

// excess gives the held files that are beyond the bounds. Once one is for want of room, all that are older are: a small file of long ago is
// worth no more than a large one of yesterday. What is not a file of ours takes no one's place, and is left for its reader to name.
func (s *sight) excess(b Bounds) (beyond []HeldFile) {
	revision, digest, _ := ParseHeld(b.Current)
	room, kept, seen := MaxFolder-smallFiles-s.others-max(s.current, b.Coming.size()), 0, map[string]bool{}
	for _, h := range s.held {
		size := h.Size
		if h.Shared {
			size = 0
		}
		superseded := seen[h.Digest] || h.Digest == digest && h.Revision <= revision
		switch {
		case h.Irregular:
			continue
		case superseded || h.Revision < b.Oldest || kept >= b.Most:
			beyond = append(beyond, h)
			continue
		case size > max(room, 0):
			beyond, room = append(beyond, h), 0
			continue
		}
		seen[h.Digest] = true
		kept++
		room -= size
	}
	slices.Reverse(beyond) // the oldest first: a stop in between leaves the better ones
	return beyond
}
