package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/store"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"burgeectl": func() {
			w := &world{os.Stdout, os.Stderr, os.Getenv, func() time.Time { return noon }, openMeddled}
			os.Exit(run(context.Background(), os.Args[1:], w))
		},
		"burgeectl-main":    main,
		"burgeectl-stopped": stoppedMain,
	})
}

// TestScripts runs testdata/*.txtar: every verb, hint and exit code, with output compared whole. Commands beside testscript's own:
//
//	exits CODE COMMAND     runs a command that must end with that exit code
//	same stdout FILE       compares output with a file; digests, key ids and tokens, new in each run, read as …
//	mode OCTAL FILE        checks who may do what with a file
//	override FLAG VARIANT  forces a flag in the head as it stands, signed with team.key
//	lie                    makes a revision, signed with team.key, whose ledger tells another change than its flags show
//	hostile                puts what would steer a terminal into the head, signed with team.key
//	null NAME              puts a member of that name, Go-quoted, which is null, into the head, signed by nobody
//	huge FILE              writes a file larger than any context
//	content NAME FILE…     sets a variable to what files hold, with commas between them
//
// TWOLINES and LONG are texts that no history keeps. ADMIN is the address of a server that answers /status with the file status.json. MEANWHILE holds the arguments of a burgeectl that
// runs just before the head is written. SECRET and AWAY are keys, or prefixes of keys ending in a slash, that nobody may read or list, and that
// no answer comes for.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:       "testdata",
		Setup:     setup,
		Condition: func(name string) (bool, error) { return name == "root" && os.Geteuid() == 0, nil },
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"same":     same,
			"mode":     mode,
			"override": override,
			"hostile":  hostile,
			"lie":      lie,
			"null":     null,
			"huge":     huge,
			"content":  content,
		},
	})
}

// setup gives a script its store and its sidecar.
func setup(env *testscript.Env) error {
	server := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.URL.Path != "/status" {
			http.NotFound(answer, request)
			return
		}
		http.ServeFile(answer, request, filepath.Join(env.WorkDir, "status.json"))
	}))
	env.Defer(server.Close)
	env.Setenv("ADMIN", strings.TrimPrefix(server.URL, "http://"))
	env.Setenv("STORE", "file://"+filepath.ToSlash(env.WorkDir)+"/store")
	env.Setenv("BURGEE_STORE", "file://"+filepath.ToSlash(env.WorkDir)+"/store")
	env.Setenv("BURGEE_ENVIRONMENT", "shop/prod")
	env.Setenv("BURGEE_AUTHOR", "ana")
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1") // nor does git know anybody at home: there is none
	env.Setenv("TWOLINES", "one\nhint: two")
	env.Setenv("LONG", strings.Repeat("x", maxMessage+1))
	return os.Mkdir(filepath.Join(env.WorkDir, "store"), 0o755)
}

// exits runs a command that must end with a given exit code.
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

// mode checks who may do what with a file.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode OCTAL FILE")
	}
	info, err := os.Stat(ts.MkAbs(args[1]))
	ts.Check(err)
	if got := fmt.Sprintf("%o", info.Mode().Perm()); got != args[0] {
		ts.Fatalf("%s has mode %s; want %s", args[1], got, args[0])
	}
}

// override puts an override into the head, without a revision of its own: for scripts about how it is kept and shown.
func override(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: override FLAG VARIANT")
	}
	reseal(ts, func(m *bundle.Manifest) {
		force(ts, m, bundle.Override{Flag: args[0], Variant: args[1], Author: "bo", Message: "on fire", At: noon})
	})
}

// force puts an override into a manifest, and into the ledger that it names.
func force(ts *testscript.TestScript, m *bundle.Manifest, o bundle.Override) {
	m.Overrides = append(m.Overrides, o)
	text, err := json.Marshal(o)
	ts.Check(err)
	file := ts.MkAbs("store/" + bundle.LedgerKey(m.Ledger))
	ledger, err := bundle.OpenLedger([]byte(ts.ReadFile(file)), m.Ledger)
	ts.Check(err)
	ts.Check(os.Remove(file))
	ledger.Entries = append(ledger.Entries, bundle.Entry{Kind: bundle.EntryOverridden, Flag: o.Flag, After: text})
	stored, digest, err := bundle.PackLedger(ledger)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("store/"+bundle.LedgerKey(digest)), stored, 0o600))
	m.Ledger = digest
}

// hostile is what somebody who holds the key, and another program than this one, can put into a head.
func hostile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: hostile")
	}
	reseal(ts, func(m *bundle.Manifest) {
		m.Change.Author = "bo\n\u202esigned by    everybody"
		m.Change.Message = "\x1b]0;title\x07\x1b[2Jfine"
		force(ts, m, bundle.Override{Flag: "a\x1b[31m", Variant: "on\roff", Author: "bo\u009b1m", Message: "on\nfire", At: noon})
	})
}

