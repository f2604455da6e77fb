package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
)

// FuzzSettings feeds a command line, one argument a line, and one variable: they give settings or an error, and never an exit.
func FuzzSettings(f *testing.F) {
	f.Add("--store\nfile:///flags\n--environment\nshop/prod\n--allow-unsigned", "POLL", "1s")
	f.Add("--flags=flags.json\n--socket-mode=0600\n--admin=off", "STORE", "s3://bucket")
	f.Add("--trust-key\na.pub,b.pub\n--trust-threshold=2\n--min-revision=-1", "LOG_LEVEL", "loud")
	f.Add("--help", "LISTEN", "")
	f.Add("--version", "TRUST_KEY", "a,b")
	f.Fuzz(func(t *testing.T, line, name, value string) {
		if strings.ContainsAny(name, "=\x00") || strings.Contains(value, "\x00") {
			return // no environment holds them
		}
		t.Setenv("BURGEE_"+name, value)
		var s settings
		stop, err := parse(&s, strings.Split(line, "\n"), io.Discard)
		if stop || err != nil {
			return
		}
		s.TrustKey = nil // files are not what is asked for here
		c, err := s.config(t.Context(), hclog.NewNullLogger())
		switch {
		case err != nil:
		case (c.Source == nil) == (c.FlagsFile == ""):
			t.Fatalf("settings %+v gave both a store and a file, or neither", s)
		case c.Source != nil && c.Trust.None():
			t.Fatalf("settings %+v gave a store that nobody vouches for", s)
		case c.SocketMode == 0 || c.SocketMode&^os.ModePerm != 0:
			t.Fatalf("socket mode %v", c.SocketMode)
		}
	})
}
