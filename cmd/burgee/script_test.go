package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/burgeehq/burgee/sync/bundle"
)

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"burgee": main}) }

// TestScripts runs testdata/*.txtar: every refusal with its hint and exit code, compared whole. Commands beside testscript's own:
//
//	exits CODE COMMAND   runs a command that must end with that exit code
//	same stdout FILE     compares output with a file, where $WORK and $TAKEN stand for what is new in each run
//	keypair NAME         writes NAME.key and NAME.pub
//	appears FILE         waits for a file
//	certificate NAME     writes NAME.crt and NAME.key, a pair for TLS
//	content NAME FILE…   sets a variable to what files hold, with commas between them
//
// TAKEN is an address that somebody listens on, and held.sock a socket that somebody does.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   "testdata",
		Setup: setup,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "same": same, "keypair": keypair, "appears": appears, "content": content, "certificate": certificate,
		},
	})
}

func setup(env *testscript.Env) error {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	env.Defer(func() { _ = taken.Close() })
	env.Setenv("TAKEN", taken.Addr().String())
	held, err := net.Listen("unix", filepath.Join(env.WorkDir, "held.sock"))
	if err != nil {
		return err
	}
	env.Defer(func() { _ = held.Close() })
	return nil
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND ARGS…")
	}
	got := "exit status 0"
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		got = err.Error()
	}
	if got != "exit status "+args[0] {
		ts.Fatalf("%s; want %s", got, args[0])
	}
}

func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same stdout|stderr FILE")
	}
	got := strings.NewReplacer(ts.Getenv("WORK"), "$WORK", ts.Getenv("TAKEN"), "$TAKEN").Replace(ts.ReadFile(args[0]))
	if want := ts.ReadFile(args[1]); got != want {
		ts.Fatalf("%s is\n%s\nwant\n%s", args[0], got, want)
	}
}

func keypair(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: keypair NAME")
	}
	private, public, err := bundle.GenerateKey()
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), private, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pub"), public, 0o644))
}

func appears(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: appears FILE")
	}
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if _, err := os.Lstat(ts.MkAbs(args[0])); !errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	ts.Check(fmt.Errorf("%s does not appear", args[0]))
}

// content puts what files hold into a variable, with commas between them.
func content(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: content VARIABLE FILE…")
	}
	var texts []string
	for _, name := range args[1:] {
		texts = append(texts, ts.ReadFile(name))
	}
	ts.Setenv(args[0], strings.Join(texts, ","))
}

func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: certificate NAME")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}
