package kit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Environment is the one that a shop publishes for.
const Environment = "shop/prod"

// ctlTime bounds one run of burgeectl.
const ctlTime = 60 * time.Second

// Shop is one environment: a key, a store, and a folder for whatever its sidecars need.
type Shop struct {
	Dir   string
	Store string   // URL
	Env   []string // what both programs are given beside a plain environment
}

// New makes a shop with a key, Dir/team.key, and an empty folder for its store, Dir/store.
func New(t testing.TB) *Shop {
	t.Helper()
	s := &Shop{Dir: Folder(t)}
	if err := os.Mkdir(s.Path("store"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.Store = s.URL("store")
	s.Key(t, "team")
	return s
}

// Path is that of a file in the shop's folder.
func (s *Shop) Path(name ...string) string {
	return filepath.Join(append([]string{s.Dir}, name...)...)
}

// URL is that of a folder in the shop's own, as a store.
func (s *Shop) URL(name string) string {
	return (&url.URL{Scheme: "file", Path: s.Path(name)}).String()
}

// Key makes Dir/NAME.key and Dir/NAME.pub.
func (s *Shop) Key(t testing.TB, name string) {
	t.Helper()
	s.Ctl("keygen", "--out", s.Path(name)).Good(t)
}

// As is the same shop for whoever has another environment.
func (s *Shop) As(env []string) *Shop {
	return &Shop{s.Dir, s.Store, env}
}

// At is the same shop with another store.
func (s *Shop) At(store string) *Shop {
	return &Shop{s.Dir, store, s.Env}
}

// Printed is what a run of burgeectl left.
type Printed struct {
	Code           int
	Stdout, Stderr string
}

func (p Printed) String() string {
	return fmt.Sprintf("exit code %d\n%s%s", p.Code, p.Stdout, p.Stderr)
}

// Good fails the test unless the run went well.
func (p Printed) Good(t testing.TB) Printed {
	t.Helper()
	if p.Code != 0 {
		t.Fatalf("burgeectl: %s", p)
	}
	return p
}

// Refused fails the test unless the run ended with that code and says all of the words on standard error.
func (p Printed) Refused(t testing.TB, code int, words ...string) {
	t.Helper()
	if p.Code != code {
		t.Errorf("burgeectl: %s\nwant exit code %d", p, code)
	}
	for _, word := range words {
		if !strings.Contains(p.Stderr, word) {
			t.Errorf("burgeectl: %s\nwant %q on standard error", p, word)
		}
	}
}

// Ctl runs burgeectl to its end. It may be called from any goroutine.
func (s *Shop) Ctl(args ...string) Printed {
	if _, err := programs(); err != nil { // building them is no part of the run
		return Printed{-1, "", err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), ctlTime)
	defer cancel()
	return s.CtlUntil(ctx, args...)
}

// CtlUntil is Ctl for a run that is killed, as kill -9 does it, where ctx ends before it: its exit code is -1 then.
func (s *Shop) CtlUntil(ctx context.Context, args ...string) Printed {
	folder, err := programs()
	if err != nil {
		return Printed{-1, "", err.Error()}
	}
	cmd := exec.CommandContext(ctx, filepath.Join(folder, "burgeectl"), args...)
	var stdout, stderr bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = s.environ(), &stdout, &stderr
	EndWithParent(cmd)
	err = cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) && ctx.Err() == nil {
		return Printed{-1, "", err.Error()}
	}
	return Printed{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// environ keeps the settings of whoever runs the tests away from the programs.
func (s *Shop) environ() []string {
	var env []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "BURGEE_") && !strings.HasPrefix(pair, "AWS_") {
			env = append(env, pair)
		}
	}
	return append(env, s.Env...)
}

// TryPublish publishes a document, signed by the shop's key unless args say something else.
func (s *Shop) TryPublish(document string, args ...string) Printed {
	file, err := os.CreateTemp(s.Dir, "flags*.json")
	if err != nil {
		return Printed{-1, "", err.Error()}
	}
	_, err = file.WriteString(document)
	if err := errors.Join(err, file.Close()); err != nil {
		return Printed{-1, "", err.Error()}
	}
	call := []string{"publish", file.Name(), "--store", s.Store, "--message", "made by a test", "--author", "test"}
	if !slices.Contains(args, "--contract") {
		call = append(call, "--contract", "off") // few tests are about it
	}
	if !slices.Contains(args, "--environment") {
		call = append(call, "--environment", Environment)
	}
	if !slices.Contains(args, "--key") && !slices.Contains(args, "--allow-unsigned") {
		call = append(call, "--key", s.Path("team.key"))
	}
	return s.Ctl(append(call, args...)...)
}

// Publish is TryPublish that must go well.
func (s *Shop) Publish(t testing.TB, document string, args ...string) {
	t.Helper()
	s.TryPublish(document, args...).Good(t)
}

// Number is the flag that tells one document from another.
const Number = "number"

// Flags is a document whose flag Number has that value, with as many flags more as are asked for.
func Flags(number, more int) string {
	const contract = `"metadata":{"owner":"tests","kind":"permission","description":"Made by a test."}`
	var doc strings.Builder
	fmt.Fprintf(&doc, `{"flags":{%q:{"state":"ENABLED","variants":{"it":%d},"defaultVariant":"it",%s}`, Number, number, contract)
	for i := range more {
		fmt.Fprintf(&doc, `,"flag-%04d":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off",
			"targeting":{"if":[{"in":[{"var":"country"},["DE","AT","CH"]]},"on","off"]},%s}`, i, contract)
	}
	return doc.String() + "}}"
}
