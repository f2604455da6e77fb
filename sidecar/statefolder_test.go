package sidecar

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
)

// A --state-dir that cannot be made is said and stops nothing. Once it can be, flags are kept; that it was made is logged.
func TestAStateFolderThatIsMissing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		maker, source, state := bundletest.New(t), bundletest.NewSource(), filepath.Join(t.TempDir(), "slip", "state")
		source.Publish(maker.Make(1, numbered(1), 1))
		set := func(c *Config) {
			c.StateDir, c.Log = state, hclog.New(&hclog.LoggerOptions{Output: &log, DisableTime: true})
		}
		life := func(degraded string, meanwhile func() error) {
			t.Helper()
			r := newRig(t, maker, source, set)
			r.start(t)
			time.Sleep(time.Minute)
			if st := r.Status(time.Now()); r.served(t) != 1 || fmt.Sprint(st.Degraded) != degraded {
				t.Errorf("revision %d is served, degraded %q; want 1 and %s", r.served(t), st.Degraded, degraded)
			}
			if err := meanwhile(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if st := r.Status(time.Now()); len(st.Degraded) > 0 || st.Persisted.Revision != 1 {
				t.Errorf("revision %d is kept, degraded %q; want 1 and nothing", st.Persisted.Revision, st.Degraded)
			}
			r.stop()
		}
		life("[persistence: open state folder: "+filepath.Dir(state)+" is not there: make it, or choose another --state-dir]", func() error { return os.Mkdir(filepath.Dir(state), 0o700) })
		life("[]", func() error { return nil })
		if n := bytes.Count(log.Bytes(), []byte("state folder made: there was none: path="+lkg.Path(state))); n != 1 {
			t.Errorf("the log tells %d times that a folder was made; want once:\n%s", n, log.Bytes())
		}
	})
}
