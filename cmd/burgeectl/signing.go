package main

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/burgeehq/burgee/cmd/internal/keys"
	"github.com/burgeehq/burgee/sync/bundle"
)

// signing is what every verb that writes takes.
type signing struct {
	Key    []string `help:"Private key to sign with: a file, or env:NAME for a variable that holds the PEM text; repeatable." placeholder:"FILE|env:NAME" env:"BURGEE_KEY" group:"Store"`
	Author string   `help:"Who does this; by default git's user, or else the one who is logged in." placeholder:"NAME" env:"BURGEE_AUTHOR"`
}

// What history keeps of a revision, in characters: a manifest has room for both, whole, beside 32 overrides, whose own texts it shortens.
const (
	maxMessage = 1000
	maxAuthor  = 200
)

const keyHint = "--key names the NAME.key that burgeectl keygen --out NAME makes, or env:VARIABLE"

// author is whom history will name.
func (s *signing) author(w *world) (string, error) {
	name := strings.TrimSpace(cmp.Or(s.Author, gitUser(w), w.getenv("USER"), w.getenv("LOGNAME")))
	if name == "" {
		return "", wrongly("give --author NAME, or set BURGEE_AUTHOR", "no author")
	}
	return name, checkText("--author", name, maxAuthor)
}

// gitTime is how long git may take to say who its user is.
const gitTime = 2 * time.Second

// gitUser is whom git would name as the author of a commit made here: by its variables, or else by its settings. It is empty where git
// knows nobody, or is not there.
func gitUser(w *world) string {
	setting := func(name string) string {
		ctx, cancel := context.WithTimeout(context.Background(), gitTime)
		defer cancel()
		out, err := exec.CommandContext(ctx, "git", "config", "--get", name).Output()
		if err != nil {
			return ""
		}
		return strings.TrimSpace(string(out))
	}
	name := cmp.Or(w.getenv("GIT_AUTHOR_NAME"), setting("user.name"))
	if name == "" {
		return ""
	}
	if mail := cmp.Or(w.getenv("GIT_AUTHOR_EMAIL"), setting("user.email")); mail != "" {
		return name + " <" + mail + ">"
	}
	return name
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
	text, err := keys.Read(place)
	if err != nil {
		return nil, wrongly(keyHint, "key: %w", err)
	}
	return text, nil
}

// checkMode refuses a private key that everybody may read, or change. A group may: it is how Kubernetes and systemd hand out secrets.
func checkMode(place string) error {
	if strings.HasPrefix(place, "env:") {
		return nil
	}
	info, err := os.Stat(place)
	if err != nil {
		return wrongly(keyHint, "key: %w", err)
	}
	if info.Mode().Perm()&0o007 != 0 {
		return wrongly("chmod 600 "+place+"; if others had the time to read it, make a new one, as they may have", "key %s: mode %04o lets everybody on this machine at it", place, info.Mode().Perm())
	}
	return nil
}
