package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

// heeded is a store that tells when a bundle is asked for.
type heeded struct {
	object.Store
	asked func()
}

func (h heeded) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	if strings.HasPrefix(key, bundle.BundlesPrefix) {
		h.asked()
	}
	return h.Store.Get(ctx, key, have, limit)
}

// TestAKillIsToldBeforeItIsLookedAt holds that whoever waits for a slow store knows by then that the revision stands; and that a verb opens
// its store once, whose client has connections and credentials of its own.
func TestAKillIsToldBeforeItIsLookedAt(t *testing.T) {
	dir := t.TempDir()
	flags := filepath.Join(dir, "flags.json")
	document := `{"flags": {"pay": {"variants": {"new": 1, "old": 2}, "defaultVariant": "new", "metadata": {"safeVariant": "old"}}}}`
	if err := os.WriteFile(flags, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	writes := []string{"--message", "m", "--author", "ana", "--allow-unsigned", "--environment", "e", "--store", "file://" + dir}
	for _, verb := range []struct {
		args []string
		told string // before the flags are read
	}{
		{[]string{"publish", flags, "--contract", "off"}, ""},
		{[]string{"kill", "pay"}, "wrote revision 2 of e\n"},
		{[]string{"rollback", "--to", "1"}, ""},
	} {
		var out, problems bytes.Buffer
		opened, asked, early := 0, 0, ""
		code := run(t.Context(), append(verb.args, writes...), &world{
			&out, &problems, func(string) string { return "" }, time.Now,
			func(ctx context.Context, url string, options store.Options) (object.Store, error) {
				opened++
				s, err := store.Open(ctx, url, options)
				return heeded{s, func() {
					if asked++; asked == 1 {
						early = out.String()
					}
				}}, err
			},
		})
		if code != exitGood || opened != 1 {
			t.Errorf("%s: exit code %d, and the store was opened %d times: %s", verb.args[0], code, opened, problems.String())
		}
		if !strings.HasPrefix(early, verb.told) {
			t.Errorf("%s had told %q when it read the flags", verb.args[0], early)
		}
	}
}
