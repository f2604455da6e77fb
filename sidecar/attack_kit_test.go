package sidecar

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/sync/object"
)

// The attacks in attack_*_test.go are made on a whole sidecar: on a pod that serves revision 10, or on a fresh one, something is brought in
// over one of the ways that flags come by. Each must be refused for its reason, said in /status, and change no answer.

// Revisions of the attacks: what is served before, and what is brought in.
const (
	servedBefore = 10
	broughtIn    = 11
)

// killable is numbered with a second variant, for an override to force.
func killable(revision int64) string {
	return fmt.Sprintf(`{"flags":{"revision":{"state":"ENABLED","variants":{"it":%d,"dead":-1},"defaultVariant":"it"}}}`, revision)
}

func kill(m *bundle.Manifest) {
	m.Overrides = []bundle.Override{{Flag: "revision", Variant: "dead", Author: "mallory", At: time.Now()}}
}

// signer is a key of which a test has all.
type signer struct {
	private bundle.PrivateKey
	public  bundle.PublicKey
	raw     ed25519.PrivateKey
}

func newSigner(t testing.TB) signer {
	t.Helper()
	text, _, err := bundle.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	s := signer{raw: parsed.(ed25519.PrivateKey)}
	if s.private, err = bundle.ParsePrivateKey(text); err != nil {
		t.Fatal(err)
	}
	if s.public, err = s.private.Public(); err != nil {
		t.Fatal(err)
	}
	return s
}

func trusting(t testing.TB, threshold int, signers ...signer) bundle.Trust {
	t.Helper()
	var keys []bundle.PublicKey
	for _, s := range signers {
		keys = append(keys, s.public)
	}
	trust, err := bundle.NewTrust(keys, threshold)
	if err != nil {
		t.Fatal(err)
	}
	return trust
}

