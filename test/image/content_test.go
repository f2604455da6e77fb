//go:build linux

package image

import (
	"archive/tar"
	"bytes"
	"crypto/x509"
	"debug/buildinfo"
	"debug/elf"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const maxSize = 25 << 20 // bytes of all files: every node of a fleet pulls it

const (
	program     = "burgee"
	authorities = "etc/ssl/certs/ca-certificates.crt"
)

// The program and the authorities are all that there is: no shell, no package manager, nothing that a stranger could run or write to.
func TestFiles(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	want := []string{program, "etc/", "etc/ssl/", "etc/ssl/certs/", authorities}
	var names []string
	for _, f := range i.files {
		names = append(names, f.Name)
		if f.Typeflag != tar.TypeReg && f.Typeflag != tar.TypeDir {
			t.Errorf("%s is of type %q; want files and folders alone", f.Name, f.Typeflag)
		}
		if f.Uid != 0 || f.Gid != 0 || f.Mode&0o7022 != 0 {
			t.Errorf("%s belongs to %d:%d with mode %o; want 0:0, and no setuid, setgid, sticky, or writing by others", f.Name, f.Uid, f.Gid, f.Mode)
		}
	}
	slices.Sort(names)
	if slices.Sort(want); !slices.Equal(names, want) {
		t.Errorf("the image holds\n%q; want\n%q", names, want)
	}
	t.Logf("%d bytes unpacked, %d as pulled", i.size, i.packed)
	if i.size > maxSize {
		t.Errorf("the image has %d bytes; want at most %d", i.size, maxSize)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(i.body(t, authorities)) {
		t.Errorf("%s holds no certificate", authorities)
	}
}

func TestConfiguration(t *testing.T) {
	c := open(t, filepath.Join(folder(t), "oci")).config.Config
	if c.User != "65532:65532" {
		t.Errorf("the image runs as %q; want a number that Kubernetes can see is not root, 65532:65532", c.User)
	}
	if !reflect.DeepEqual(c.Entrypoint, []string{"/burgee"}) || len(c.Cmd) != 0 {
		t.Errorf("the image starts %q with %q; want /burgee alone", c.Entrypoint, c.Cmd)
	}
	if len(c.Volumes) != 0 || len(c.ExposedPorts) != 0 {
		t.Errorf("the image declares volumes %v and ports %v; want none: a pod says what it mounts, and all listeners are local", c.Volumes, c.ExposedPorts)
	}
	for _, pair := range c.Env {
		if !strings.HasPrefix(pair, "PATH=") {
			t.Errorf("the image sets %s; want no setting that a pod does not show", pair)
		}
	}
}

func TestLabels(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	const prefix = "org.opencontainers.image."
	for label, want := range map[string]string{
		"title": "^burgee$", "description": "^The feature-flag sidecar: ", "source": "^https://github.com/burgeehq/burgee$", "licenses": "^Apache-2.0$",
		"version": ".", "revision": "^[0-9a-f]{40}$", "created": ".",
	} {
		if got := i.config.Config.Labels[prefix+label]; !regexp.MustCompile(want).MatchString(got) {
			t.Errorf("%s%s is %q; want %s", prefix, label, got, want)
		}
	}
	said, err := exec.CommandContext(t.Context(), filepath.Join(folder(t), program), "--version").Output()
	if version := i.config.Config.Labels[prefix+"version"]; err != nil || strings.TrimSpace(string(said)) != version {
		t.Errorf("the program says that it is version %q (%v); the label says %q", said, err, version)
	}
	created, err := time.Parse(time.RFC3339, i.config.Config.Labels[prefix+"created"])
	if made, _ := time.Parse(time.RFC3339, i.config.Created); err != nil || !created.Equal(made) {
		t.Errorf("the label says that the image was created at %s (%v), its configuration %s", created, err, i.config.Created)
	}
}

// The program needs nothing of the image, and says nothing of the machine that built it.
func TestProgram(t *testing.T) {
	i := open(t, filepath.Join(folder(t), "oci"))
	body := bytes.NewReader(i.body(t, program))
	info, err := buildinfo.Read(body)
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	if settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" || settings["vcs.revision"] != "" {
		t.Errorf("the program was built with %v; want CGO_ENABLED=0, -trimpath, and nothing of version control, which a tarball has not", settings)
	}
	if unused := "s3.(*Client).DeleteBucket"; bytes.Contains(i.body(t, program), []byte(unused)) {
		t.Errorf("the program holds %s, which nobody calls: a library that calls methods by name keeps all of them (docs/decisions/settings.md)", unused)
	}
	parsed, err := elf.NewFile(body)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range parsed.Progs {
		if part.Type == elf.PT_INTERP || part.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a part of type %s; want it static", part.Type)
		}
	}
}
