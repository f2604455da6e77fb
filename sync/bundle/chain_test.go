package bundle

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// two are revisions 41, signed by bob, and 42, signed by alice, which follows it.
func two(tb testing.TB, change ...func(before, after *Manifest)) (before []byte, after Head) {
	tb.Helper()
	m, _ := good()
	m.Revision, m.Previous = 41, ""
	next, _ := good()
	raw := mustSeal(m, bob)
	head, err := (Policy{Trust: AllowUnsigned()}).Open(raw)
	if err != nil {
		tb.Fatal(err)
	}
	next.Follow(head)
	for _, c := range change {
		c(&m, &next)
		raw = mustSeal(m, bob)
		next.Previous, next.PreviousHead = payloadDigest(tb, raw), Sum(raw)
	}
	after, err = policyFor(tb, "shop/prod", alice).Open(mustSeal(next, alice))
	if err != nil {
		tb.Fatal(err)
	}
	return raw, after
}

func payloadDigest(tb testing.TB, raw []byte) Digest {
	tb.Helper()
	payload, _, err := openEnvelope(raw)
	if err != nil {
		tb.Fatal(err)
	}
	return Sum(payload)
}

func TestTheChainVouchesForWhatNoKeyVerifies(t *testing.T) {
	raw, after := two(t)
	p := policyFor(t, "shop/prod", alice)
	if _, err := p.Open(raw); ReasonOf(err) != ReasonSignature {
		t.Fatalf("by signatures: %v; want a refusal, or this tests nothing", err)
	}
	before, err := p.OpenPrevious(after, raw)
	if err != nil {
		t.Fatal(err)
	}
	if before.Manifest().Revision != 41 || before.Payload() != after.Manifest().Previous || !before.Chained() || len(before.Signers()) != 0 || after.Chained() {
		t.Errorf("revision %d, payload %s, chained %v and then %v, signers %q", before.Manifest().Revision, before.Payload(), before.Chained(), after.Chained(), before.Signers())
	}
	both, err := policyFor(t, "shop/prod", alice, bob).OpenPrevious(after, raw)
	if err != nil || len(both.Signers()) != 1 {
		t.Errorf("with bob's key: signers %q, %v; want his", both.Signers(), err)
	}
}

// Every flip and every cut is refused, be it in the payload, in a signature or in a key id, which verifying would not look at.
func TestTheChainTellsEveryByte(t *testing.T) {
	raw, after := two(t)
	p := policyFor(t, "shop/prod", alice, bob)
	for i := range raw {
		flipped := bytes.Clone(raw)
		flipped[i] ^= 1 << (i % 8)
		for what, changed := range map[string][]byte{"flipped": flipped, "cut": raw[:i]} {
			if _, err := p.OpenPrevious(after, changed); ReasonOf(err) == "" {
				t.Fatalf("byte %d %s: %v", i, what, err)
			}
		}
	}
	if _, err := p.OpenPrevious(after, after.Raw()); ReasonOf(err) != ReasonDigest {
		t.Errorf("the later one itself: %v", err)
	}
}

// Whoever writes a manifest without previousHead vouches for the payload alone.
func TestTheChainOfPayloadsAlone(t *testing.T) {
	raw, after := two(t)
	m := after.Manifest()
	m.PreviousHead, m.PreviousRevision = "", 0
	p := policyFor(t, "shop/prod", alice)
	after, err := p.Open(mustSeal(m, alice))
	if err != nil {
		t.Fatal(err)
	}
	if before, err := p.OpenPrevious(after, raw); err != nil || before.Manifest().Revision != 41 {
		t.Errorf("%v", err)
	}
	var e envelope
	if err := json.Unmarshal(raw, &e); err != nil {
		t.Fatal(err)
	}
	e.Payload = strings.Replace(e.Payload, e.Payload[40:44], "AAAA", 1)
	changed, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.OpenPrevious(after, changed); ReasonOf(err) != ReasonDigest {
		t.Errorf("another payload: %v", err)
	}
}

// A key that was misused once could have chained what belongs elsewhere.
func TestTheChainHoldsWhatBelongsTogether(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(before, after *Manifest)
		want   Reason
	}{
		{"nothing wrong", func(_, _ *Manifest) {}, ""},
		{"another environment", func(before, _ *Manifest) { before.Environment = "shop/test" }, ReasonEnvironment},
		{"not older", func(before, after *Manifest) { before.Revision, after.PreviousRevision = 42, 0 }, ReasonPayload},
		{"skipped without a word", func(before, after *Manifest) { before.Revision, before.OldestPin, after.PreviousRevision = 30, 27, 0 }, ReasonPayload},
		{"skipped and said", func(before, after *Manifest) { before.Revision, before.OldestPin, after.PreviousRevision = 30, 27, 30 }, ""},
		{"skipped and said otherwise", func(before, after *Manifest) { before.Revision, before.OldestPin, after.PreviousRevision = 30, 27, 31 }, ReasonPayload},
	} {
		raw, after := two(t, row.change)
		if _, err := policyFor(t, "shop/prod", alice).OpenPrevious(after, raw); ReasonOf(err) != row.want || (err == nil) != (row.want == "") {
			t.Errorf("%s: %v; want reason %q", row.name, err, row.want)
		}
	}
}

func TestTheChainBegins(t *testing.T) {
	raw, after := two(t)
	p := policyFor(t, "shop/prod", alice)
	first, err := p.OpenPrevious(after, raw)
	if err != nil {
		t.Fatal(err)
	}
	m := first.Manifest()
	if m.Before() != 0 {
		t.Errorf("before the first: %d", m.Before())
	}
	if _, err := p.OpenPrevious(first, raw); ReasonOf(err) != ReasonDigest {
		t.Errorf("something before the first: %v", err)
	}
}

// FuzzPrevious never panics, and takes one text alone: the one that the chain names.
func FuzzPrevious(f *testing.F) {
	raw, after := two(f)
	f.Add(raw)
	f.Add(after.Raw())
	f.Add(bytes.ToUpper(raw))
	p := policyFor(f, "shop/prod", alice, bob)
	f.Fuzz(func(t *testing.T, text []byte) {
		if _, err := p.OpenPrevious(after, text); (err == nil) != bytes.Equal(text, raw) || (err != nil && ReasonOf(err) == "") {
			t.Errorf("error %v", err)
		}
	})
}

func TestTheChainIsWellFormed(t *testing.T) {
	for name, change := range map[string]func(*Manifest){
		"no digest of a head": func(m *Manifest) { m.PreviousHead = "sha256:short" },
		"itself":              func(m *Manifest) { m.PreviousRevision = m.Revision },
		"less than nothing":   func(m *Manifest) { m.PreviousRevision = -1 },
	} {
		m, _ := good()
		change(&m)
		payload, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policyFor(t, "shop/prod", alice).Open(sign(payload, alice)); ReasonOf(err) != ReasonPayload {
			t.Errorf("%s: %v", name, err)
		}
	}
}
