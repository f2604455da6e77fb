package lkg

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
)

// maxFile bounds what is read back: more than any entry that a sidecar accepts.
const maxFile = 8 << 20

// Entry is a manifest with its bundle, both as the store holds them.
type Entry struct{ Manifest, Bundle []byte }

// Loaded is an entry as a file held it, or what is wrong with the file.
type Loaded struct {
	Entry
	Name string // of the file
	Err  error
}

// Load gives the entries there are: the newest head (which has no bundle), the current one, the previous one.
func (f *Folder) Load() []Loaded {
	var all []Loaded
	for _, name := range []string{headName, currentName, previousName} {
		data, err := f.disk.read(name, maxFile)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		loaded := Loaded{Name: name, Err: err}
		if err == nil {
			loaded.Entry, loaded.Err = decode(data)
		}
		all = append(all, loaded)
	}
	return all
}

// A file is one line, then the manifest, then the bundle.
const header = "burgee-lkg 1 %d %d %s\n"

// parts gives what a file holds, piece by piece: joined, a large bundle would be in memory once more.
func (e Entry) parts() [][]byte {
	line := fmt.Appendf(nil, header, len(e.Manifest), len(e.Bundle), checksum(e.Manifest, e.Bundle))
	return [][]byte{line, e.Manifest, e.Bundle}
}

// size is how long the file is, the number of its lengths' digits aside.
func (e Entry) size() int64 {
	if len(e.Bundle) == 0 {
		return 0
	}
	return int64(len(header) + 2*sha256.Size + len(e.Manifest) + len(e.Bundle))
}

func decode(data []byte) (Entry, error) {
	line, body, found := bytes.Cut(data, []byte("\n"))
	var manifest, bundle int
	var sum string
	if _, err := fmt.Sscanf(string(line)+"\n", header, &manifest, &bundle, &sum); err != nil || !found {
		return Entry{}, errors.New("not a file of ours: its first line is broken")
	}
	if manifest < 0 || bundle < 0 || len(body)-manifest != bundle {
		return Entry{}, fmt.Errorf("%d bytes after the first line; it announces %d and %d", len(body), manifest, bundle)
	}
	e := Entry{body[:manifest:manifest], body[manifest:]}
	if checksum(e.Manifest, e.Bundle) != sum {
		return Entry{}, errors.New("checksum differs: the file is damaged")
	}
	if string(line)+"\n" != fmt.Sprintf(header, manifest, bundle, sum) { // scanning takes "+1" and wide gaps too; a file has one spelling
		return Entry{}, errors.New("not a file of ours: its first line is spelled in another way")
	}
	return e, nil
}

func checksum(parts ...[]byte) string {
	h := sha256.New()
	for _, part := range parts {
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
