package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/burgeehq/burgee/sync/bundle"
)

type keygen struct {
	Out string `required:"" help:"Write NAME.key, to sign with and keep secret, and NAME.pub, to hand out." placeholder:"NAME"`
}

// Run writes the public half first, so that there is never a private key that nobody can verify.
func (k *keygen) Run(w *world, form output) error {
	if last := filepath.Base(k.Out); k.Out == "" || os.IsPathSeparator(k.Out[len(k.Out)-1]) || last == "." || last == ".." {
		return wrongly("give the name of the pair, such as --out prod or --out keys/prod", "--out %q names no file", k.Out)
	}
	private, public, err := bundle.GenerateKey()
	if err != nil {
		return err
	}
	key, err := bundle.ParsePublicKey(public)
	if err != nil {
		return err
	}
	secret, open := k.Out+".key", k.Out+".pub"
	if _, err := os.Lstat(secret); err == nil {
		return taken(secret)
	}
	if err := writeNew(open, public, 0o644); err != nil {
		return err
	}
	if err := writeNew(secret, private, 0o600); err != nil {
		return errors.Join(err, os.Remove(open))
	}
	if form == inJSON {
		return printJSON(w.stdout, map[string]string{"key": secret, "public": open, "id": key.ID})
	}
	_, err = fmt.Fprintf(w.stdout, "%s signs: keep it secret\n%s verifies: hand it out as --trust-key\nkey id %s\n", secret, open, key.ID)
	return err
}

// writeNew writes a file that must not be there: a key that is overwritten is lost. One that cannot be written whole is taken away.
func writeNew(name string, body []byte, mode fs.FileMode) error {
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) {
		return taken(name)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(body)
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

func taken(name string) error {
	return advised{fmt.Errorf("%s is there already; keys are never overwritten", name), exitFailed, "give another --out, or move the old pair away"}
}

func (*keygen) examples() []string {
	return []string{
		`burgeectl keygen --out prod`,
		`burgeectl keygen --out keys/prod --output json`,
	}
}
