package lkg

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
)

// MaxTrials is how many bundles are kept: the file is written before each new one, so it stays small.
const MaxTrials = 32

const (
	trialsHeader = "burgee-trials 1\n"
	maxDigest    = 100 // bytes
)

// Trials counts, for each bundle by its digest, the processes that took it up and neither got well with it nor stopped in order.
type Trials map[string]int

// Trials are those that the folder holds. A file that is not as it was written tells nothing: no bundle is judged by it.
func (f *Folder) Trials() Trials {
	data, err := f.disk.read(trialsName, int64(len(trialsHeader)+MaxTrials*(maxDigest+10)))
	if err != nil {
		return nil
	}
	return decodeTrials(data)
}

// SaveTrials replaces them. They outlive the process, but a loss of power may take them: that is no fault of a bundle's, and syncing
// would make each new bundle wait for the disk twice.
func (f *Folder) SaveTrials(t Trials) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.problem != nil {
		return f.problem
	}
	return f.put(trialsName, false, t.encode())
}

// TrialsFile is where a folder keeps them: who removes it acquits all bundles.
func TrialsFile(folder string) string { return filepath.Join(folder, trialsName) }

func (t Trials) encode() []byte {
	out := []byte(trialsHeader)
	for _, digest := range slices.Sorted(maps.Keys(t)) {
		out = fmt.Appendf(out, "%s %d\n", digest, t[digest])
	}
	return append(out, '.')
}

func decodeTrials(data []byte) Trials {
	body, isOurs := bytes.CutPrefix(data, []byte(trialsHeader))
	body, isWhole := bytes.CutSuffix(body, []byte("."))
	if !isOurs || !isWhole {
		return nil
	}
	t := Trials{}
	for line := range bytes.Lines(body) {
		var digest string
		var runs int
		if _, err := fmt.Sscanf(string(line), "%s %d\n", &digest, &runs); err != nil || runs < 1 || len(digest) > maxDigest || len(t) == MaxTrials {
			return nil
		}
		t[digest] = runs
	}
	return t
}
