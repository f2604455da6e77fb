package main

import (
	"cmp"
	"io/fs"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sync/bundle"
)

// signing is what every verb that writes takes.
type signing struct {
	Key    []string `help:"Private key to sign with: a file, or env:NAME for a variable that holds the PEM text; repeatable." placeholder:"FILE|env:NAME" env:"BURGEE_KEY" group:"Store"`
	Author string   `help:"Who does this; the user's name ($USER) by default." placeholder:"NAME" env:"BURGEE_AUTHOR"`
}

// What history keeps of a revision, in characters: a manifest has room for both, and for every override.
const (
	maxMessage = 1000
	maxAuthor  = 200
)

const keyHint = "--key names the NAME.key that burgeectl keygen --out NAME makes, or env:VARIABLE"

// author is whom history will name.
func (s *signing) author(w *world) (string, error) {
	name := cmp.Or(s.Author, w.getenv("USER"))
	if strings.TrimSpace(name) == "" {
		return "", wrongly("give --author NAME, or set BURGEE_AUTHOR", "no author")
	}
	return name, checkText("--author", name, maxAuthor)
}

// checkText refuses what history could not show on a line.
func checkText(flag, text string, limit int) error {
	switch n := utf8.RuneCountInString(text); {
	case strings.ContainsRune(text, utf8.RuneError): // also where kong has put it for bytes that are none
		return wrongly("give it in UTF-8", "%s is not UTF-8", flag)
	case steering.MatchString(text):
		return wrongly("give one line of plain text", "%s holds line breaks or other control characters", flag)
	case n > limit:
		return wrongly("shorten it: every sidecar reads it with the manifest", "%s has %d characters; at most %d are taken", flag, n, limit)
	}
	return nil
}

// keys reads the private keys.
func (s *signing) keys(w *world) ([]bundle.PrivateKey, error) {
	var private []bundle.PrivateKey
	for _, place := range s.Key {
		text, err := keyText(place, w)
		if err != nil {
			return nil, err
		}
		key, err := bundle.ParsePrivateKey(text)
		if err != nil {
			return nil, wrongly(keyHint, "key %s: %w", place, err)
		}
		if err := checkMode(place); err != nil {
			return nil, err
		}
		private = append(private, key)
	}
	return private, nil
}

func keyText(place string, w *world) ([]byte, error) {
	if name, ok := strings.CutPrefix(place, "env:"); ok {
		text := w.getenv(name)
		if text == "" {
			return nil, wrongly("put the PEM text of the key into it", "key %s: the variable is not set", place)
		}
		return []byte(text), nil
	}
	text, err := file.Read(place, keys.MaxFile)
	if err != nil {
		return nil, wrongly(keyHint, "key: %w", err)
	}
	return text, nil
}

// checkMode refuses a private key that others may read.
func checkMode(place string) error {
	if strings.HasPrefix(place, "env:") {
		return nil
	}
	info, err := os.Stat(place)
	if err != nil {
		return wrongly(keyHint, "key: %w", err)
	}
	if info.Mode()&(fs.ModePerm&0o077) != 0 {
		return wrongly("chmod 600 "+place, "key %s: mode %04o lets others read it", place, info.Mode().Perm())
	}
	return nil
}