// reseal changes the head and its copy, signed with team.key.
func reseal(ts *testscript.TestScript, change func(*bundle.Manifest)) {
	key, err := bundle.ParsePrivateKey([]byte(ts.ReadFile("team.key")))
	ts.Check(err)
	head, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open([]byte(ts.ReadFile("store/" + bundle.HeadKey)))
	ts.Check(err)
	m := head.Manifest()
	change(&m)
	raw, err := bundle.Seal(m, key)
	ts.Check(err)
	for _, name := range []string{bundle.HeadKey, bundle.RevisionKey(m.Revision)} {
		ts.Check(os.WriteFile(ts.MkAbs("store/"+name), raw, 0o600))
	}
}

// lie is what somebody who holds the key, and another program than this one, can write into history.
func lie(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: lie")
	}
	key, err := bundle.ParsePrivateKey([]byte(ts.ReadFile("team.key")))
	ts.Check(err)
	before, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open([]byte(ts.ReadFile("store/" + bundle.HeadKey)))
	ts.Check(err)
	m := before.Manifest()
	m.Follow(before)
	m.Revision++
	m.Change = bundle.Change{Author: "mallory", Message: "nothing to see", Changed: 1}
	ledger, digest, err := bundle.PackLedger(bundle.Ledger{
		Environment: m.Environment, Revision: m.Revision, Entries: []bundle.Entry{{Kind: "changed", Flag: "a", Before: []byte("1"), After: []byte("2")}},
	})
	ts.Check(err)
	m.Ledger = digest
	raw, err := bundle.Seal(m, key)
	ts.Check(err)
	for name, body := range map[string][]byte{bundle.HeadKey: raw, bundle.RevisionKey(m.Revision): raw, bundle.LedgerKey(digest): ledger} {
		ts.Check(os.WriteFile(ts.MkAbs("store/"+name), body, 0o600))
	}
}

// null is what anybody who may write to the store can put there for those who look without a key.
func null(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: null NAME")
	}
	name, err := strconv.Unquote(args[0])
	ts.Check(err)
	member, err := json.Marshal(name)
	ts.Check(err)
	var envelope map[string]any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("store/"+bundle.HeadKey)), &envelope))
	envelope["payload"] = fmt.Appendf(nil, `{%s: null}`, member)
	raw, err := json.Marshal(envelope)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("store/"+bundle.HeadKey), raw, 0o600))
}

func huge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: huge FILE")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), make([]byte, maxContext+1), 0o600))
}

// masked are texts that are new in each run, or with each version of the compressor.
var masked = regexp.MustCompile(`[0-9a-f]{64}|\b[0-9a-f]{32}\b|r1\.[-_A-Za-z0-9]{128}|\d+ bytes|"size": \d+|offset \d+`)

func same(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: same stdout|stderr FILE")
	}
	got := masked.ReplaceAllString(ts.ReadFile(args[0]), "…")
	got = strings.ReplaceAll(got, ts.Getenv("WORK"), "$WORK")
	got = strings.ReplaceAll(got, ts.Getenv("ADMIN"), "$ADMIN")
	got = strings.ReplaceAll(got, "unable to unmarshal", "cannot unmarshal") // the JSON library has its words by turns, so that nobody relies on them
	if want := ts.ReadFile(args[1]); got != want {
		ts.Fatalf("%s is\n%s\nwant\n%s", args[0], got, want)
	}
}

// hindered is a store some of whose objects cannot be had.
type hindered struct {
	object.Store
}

func hindrance(key string) error {
	for variable, why := range map[string]error{"SECRET": object.ErrForbidden, "AWAY": object.ErrUnavailable} {
		if at := os.Getenv(variable); at != "" && (key == at || strings.HasSuffix(at, "/") && strings.HasPrefix(key, at)) {
			return fmt.Errorf("%s: %w", key, why)
		}
	}
	return nil
}

func (h hindered) Get(ctx context.Context, key, have string, limit int64) (object.Object, error) {
	if err := hindrance(key); err != nil {
		return object.Object{}, err
	}
	return h.Store.Get(ctx, key, have, limit)
}

func (h hindered) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := hindrance(prefix); err != nil {
		return nil, err
	}
	return h.Store.List(ctx, prefix, after, limit)
}

// meddled is a store in which somebody else publishes right before the head is written.
type meddled struct {
	object.Store
	meanwhile string
}

func openMeddled(ctx context.Context, url string, opts store.Options) (object.Store, error) {
	opened, err := store.Open(ctx, url, opts)
	if err == nil {
		opened = hindered{opened}
	}
	if meanwhile := os.Getenv("MEANWHILE"); meanwhile != "" && err == nil {
		return &meddled{opened, meanwhile}, nil
	}
	return opened, err
}

func (m *meddled) meddle(ctx context.Context, key string) {
	if key == bundle.HeadKey {
		run(ctx, strings.Fields(m.meanwhile), &world{io.Discard, os.Stderr, os.Getenv, func() time.Time { return noon.Add(-time.Minute) }, store.Open})
	}
}

func (m *meddled) Create(ctx context.Context, key string, body []byte) (string, error) {
	m.meddle(ctx, key)
	return m.Store.Create(ctx, key, body)
}

func (m *meddled) Replace(ctx context.Context, key, have string, body []byte) (string, error) {
	m.meddle(ctx, key)
	return m.Store.Replace(ctx, key, have, body)
}
