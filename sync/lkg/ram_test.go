package lkg

import (
	"bytes"
	"io"
	"iter"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing/fstest"
)

// ram is a file system in memory that notes what is done to it, so that one can ask what a loss of power would have left. It promises
// what POSIX does and no more: data are safe once their file was synced, names once their folder was, and until then each change may
// have happened or not, by itself, in whatever order. A rename even loses its two halves by themselves, though never both names of a
// file that it replaces.
type ram struct {
	names map[string]*node
	log   []event

	asked int // names, by the last listing

	deafFiles, deafFolder bool // syncs that do nothing: to see that the test would find it
}

type node struct{ data []byte }

// event is one of: a name that means another file now, or none; bytes that were appended to a file; a file or the folder that was synced.
type event struct {
	name  string
	file  *node
	wrote []byte
	sync  bool
}

// content is what the files of a folder hold.
type content map[string]string

func newRAM(c content) *ram {
	r := &ram{names: map[string]*node{}}
	for name, data := range c {
		r.names[name] = &node{[]byte(data)}
		r.note(event{name: name, file: r.names[name]}, event{file: r.names[name], wrote: []byte(data)}, event{file: r.names[name], sync: true})
	}
	r.note(event{sync: true})
	return r
}

func (r *ram) note(all ...event) { r.log = append(r.log, all...) }

// now is what a process that goes on sees.
func (r *ram) now() content {
	c := content{}
	for name, file := range r.names {
		c[name] = string(file.data)
	}
	return c
}

func (r *ram) Lstat(name string) (os.FileInfo, error) {
	file := r.names[name]
	if file == nil {
		return nil, os.ErrNotExist
	}
	return fstest.MapFS{name: {Data: file.data}}.Stat(name)
}

func (r *ram) OpenFile(name string, flag int, _ os.FileMode) (file, error) {
	found := r.names[name]
	switch {
	case name == ".":
		return &handle{ram: r}, nil
	case flag&os.O_CREATE == 0 && found == nil:
		return nil, os.ErrNotExist
	case flag&os.O_CREATE == 0:
		return &handle{ram: r, node: found, rest: bytes.NewReader(found.data)}, nil
	case found != nil:
		return nil, os.ErrExist
	}
	made := &node{}
	r.names[name] = made
	r.note(event{name: name, file: made})
	return &handle{ram: r, node: made}, nil
}

func (r *ram) Link(from, to string) error {
	switch {
	case r.names[from] == nil:
		return os.ErrNotExist
	case r.names[to] != nil:
		return os.ErrExist
	}
	r.names[to] = r.names[from]
	r.note(event{name: to, file: r.names[to]})
	return nil
}

func (r *ram) Rename(from, to string) error {
	moved := r.names[from]
	switch moved {
	case nil:
		return os.ErrNotExist
	case r.names[to]: // as POSIX has it: both names stay
		return nil
	}
	r.names[to] = moved
	delete(r.names, from)
	r.note(event{name: to, file: moved}, event{name: from})
	return nil
}

func (r *ram) Remove(name string) error {
	if r.names[name] == nil {
		return os.ErrNotExist
	}
	delete(r.names, name)
	r.note(event{name: name})
	return nil
}

// handle is an open file, or the folder, whose node is nil.
type handle struct {
	ram  *ram
	node *node
	rest io.Reader
}

func (h *handle) Read(p []byte) (int, error) { return h.rest.Read(p) }
func (h *handle) Close() error               { return nil }

func (h *handle) Write(p []byte) (int, error) {
	h.node.data = append(h.node.data, p...)
	h.ram.note(event{file: h.node, wrote: bytes.Clone(p)})
	return len(p), nil
}

func (h *handle) Sync() error {
	if h.node == nil && !h.ram.deafFolder || h.node != nil && !h.ram.deafFiles {
		h.ram.note(event{file: h.node, sync: true})
	}
	return nil
}

