package keys

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
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

// What is given in place of a name, and may be a key, stands in no error; names that cannot be one do, however long they are.
func TestNoErrorRepeatsAKey(t *testing.T) {
	private, _, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(private)), "\n")
	bare := strings.Join(lines[1:len(lines)-1], "")
	der, err := base64.StdEncoding.DecodeString(bare)
	if err != nil {
		t.Fatal(err)
	}
	seed := der[len(der)-ed25519.SeedSize:]
	for name, key := range map[string]string{
		"without its PEM lines": bare, "PEM in base64": base64.StdEncoding.EncodeToString(private), "the seed alone": base64.RawURLEncoding.EncodeToString(seed),
		"the seed with slashes": "/" + strings.Repeat("+/", 21), "hexadecimal": hex.EncodeToString(seed), "as JSON": `{"kty":"OKP","d":"` + base64.RawURLEncoding.EncodeToString(seed) + `"}`,
		"with a dot": strings.Repeat("MC4CAQAw.", 30), "several, without commas": bare + " " + bare,
	} {
		_, err := Trust([]string{key}, 1, false)
		want := fmt.Sprintf("trust key: no file has this name of %d letters (not repeated, since it may be the key itself): ", len(key))
		if !errors.Is(err, ErrTrustKey) || !strings.HasPrefix(err.Error(), want) || !strings.HasSuffix(err.Error(), "; a key is taken as text where it has its line -----BEGIN PUBLIC KEY-----") || strings.Contains(err.Error(), key[:20]) {
			t.Errorf("%s: error %v; want %s…", name, err, want)
		}
	}
	for _, name := range []string{"team-a", "/etc/burgee/keys/production/payments/team-a.pub", filepath.Join("keys", strings.Repeat("a", 200)+".pub")} {
		if _, err := Trust([]string{name}, 1, false); err == nil || !strings.Contains(err.Error(), "open "+name+": no such file") {
			t.Errorf("error %v; want the name %s", err, name)
		}
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("a", 60))
	if err := os.WriteFile(long, []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Trust([]string{long}, 1, false); err == nil || !strings.Contains(err.Error(), "trust key "+long+": no PEM block") {
		t.Errorf("error %v; want the name of a file that is there", err)
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
