package keys

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

func TestTrustWantsKeysOrTheirAbsence(t *testing.T) {
	file := writeKey(t, "a.pub")
	for _, row := range []struct {
		name     string
		files    []string
		unsigned bool
		want     error
	}{
		{"neither", nil, false, ErrNoTrust},
		{"both", []string{file}, true, ErrBothTrusts},
		{"a key", []string{file}, false, nil},
		{"unsigned", nil, true, nil},
	} {
		trust, err := Trust(row.files, 1, row.unsigned)
		if !errors.Is(err, row.want) {
			t.Errorf("%s: error %v; want %v", row.name, err, row.want)
		}
		if err == nil && trust.Unsigned() != row.unsigned {
			t.Errorf("%s: unsigned %v; want %v", row.name, trust.Unsigned(), row.unsigned)
		}
	}
}

func TestTrustFollowsSymlinks(t *testing.T) {
	file := writeKey(t, "a.pub")
	link := filepath.Join(t.TempDir(), "trust.pub")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	if _, err := Trust([]string{link}, 1, false); err != nil {
		t.Errorf("a symlink to a key: %v", err)
	}
}

const emptyPrivate = "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"

func TestTrustNamesTheFileItCannotUse(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for file, want := range map[string]string{
		filepath.Join(folder, "absent.pub"):               "no such file",
		write("empty.pub", ""):                            "no PEM block",
		write("huge.pub", strings.Repeat("x", MaxFile+1)): "more than 16384 bytes",
		write("private.pub", emptyPrivate):                `PEM block "PRIVATE KEY"; want "PUBLIC KEY"`,
	} {
		_, err := Trust([]string{file}, 1, false)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), file) {
			t.Errorf("error %v; want %q and the file %s", err, want, file)
		}
	}
}

// A text is a key as its file is, with whatever a variable puts around it; errors count keys and quote none of them.
func TestTrustTakesTexts(t *testing.T) {
	file := writeKey(t, "a.pub")
	text, err := os.ReadFile(writeKey(t, "b.pub"))
	if err != nil {
		t.Fatal(err)
	}
	const secret = "MC4CAQAwBQYDK2VwBCIEIJ"
	for _, row := range []struct {
		name  string
		given []string
		want  string // "" for none
	}{
		{"a text", []string{string(text)}, ""},
		{"two of two, with space around", []string{file, " \n" + string(text) + "\r\n\t"}, ""},
		{"lines that end as on Windows", []string{file, strings.ReplaceAll(string(text), "\n", "\r\n")}, ""},
		{"a private key", []string{file, "-----BEGIN PRIVATE KEY-----\n" + secret + "AA\n-----END PRIVATE KEY-----\n"}, `trust key 2 (a text): PEM block "PRIVATE KEY"; want "PUBLIC KEY"`},
		{"half a text", []string{"-----BEGIN PUBLIC KEY-----\n" + secret}, `trust key 1 (a text): no PEM block; want one "PUBLIC KEY"`},
		{"two without a comma", []string{string(text) + string(text)}, `trust key 1 (a text): more than one PEM block; want one "PUBLIC KEY"`},
		{"a text that begins otherwise", []string{file, file, "key:\n" + secret}, `trust key 3 (a text): it has several lines, and does not begin with -----BEGIN; several keys are separated by commas`},
		{"a long one", []string{"-----BEGIN " + strings.Repeat("x", MaxFile)}, `trust key 1 (a text): more than 16384 bytes`},
	} {
		_, err := Trust(row.given, len(row.given), false)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (!errors.Is(err, ErrTrustKey) || err.Error() != row.want):
			t.Errorf("%s: error %v; want %s", row.name, err, row.want)
		}
	}
}

func TestTrustThreshold(t *testing.T) {
	a, b := writeKey(t, "a.pub"), writeKey(t, "b.pub")
	for _, row := range []struct {
		name      string
		files     []string
		threshold int
		want      string // "" for none
	}{
		{"one of one", []string{a}, 1, ""},
		{"two of two", []string{a, b}, 2, ""},
		{"one key twice", []string{a, a}, 2, "--trust-threshold 2 is more than the distinct keys given (1): give more with --trust-key, or ask for fewer"},
		{"none", []string{a}, 0, "--trust-threshold 0 is no number of keys: give 1 or more"},
		{"negative", []string{a}, -1, "--trust-threshold -1 is no number of keys: give 1 or more"},
		{"negative and unsigned", nil, -1, "--trust-threshold -1 is no number of keys: give 1 or more"},
	} {
		_, err := Trust(row.files, row.threshold, len(row.files) == 0)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%s: %v", row.name, err)
		case row.want != "" && (!errors.Is(err, ErrThreshold) || err.Error() != row.want):
			t.Errorf("%s: error %v; want %s", row.name, err, row.want)
		}
	}
}

func writeKey(t *testing.T, name string) string {
	t.Helper()
	_, public, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, public, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
