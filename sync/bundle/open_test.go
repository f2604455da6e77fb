package bundle

import (
	"bytes"
	"strings"
	"testing"
)

func (p vectorPolicy) policy(t testing.TB) Policy {
	t.Helper()
	if len(p.keys) == 0 {
		return Policy{AllowUnsigned(), p.environment}
	}
	trust, err := NewTrust(public(p.keys...), p.threshold)
	if err != nil {
		t.Fatal(err)
	}
	return Policy{trust, p.environment}
}

// open does what a reader does, and gives the first error.
func open(p Policy, manifest, stored []byte) (Verified, error) {
	head, err := p.Open(manifest)
	if err != nil {
		return Verified{}, err
	}
	return head.Open(stored)
}

func TestOpen(t *testing.T) {
	for _, o := range openings() {
		t.Run(o.name, func(t *testing.T) {
			verified, err := open(o.policy.policy(t), o.manifest, o.bundle)
			if got := ReasonOf(err); got != o.expect || (err == nil) != (o.expect == "") {
				t.Fatalf("reason %q (%v); want %q", got, err, o.expect)
			}
			if err == nil && string(verified.Document()) != testDocument {
				t.Errorf("document %s", verified.Document())
			}
		})
	}
}

// A refusal is printed and logged: it must not carry whatever an attacker wrote in full.
func TestRefusalsAreShort(t *testing.T) {
	m, stored := good()
	m.Environment = strings.Repeat("x", 5000)
	_, err := open(policyFor(t, "shop/prod", alice), mustSeal(m, alice), stored)
	if err == nil || len(err.Error()) > 400 {
		t.Errorf("error of %d bytes", len(err.Error()))
	}
}

func TestRoundTrip(t *testing.T) {
	m, stored := good()
	raw := mustSeal(m, alice, bob)
	verified, err := open(policyFor(t, "shop/prod", alice, bob), raw, stored)
	if err != nil {
		t.Fatal(err)
	}
	head := verified.Head()
	m.Snapshot = head.Manifest().Snapshot
	if got, want := payloadOf(head.Manifest()), payloadOf(m); got != want {
		t.Errorf("manifest %s; want %s", got, want)
	}
	payload, _, err := openEnvelope(raw)
	if err != nil || head.Payload() != Sum(payload) || !bytes.Equal(head.Raw(), raw) || !bytes.Equal(verified.Stored(), stored) {
		t.Errorf("payload %s, %v", head.Payload(), err)
	}
	if ids := public(alice, bob); len(head.Signers()) != 2 || head.Signers()[0] != ids[0].ID || head.Signers()[1] != ids[1].ID {
		t.Errorf("signers %v", head.Signers())
	}
}

func TestAnyEnvironment(t *testing.T) {
	m, _ := good()
	if _, err := policyFor(t, "", alice).Open(mustSeal(m, alice)); err != nil {
		t.Errorf("a policy without environment: %v", err)
	}
}

func TestZeroTrustBelievesNobody(t *testing.T) {
	m, _ := good()
	for _, raw := range [][]byte{mustSeal(m), mustSeal(m, alice)} {
		if _, err := (Policy{}).Open(raw); err == nil {
			t.Error("the zero Policy opened a manifest")
		}
	}
}

func TestTrustRefusesWhatCannotBeMet(t *testing.T) {
	many := make([]PrivateKey, MaxTrustKeys+1)
	for i := range many {
		many[i] = testKey(byte(i))
	}
	for name, try := range map[string]func() (Trust, error){
		"no key":         func() (Trust, error) { return NewTrust(nil, 1) },
		"too many":       func() (Trust, error) { return NewTrust(public(many...), 1) },
		"same key twice": func() (Trust, error) { return NewTrust(public(alice, alice), 2) },
	} {
		if _, err := try(); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}

func TestSealRefusesWhatOpenWould(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"no environment": func(m *Manifest) { m.Environment = "" },
		"no revision":    func(m *Manifest) { m.Revision = 0 },
		"no bundle":      func(m *Manifest) { m.Bundle = Ref{} },
		"too long":       func(m *Manifest) { m.Change.Message = strings.Repeat("x", MaxManifest) },
	} {
		m, _ := good()
		change(&m)
		if _, err := Seal(m, alice); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
	m, _ := good()
	if _, err := Seal(m, PrivateKey{}); err == nil {
		t.Error("sealed with an empty key")
	}
}
