//go:build linux

// Package image holds the container image to its promises: what it holds, how it runs where it may write to nothing but its volumes, and
// that a second build is the same. make image-test builds the image and runs this.
package image

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// built is the environment variable with the folder that make image has written: the image as an OCI layout in oci, and burgee, its
// program.
const built = "BURGEE_TEST_IMAGE"

func TestMain(m *testing.M) { kit.Main(m) }

// folder is what built names.
func folder(t *testing.T) string {
	t.Helper()
	name := os.Getenv(built)
	if name == "" {
		t.Skip("SKIP: make image-test runs this: it needs root, buildah and runc")
	}
	return name
}

// image is what a layout holds.
type image struct {
	digest string // of the manifest: whoever has the same digest has the same image
	size   int64  // of all files, unpacked
	packed int64  // of the layers, as they are pulled
	files  []file
	config config
}

// config is the image's configuration, as far as anything of ours is in it.
type config struct {
	Architecture string
	OS           string `json:"os"`
	Created      string
	Config       struct {
		User         string
		Env          []string
		Entrypoint   []string
		Cmd          []string
		Volumes      map[string]any
		ExposedPorts map[string]any
		Labels       map[string]string
	}
}

// file is an entry of a layer.
type file struct {
	*tar.Header
	body []byte
}

// descriptor names a blob of a layout.
type descriptor struct {
	Digest string
	Size   int64
}

func open(t *testing.T, layout string) *image {
	t.Helper()
	var index struct{ Manifests []descriptor }
	decode(t, filepath.Join(layout, "index.json"), &index)
	if len(index.Manifests) != 1 {
		t.Fatalf("%s holds %d images; want 1", layout, len(index.Manifests))
	}
	i := &image{digest: index.Manifests[0].Digest}
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	decode(t, blob(layout, i.digest), &manifest)
	decode(t, blob(layout, manifest.Config.Digest), &i.config)
	for _, layer := range manifest.Layers {
		i.packed += layer.Size
		i.unpack(t, blob(layout, layer.Digest))
	}
	return i
}

func blob(layout, digest string) string {
	return filepath.Join(layout, "blobs", strings.Replace(digest, ":", "/", 1))
}

func decode(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

func (i *image) unpack(t *testing.T, layer string) {
	t.Helper()
	f, err := os.Open(layer)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for entries := tar.NewReader(unzipped); ; {
		header, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(entries)
		if err != nil {
			t.Fatal(err)
		}
		i.size += int64(len(body))
		i.files = append(i.files, file{header, body})
	}
}

// body is the content of one file: of the last layer that has it, since that is what runs.
func (i *image) body(t *testing.T, name string) []byte {
	t.Helper()
	for _, f := range slices.Backward(i.files) {
		if f.Name == name {
			return f.body
		}
	}
	t.Fatalf("the image has no %s", name)
	return nil
}