// signed is a revision over a document of one flag, or as the changes have it, signed by each signer.
func signed(t testing.TB, revision int64, document string, signers []signer, change ...func(*bundle.Manifest)) bundletest.Made {
	t.Helper()
	stored, ref, err := bundle.Pack([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	ref.Flags, ref.PreviousFlags = 1, 1
	m := bundle.Manifest{
		Environment: bundletest.Environment, Revision: revision, Bundle: ref, Ledger: bundle.Sum([]byte("ledger")), OldestPin: 1,
		PublishedAt: time.Now().UTC(), Change: bundle.Change{Author: "test", Message: "made by a test"},
	}
	for _, c := range change {
		c(&m)
	}
	var keys []bundle.PrivateKey
	for _, s := range signers {
		keys = append(keys, s.private)
	}
	head, err := bundle.Seal(m, keys...)
	if err != nil {
		t.Fatal(err)
	}
	return bundletest.Made{Head: head, Bundle: stored, Ref: m.Bundle}
}

// envelope is a DSSE envelope with nothing checked.
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

func (e envelope) encode() []byte {
	raw, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	return raw
}

// payload is what the signatures of a head are over.
func payload(t testing.TB, head []byte) []byte {
	t.Helper()
	var e envelope
	if err := json.Unmarshal(head, &e); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(e.Payload)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// over signs a payload as one of a type, as DSSE has it.
func (s signer) over(payloadType string, payload []byte) []byte {
	return ed25519.Sign(s.raw, fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload))
}

// mark is an entry of an envelope.
func (s signer) mark(sig []byte) signature {
	return signature{s.public.ID, base64.StdEncoding.EncodeToString(sig)}
}

// resigned is a head over any payload, also one that no publisher would make.
func resigned(payload []byte, s signer) []byte {
	return envelope{
		bundle.PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{s.mark(s.over(bundle.PayloadType, payload))},
	}.encode()
}

// plant puts an entry into a file of a state folder, with a checksum that is right: whoever can write there can reckon.
func plant(t testing.TB, state, file string, e lkg.Entry) {
	t.Helper()
	if file == "lkg.head" {
		e.Bundle = nil
	}
	sum := sha256.Sum256(append(bytes.Clone(e.Manifest), e.Bundle...))
	data := fmt.Appendf(nil, "burgee-lkg 1 %d %d %x\n%s%s", len(e.Manifest), len(e.Bundle), sum, e.Manifest, e.Bundle)
	if err := errors.Join(os.MkdirAll(lkg.Path(state), 0o700), os.WriteFile(filepath.Join(lkg.Path(state), file), data, 0o600)); err != nil {
		t.Fatal(err)
	}
}

// flat makes a bootstrap folder.
func flat(t testing.TB, made bundletest.Made) string {
	t.Helper()
	folder := t.TempDir()
	for name, data := range map[string][]byte{bundle.HeadKey: made.Head, bundle.FileName(made.Ref.Digest): made.Bundle} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// victim is a pod of some trust, and what it serves before it is attacked.
type victim struct {
	trust  bundle.Trust
	base   bundletest.Made
	change func(*Config) // nil changes nothing
}

func (v victim) rig(t *testing.T, source *bundletest.Source, change func(*Config)) *rig {
	t.Helper()
	return newRig(t, &bundletest.Maker{Trust: v.trust}, source, func(c *Config) {
		change(c)
		if v.change != nil {
			v.change(c)
		}
	})
}

// way is one that flags come in by.
type way struct {
	name  string
	fresh bool // nothing is served before
	alone bool // only the head comes in, without its bundle
	bring func(t *testing.T, v victim, made bundletest.Made) *rig
}

func nothing(*Config) {}

// hang answers nothing until the reader gives up.
func hang(ctx context.Context, _ string) (func([]byte) []byte, error) {
	<-ctx.Done()
	return nil, object.Ended(ctx)
}

// ways are all there are. Each gives a running sidecar that what was made has reached.
var ways = []way{
	{"the store of an old pod", false, false, func(t *testing.T, v victim, made bundletest.Made) *rig {
		source := bundletest.NewSource()
		source.Publish(v.base)
		r := v.rig(t, source, nothing)
		r.start(t)
		time.Sleep(time.Minute)
		source.Publish(made)
		time.Sleep(time.Minute)
		return r
	}},
	{"the store of a fresh pod", true, false, func(t *testing.T, v victim, made bundletest.Made) *rig {
		source := bundletest.NewSource()
		source.Publish(made)
		r := v.rig(t, source, nothing)
		r.start(t)
		time.Sleep(time.Minute)
		return r
	}},
	{"lkg.cur", false, false, onDisk(map[string]bool{"lkg.prev": false, "lkg.cur": true})},
	{"lkg.prev", false, false, onDisk(map[string]bool{"lkg.cur": false, "lkg.prev": true})},
	{"lkg.head", false, true, onDisk(map[string]bool{"lkg.cur": false, "lkg.head": true})},
	{"bootstrap beside a disk", false, false, func(t *testing.T, v victim, made bundletest.Made) *rig {
		state := t.TempDir()
		plant(t, state, "lkg.cur", entryOf(v.base))
		return fromFolders(t, v, state, flat(t, made))
	}},
	{"bootstrap of a fresh pod", true, false, func(t *testing.T, v victim, made bundletest.Made) *rig {
		return fromFolders(t, v, "", flat(t, made))
	}},
}

// onDisk starts from files of the state folder: true is what is brought in, false what was there.
func onDisk(files map[string]bool) func(*testing.T, victim, bundletest.Made) *rig {
	return func(t *testing.T, v victim, made bundletest.Made) *rig {
		state := t.TempDir()
		for file, attack := range files {
			e := entryOf(v.base)
			if attack {
				e = entryOf(made)
			}
			plant(t, state, file, e)
		}
		return fromFolders(t, v, state, "")
	}
}

// fromFolders starts a sidecar whose store is away.
func fromFolders(t *testing.T, v victim, state, bootstrap string) *rig {
	t.Helper()
	r := v.rig(t, away(), func(c *Config) { c.StateDir, c.Bootstrap = state, bootstrap })
	r.start(t)
	return r
}

// answers is all that an application can see, but for how old the flags are: status, revision and body of a bulk call.
func (r *rig) answers(t *testing.T) string {
	t.Helper()
	ctx := call(r.answer, "POST", flagsPath, "")
	return fmt.Sprintf("%d, revision %q, %s", ctx.Response.StatusCode(), ctx.Response.Header.Peek("Burgee-Revision"), ageless(bodyOf(t, ctx)))
}

// peaceful holds what pods answer that were never attacked, by what they serve.
var peaceful sync.Map

// before is what this pod answers before it is attacked.
func (w way) before(t *testing.T, v victim) string {
	t.Helper()
	if w.fresh {
		return newRig(t, &bundletest.Maker{Trust: v.trust}, away()).answers(t)
	}
	if known, ok := peaceful.Load(v.base.Ref); ok {
		return known.(string)
	}
	r := fromFolders(t, victim{trust: v.trust, base: v.base}, "", flat(t, v.base))
	defer r.stop()
	answers := r.answers(t)
	peaceful.Store(v.base.Ref, answers)
	return answers
}

// reason is why /status says that something was not taken, wherever it came from: "" where all was.
func (r *rig) reason() bundle.Reason {
	st := r.Status(time.Now())
	switch {
	case st.Rejected != nil:
		return st.Rejected.Reason
	case len(st.NotTaken) > 0:
		return st.NotTaken[0].Reason
	}
	return ""
}

// wantRefused brings something in, and wants it refused for a reason, with no answer changed. headTaken says that the head itself is good, so
// that the sidecar knows of its revision: its bundle is what is refused.
func (w way) wantRefused(t *testing.T, v victim, made bundletest.Made, want bundle.Reason, headTaken bool) {
	t.Helper()
	before := w.before(t, v)
	r := w.bring(t, v, made)
	defer r.stop()
	st := r.Status(time.Now())
	if got := r.reason(); got != want {
		t.Errorf("%s: reason %q; want %q. Rejected %+v, not taken %+v", w.name, got, want, st.Rejected, st.NotTaken)
	}
	if after := r.answers(t); after != before {
		t.Errorf("%s: answers %s; before %s", w.name, after, before)
	}
	if taken := st.Sync.HeadRevision > servedBefore; taken != headTaken {
		t.Errorf("%s: the newest accepted head is of revision %d", w.name, st.Sync.HeadRevision)
	}
}

// wantTaken brings something in, and wants it to act: the bounds of what is refused are there too.
func (w way) wantTaken(t *testing.T, v victim, made bundletest.Made) {
	t.Helper()
	before := w.before(t, v)
	r := w.bring(t, v, made)
	defer r.stop()
	st := r.Status(time.Now())
	if st.Sync.HeadRevision != broughtIn || r.reason() != "" {
		t.Errorf("%s: head %d, rejected %+v, not taken %+v; want it taken", w.name, st.Sync.HeadRevision, st.Rejected, st.NotTaken)
	}
	if after := r.answers(t); after == before && !w.alone {
		t.Errorf("%s: it was taken, and yet the answers are %s", w.name, after)
	}
}

// want is one of the two: "" for a reason wants it taken.
func (w way) want(t *testing.T, v victim, made bundletest.Made, reason bundle.Reason, headTaken bool) {
	t.Helper()
	if reason == "" {
		w.wantTaken(t, v, made)
	} else {
		w.wantRefused(t, v, made, reason, headTaken)
	}
}

var staleEntry = regexp.MustCompile(`,?"burgee.staleSince":"[^"]*"`)

// ageless is an answer without the entry that tells since when the flags are stale.
func ageless(body []byte) []byte { return staleEntry.ReplaceAll(body, nil) }