func (h *handle) Readdirnames(most int) ([]string, error) {
	names := slices.Sorted(maps.Keys(h.ram.names))
	h.ram.asked = most
	switch {
	case most > 0 && len(names) == 0:
		return nil, io.EOF
	case most > 0 && len(names) > most:
		return names[:most], nil
	}
	return names, nil
}

// Beyond these a seeded sample stands for all states.
const (
	allOf    = 10 // changes of names whose every subset is looked at
	samples  = 1 << allOf
	fillings = 200 // ways to fill the files of one set of names
)

// crashes gives every content that a loss of power after the first n events may leave.
func (r *ram) crashes(n int, random *rand.Rand) iter.Seq[content] {
	return func(yield func(content) bool) { r.crash(n, random, yield) }
}

func (r *ram) crash(n int, random *rand.Rand, yield func(content) bool) {
	safe, files := map[string]*node{}, map[*node]*filled{}
	var pending []event
	for _, e := range r.log[:n] {
		switch {
		case e.sync && e.file == nil:
			rename(safe, pending...)
			pending = nil
		case e.name != "":
			pending = append(pending, e)
		case e.sync:
			f := files[e.file]
			f.safe, f.rest = f.safe+f.rest, ""
		default:
			if files[e.file] == nil {
				files[e.file] = &filled{}
			}
			files[e.file].rest += string(e.wrote)
		}
	}
	for chosen := range subsets(len(pending), random) {
		names := maps.Clone(safe)
		for i, e := range pending {
			if chosen(i) {
				rename(names, e)
			}
		}
		if !fill(names, files, random, yield) {
			return
		}
	}
}

func rename(names map[string]*node, changes ...event) {
	for _, e := range changes {
		if e.file == nil {
			delete(names, e.name)
		} else {
			names[e.name] = e.file
		}
	}
}

// subsets gives all subsets of n things, or where they are many some of them, the empty and the full one among them.
func subsets(n int, random *rand.Rand) iter.Seq[func(int) bool] {
	return func(yield func(func(int) bool) bool) {
		for bits := range uint64(1) << min(n, allOf) {
			chosen := func(i int) bool { return bits>>i&1 == 1 }
			if n > allOf {
				picked := make([]bool, n)
				for i := range picked {
					picked[i] = bits == samples-1 || bits > 0 && random.IntN(2) == 0
				}
				chosen = func(i int) bool { return picked[i] }
			}
			if !yield(chosen) {
				return
			}
		}
	}
}

// filled is what a file holds for certain, and what it may hold beside.
type filled struct{ safe, rest string }

// ways are what a loss of power may leave of a file: nothing of what was not synced, a part, zeros in its place, later pages without
// earlier ones, or all.
func (f *filled) ways() []string {
	if f == nil {
		return []string{""}
	}
	if f.rest == "" {
		return []string{f.safe}
	}
	n := len(f.rest)
	zeros := strings.Repeat("\x00", n)
	return []string{
		f.safe, f.safe + f.rest, f.safe + f.rest[:1], f.safe + f.rest[:n/2], f.safe + f.rest[:n-1], f.safe + zeros,
		f.safe + f.rest[:n/2] + zeros[n/2:], f.safe + zeros[n/2:] + f.rest[n-n/2:], f.safe + f.rest[:n-1] + "\x00",
	}
}

// fill gives every content of the files that have names, and tells whether more is wanted.
func fill(names map[string]*node, files map[*node]*filled, random *rand.Rand, yield func(content) bool) bool {
	ways, all := map[*node][]string{}, 1
	nodes := []*node{}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		file := names[name]
		if ways[file] == nil {
			ways[file] = files[file].ways()
			nodes = append(nodes, file)
			all = min(all*len(ways[file]), 1<<20)
		}
	}
	for one := range min(all, fillings) {
		c, rest, chosen := content{}, one, map[*node]string{}
		for _, file := range nodes {
			way := ways[file]
			if all > fillings {
				chosen[file] = way[random.IntN(len(way))]
			} else {
				chosen[file] = way[rest%len(way)]
			}
			rest /= len(way)
		}
		for name, file := range names {
			c[name] = chosen[file]
		}
		if !yield(c) {
			return false
		}
	}
	return true
}
