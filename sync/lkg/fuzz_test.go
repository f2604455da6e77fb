package lkg

import (
	"bytes"
	"strings"
	"testing"
)

// FuzzEntry feeds files as a disk could hold them: whatever is read is exactly what would be written.
func FuzzEntry(f *testing.F) {
	whole := Entry{Manifest: []byte("manifest"), Bundle: []byte("the bundle's bytes")}.encode()
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(Entry{Manifest: []byte("alone")}.encode())
	f.Add([]byte("burgee-lkg 1 -1 1 \n"))
	f.Add(bytes.Replace(whole, []byte("burgee-lkg 1 "), []byte("burgee-lkg  1\t+"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := decode(data)
		switch {
		case err != nil && (e.Manifest != nil || e.Bundle != nil):
			t.Fatalf("value %+v with error %v", e, err)
		case err == nil && !bytes.Equal(e.encode(), data):
			t.Fatalf("read %q, which would be written as %q", data, e.encode())
		}
	})
}

// FuzzEntrySealed feeds manifests and bundles under a first line that is right but for what is fuzzed of it.
func FuzzEntrySealed(f *testing.F) {
	f.Add([]byte("manifest"), []byte("bundle"), "burgee-lkg 1 8 6 ")
	f.Add([]byte(""), []byte("\n"), "burgee-lkg 1 +0 1 ")
	f.Fuzz(func(t *testing.T, manifest, bundle []byte, line string) {
		whole := Entry{manifest, bundle}
		if e, err := decode(whole.encode()); err != nil || !bytes.Equal(e.Manifest, manifest) || !bytes.Equal(e.Bundle, bundle) {
			t.Fatalf("written and read again it is %+v (%v)", e, err)
		}
		if strings.Contains(line, "\n") {
			return
		}
		data := append([]byte(line+checksum(manifest, bundle)+"\n"), append(bytes.Clone(manifest), bundle...)...)
		if e, err := decode(data); err == nil && !bytes.Equal(e.encode(), data) {
			t.Fatalf("read %q, which would be written as %q", data, e.encode())
		}
	})
}
