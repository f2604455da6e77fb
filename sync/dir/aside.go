package dir

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/burgeehq/burgee/sync/object"
)

// asidePrefix begins the names of files that are being written. No key begins with a dot, so no reader sees one.
const asidePrefix = ".burgee-unfinished-"

// writeAside puts body on the disk under a name that no key has. What it leaves behind when it fails, it takes away itself; what a
// killed writer leaves behind, the next one sweeps.
func writeAside(ctx context.Context, root *os.Root, body []byte) (string, error) {
	name := asidePrefix + rand.Text()
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return "", refusal(err, object.ErrNoStore)
	}
	_, err = f.Write(body)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close(), object.Ended(ctx))
	if err != nil {
		root.Remove(name)
		return "", err
	}
	return name, nil
}

// sweep removes what killed writers left.
func sweep(root *os.Root) error {
	folder, err := root.Open(".")
	if err != nil {
		return refusal(err, object.ErrNoStore)
	}
	defer folder.Close()
	names, err := folder.Readdirnames(-1)
	for _, name := range names {
		if strings.HasPrefix(name, asidePrefix) {
			err = errors.Join(err, root.Remove(name))
		}
	}
	return err
}

// syncFolders makes the name of a file last, with those of the folders above it, up to the store's own.
func syncFolders(root *os.Root, key string) error {
	for name := path.Dir(key); ; name = path.Dir(name) {
		if err := syncFolder(root.Open(name)); err != nil || name == "." {
			return err
		}
	}
}

// syncFolder takes what Open gives. File systems that cannot sync a folder say so with EINVAL or ENOTSUP, and keep its names anyway.
func syncFolder(folder *os.File, err error) error {
	if err != nil {
		return err
	}
	defer folder.Close()
	err = folder.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) {
		return nil
	}
	return err
}
