package bundle

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// The vectors are the promise of the format to readers in other languages and to every later version. `go test ./sync/bundle -update`
// writes them from the table in cases_test.go. Do that for new ones; where an old one changes, bundles that are out there change
// their meaning, and the format needs a new number instead.
var update = flag.Bool("update", false, "rewrite testdata/vectors")

func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	files, err := filepath.Glob("testdata/vectors/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			policy, manifest, stored, expect := readVector(t, archive)
			_, err = open(policy, manifest, stored)
			if got := outcome(err); got != expect {
				t.Errorf("%s (%v); want %s", got, err, expect)
			}
		})
	}
}

func TestEveryCaseHasItsVector(t *testing.T) {
	for _, o := range openings() {
		if _, err := os.Stat(vectorFile(o)); err != nil && !o.large {
			t.Errorf("%v: write it with -update", err)
		}
	}
}

func vectorFile(o opening) string { return filepath.Join("testdata", "vectors", o.name+".txtar") }

// outcome is what a vector expects: success, or the reason of the refusal.
func outcome(err error) string {
	if err == nil {
		return "success"
	}
	return string(ReasonOf(err)) + " failure"
}

func readVector(t *testing.T, archive *txtar.Archive) (policy Policy, manifest, stored []byte, expect string) {
	t.Helper()
	head := header(string(archive.Comment))
	threshold, err := strconv.Atoi(head["threshold"])
	if err != nil {
		t.Fatal(err)
	}
	var keys []PublicKey
	for _, file := range archive.Files {
		switch {
		case file.Name == "manifest.json.base64":
			manifest = unwrap(t, file.Data)
		case file.Name == "bundle.json.gz.base64":
			stored = unwrap(t, file.Data)
		case strings.HasSuffix(file.Name, ".pub"):
			key, err := ParsePublicKey(file.Data)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, key)
		}
	}
	trust := AllowUnsigned()
	if len(keys) > 0 {
		if trust, err = NewTrust(keys, threshold); err != nil {
			t.Fatal(err)
		}
	}
	return Policy{trust, head["environment"]}, manifest, stored, head["expect"]
}

// header reads the lines "name: value" up to the first empty one.
func header(comment string) map[string]string {
	head := map[string]string{}
	for line := range strings.Lines(comment) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if !ok {
			break
		}
		head[name] = value
	}
	return head
}

func writeVectors(t *testing.T) {
	t.Helper()
	for _, o := range openings() {
		if o.large {
			continue
		}
		archive := &txtar.Archive{Comment: fmt.Appendf(nil, "expect: %s\nenvironment: %s\nthreshold: %d\n\n%s\n",
			expectation(o), o.policy.environment, max(o.policy.threshold, 1), o.why)}
		for i, key := range public(o.policy.keys...) {
			archive.Files = append(archive.Files, txtar.File{Name: fmt.Sprintf("trust-%d.pub", i+1), Data: encodePublic(t, key)})
		}
		archive.Files = append(archive.Files,
			txtar.File{Name: "manifest.json.base64", Data: wrap(o.manifest)},
			txtar.File{Name: "bundle.json.gz.base64", Data: wrap(o.bundle)})
		if err := os.WriteFile(vectorFile(o), txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func expectation(o opening) string {
	if o.expect == "" {
		return "success"
	}
	return string(o.expect) + " failure"
}

func encodePublic(t *testing.T, key PublicKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// wrap is base64 in lines of 76, as every mail tool writes it.
func wrap(data []byte) []byte {
	text := base64.StdEncoding.EncodeToString(data)
	var out bytes.Buffer
	for len(text) > 76 {
		out.WriteString(text[:76] + "\n")
		text = text[76:]
	}
	out.WriteString(text + "\n")
	return out.Bytes()
}

func unwrap(t *testing.T, text []byte) []byte {
	t.Helper()
	data, err := base64.StdEncoding.DecodeString(string(text)) // the decoder skips line breaks
	if err != nil {
		t.Fatal(err)
	}
	return data
}
