//go:build linux

package image

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// The same sources give the same bytes: the image from another folder, and its program by the Go of this machine, without a container.
func TestASecondBuildIsTheSame(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	tree := copyTree(t)
	labels := i.config.Config.Labels
	version, revision := labels["org.opencontainers.image.version"], labels["org.opencontainers.image.revision"]
	created, err := time.Parse(time.RFC3339, i.config.Created)
	must(t, err)
	command(t, tree, nil, "make", "image", "VERSION="+version, "REVISION="+revision, "EPOCH="+strconv.FormatInt(created.Unix(), 10))
	if again := open(t, filepath.Join(tree, "bin", "image", "oci")); again.digest != i.digest {
		t.Errorf("the second image is %s, the first %s", again.digest, i.digest)
	}

	want := i.body(t, program)
	info, err := buildinfo.Read(bytes.NewReader(want))
	must(t, err)
	env := []string{"CGO_ENABLED=0", "GOOS=" + i.config.OS, "GOARCH=" + i.config.Architecture, "GOTOOLCHAIN=" + info.GoVersion}
	command(t, tree, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+version, "-o", "outside", "./cmd/burgee")
	got, err := os.ReadFile(filepath.Join(tree, "outside"))
	must(t, err)
	if sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("the program that was built outside has the digest %x, the image's %x", sha256.Sum256(got), sha256.Sum256(want))
	}
	t.Logf("image %s, program sha256:%x", i.digest, sha256.Sum256(want))
}

// copyTree copies what git knows of, or would take, to a new folder that is no repository.
func copyTree(t *testing.T) string {
	t.Helper()
	tree := t.TempDir()
	command(t, filepath.Join("..", ".."), nil, "bash", "-euo", "pipefail", "-c",
		`git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "`+tree+`"`)
	return tree
}

func command(t *testing.T, dir string, env []string, name string, args ...string) {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, out)
	}
}
