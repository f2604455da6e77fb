//go:build linux

package node

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Names of the images on the node.
const (
	burgeeImage = "localhost/burgee:test"
	askerImage  = "localhost/asker:test"
	pauseImage  = "localhost/pause:test"
)

type object = map[string]any

// archive is an OCI layout in one file, as containerd imports it.
type archive struct {
	text bytes.Buffer
	tar  *tar.Writer
}

func newArchive() *archive {
	a := &archive{}
	a.tar = tar.NewWriter(&a.text)
	return a
}

func (a *archive) add(t *testing.T, name string, mode int64, body []byte) {
	t.Helper()
	must(t, a.tar.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(body))}))
	_, err := a.tar.Write(body)
	must(t, err)
}

// blob adds what others name by its digest, and gives that name.
func (a *archive) blob(t *testing.T, kind string, body []byte) object {
	t.Helper()
	digest := fmt.Sprintf("%x", sha256.Sum256(body))
	a.add(t, "blobs/sha256/"+digest, 0o644, body)
	return object{"mediaType": kind, "digest": "sha256:" + digest, "size": len(body)}
}

// finish names the image, and writes the archive.
func (a *archive) finish(t *testing.T, file, name string, manifest object) {
	t.Helper()
	manifest["annotations"] = object{"io.containerd.image.name": name}
	a.add(t, "oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`))
	a.add(t, "index.json", 0o644, encode(t, object{"schemaVersion": 2, "manifests": []any{manifest}}))
	must(t, a.tar.Close())
	must(t, os.WriteFile(file, a.text.Bytes(), 0o644))
}

// programImage writes an image that holds one program and nothing else, which is found by further names too.
func programImage(t *testing.T, file, name, program string, names ...string) {
	t.Helper()
	body, err := os.ReadFile(program)
	must(t, err)
	layer := newArchive()
	layer.add(t, "program", 0o755, body)
	for _, name := range names {
		must(t, layer.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: "/program", Mode: 0o777}))
	}
	must(t, layer.tar.Close())
	a := newArchive()
	packed := a.blob(t, "application/vnd.oci.image.layer.v1.tar", layer.text.Bytes())
	config := a.blob(t, "application/vnd.oci.image.config.v1+json", encode(t, object{
		"os": "linux", "architecture": runtime.GOARCH, "config": object{"Entrypoint": []string{"/program"}, "Env": []string{"PATH=/bin"}},
		"rootfs": object{"type": "layers", "diff_ids": []any{packed["digest"]}},
	}))
	a.finish(t, file, name, a.blob(t, "application/vnd.oci.image.manifest.v1+json", encode(t, object{
		"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": config, "layers": []any{packed},
	})))
}

// layoutImage writes the image that a folder holds as an OCI layout.
func layoutImage(t *testing.T, file, name, layout string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(layout, "index.json"))
	must(t, err)
	var index struct{ Manifests []object }
	must(t, json.Unmarshal(text, &index))
	if len(index.Manifests) != 1 {
		t.Fatalf("%s holds %d images; want 1: run make image", layout, len(index.Manifests))
	}
	a := newArchive()
	blobs, err := filepath.Glob(filepath.Join(layout, "blobs", "sha256", "*"))
	must(t, err)
	for _, blob := range blobs {
		body, err := os.ReadFile(blob)
		must(t, err)
		a.add(t, "blobs/sha256/"+filepath.Base(blob), 0o644, body)
	}
	a.finish(t, file, name, index.Manifests[0])
}

func encode(t *testing.T, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	must(t, err)
	return text
}
