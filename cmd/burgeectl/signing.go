package main

import (
	"io/fs"
	"os"
	"strings"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sync/bundle"
)

// signing is what every verb that writes takes.
type signing struct {
	Key    []string `help:"Private key to sign with: a file, or env:NAME for a variable that holds the PEM text; repeatable." placeholder:"FILE|env:NAME" env:"BURGEE_KEY" group:"Store"`
	Author string   `help:"Who does this; the user's name ($USER) by default." placeholder:"NAME" env:"BURGEE_AUTHOR"`
}

const keyHint = "--key names the NAME.key that burgeectl keygen --out NAME makes, or env:VARIABLE"

// author is whom history will name.
func (s *signing) author(w *world) (string, error) {
	if s.Author != "" {
		return s.Author, nil
	}
	if user := w.getenv("USER"); user != "" {
		return user, nil
	}
	return "", wrongly("give --author NAME, or set BURGEE_AUTHOR", "no author")
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
	info, err := os.Stat(place)
	if err != nil {
		return nil, wrongly(keyHint, "key: %w", err)
	}
	if info.Mode()&(fs.ModePerm&0o077) != 0 {
		return nil, wrongly("chmod 600 "+place, "key %s: mode %04o lets others read it", place, info.Mode().Perm())
	}
	return text, nil
}
