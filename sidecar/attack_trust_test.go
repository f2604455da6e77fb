package sidecar

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/burgeehq/burgee/sync/bundle"
)

// forgers are the keys of the matrix: two that pods may trust, and one that none does.
type forgers struct{ alice, bob, mallory signer }

// sealing is one way to put signatures around a payload.
type sealing struct {
	name string
	seal func(f forgers, payload []byte) []byte
	good string        // which trusted keys it carries a good signature of: a, b
	as   bundle.Reason // why it is refused whoever is trusted, and even if nobody need be; "" where that depends on the signatures
	bare bool          // it carries no signature at all
}

// around makes an envelope with the signatures that a test wants.
func around(payload []byte, marks ...signature) []byte {
	if marks == nil {
		marks = []signature{}
	}
	return envelope{bundle.PayloadType, base64.StdEncoding.EncodeToString(payload), marks}.encode()
}

// by is a good signature.
func by(s signer, payload []byte) signature { return s.mark(s.over(bundle.PayloadType, payload)) }

// sealings are the rows of the matrix.
var sealings = []sealing{
	{"by nobody", func(_ forgers, p []byte) []byte { return around(p) }, "", "", true},
	{"by alice", func(f forgers, p []byte) []byte { return around(p, by(f.alice, p)) }, "a", "", false},
	{"by bob", func(f forgers, p []byte) []byte { return around(p, by(f.bob, p)) }, "b", "", false},
	{"by alice and bob", func(f forgers, p []byte) []byte { return around(p, by(f.alice, p), by(f.bob, p)) }, "ab", "", false},
	{"by alice twice", func(f forgers, p []byte) []byte { return around(p, by(f.alice, p), by(f.alice, p)) }, "a", "", false},
	{"by alice, the second time as bob", func(f forgers, p []byte) []byte {
		return around(p, by(f.alice, p), signature{f.bob.public.ID, by(f.alice, p).Sig})
	}, "a", "", false},
	{"by bob and a stranger", func(f forgers, p []byte) []byte { return around(p, by(f.mallory, p), by(f.bob, p)) }, "b", "", false},
	{"by a stranger", func(f forgers, p []byte) []byte { return around(p, by(f.mallory, p)) }, "", "", false},
	{"by a stranger as alice", func(f forgers, p []byte) []byte {
		return around(p, signature{f.alice.public.ID, by(f.mallory, p).Sig})
	}, "", "", false},
	{"by alice, over the bare payload", func(f forgers, p []byte) []byte { return around(p, f.alice.mark(ed25519.Sign(f.alice.raw, p))) }, "", "", false},
	{"by alice, as a snapshot token", func(f forgers, p []byte) []byte {
		return around(p, f.alice.mark(f.alice.over("application/vnd.burgee.snapshot.v1", p)))
	}, "", "", false},
	{"by alice, over another payload", func(f forgers, p []byte) []byte { return around(p, by(f.alice, append([]byte(" "), p...))) }, "", "", false},
	{"by alice, with a bit flipped", func(f forgers, p []byte) []byte {
		sig := f.alice.over(bundle.PayloadType, p)
		sig[7] ^= 1
		return around(p, f.alice.mark(sig))
	}, "", "", false},
	{"by alice, cut short", func(f forgers, p []byte) []byte {
		return around(p, f.alice.mark(f.alice.over(bundle.PayloadType, p)[:63]))
	}, "", "", false},
	{"by alice, one byte too long", func(f forgers, p []byte) []byte {
		return around(p, f.alice.mark(append(f.alice.over(bundle.PayloadType, p), 0)))
	}, "", "", false},
	{"by zeros", func(f forgers, p []byte) []byte { return around(p, f.alice.mark(make([]byte, 64))) }, "", "", false},
	{"by an empty text", func(f forgers, p []byte) []byte { return around(p, signature{f.alice.public.ID, ""}) }, "", "", false},
	{"signatures left out", func(_ forgers, p []byte) []byte {
		return bytes.Replace(around(p), []byte(`,"signatures":[]`), nil, 1)
	}, "", "", true},
	{"signatures null", func(_ forgers, p []byte) []byte { return bytes.Replace(around(p), []byte(`[]`), []byte(`null`), 1) }, "", "", true},
	{"by alice, as another payload type", func(f forgers, p []byte) []byte {
		const other = "application/vnd.burgee.snapshot.v1"
		return envelope{other, base64.StdEncoding.EncodeToString(p), []signature{f.alice.mark(f.alice.over(other, p))}}.encode()
	}, "", bundle.ReasonEnvelope, false},
	{"by alice, two payloads", func(f forgers, p []byte) []byte {
		return bytes.Replace(around(p, by(f.alice, p)), []byte(`"payload":`), []byte(`"payload":"e30=","payload":`), 1)
	}, "", bundle.ReasonEnvelope, false},
	{"by alice, with another member", func(f forgers, p []byte) []byte {
		return bytes.Replace(around(p, by(f.alice, p)), []byte(`{`), []byte(`{"verified":true,`), 1)
	}, "", bundle.ReasonEnvelope, false},
	{"by alice, behind sixteen others", func(f forgers, p []byte) []byte {
		return around(p, append(slices.Repeat([]signature{by(f.mallory, p)}, bundle.MaxSignatures), by(f.alice, p))...)
	}, "", bundle.ReasonEnvelope, false},
	{"by alice, behind a byte order mark", func(f forgers, p []byte) []byte {
		return append([]byte("\xef\xbb\xbf"), around(p, by(f.alice, p))...)
	}, "", bundle.ReasonEnvelope, false},
	{"by alice, oversized", func(f forgers, p []byte) []byte {
		return append(around(p, by(f.alice, p)), bytes.Repeat([]byte(" "), bundle.MaxManifest)...)
	}, "", bundle.ReasonOversized, false},
}

// believing is what a pod is told to trust: the columns of the matrix.
type believing struct {
	name      string
	keys      string // a, b
	threshold int    // 0 looks at no signature
}

var believings = []believing{
	{"alice", "a", 1},
	{"alice or bob", "ab", 1},
	{"alice and bob", "ab", 2},
	{"nobody: unsigned is allowed", "", 0},
}

// expect is the model: how many distinct trusted keys signed decides, and nothing else.
func (b believing) expect(s sealing) bundle.Reason {
	signers := 0
	for _, key := range b.keys {
		if strings.ContainsRune(s.good, key) {
			signers++
		}
	}
	switch {
	case s.as != "":
		return s.as
	case signers >= b.threshold:
		return ""
	case s.bare:
		return bundle.ReasonUnsigned
	default:
		return bundle.ReasonSignature
	}
}

func (b believing) trust(t *testing.T, f forgers) bundle.Trust {
	t.Helper()
	var keys []signer
	for letter, key := range map[string]signer{"a": f.alice, "b": f.bob} {
		if strings.Contains(b.keys, letter) {
			keys = append(keys, key)
		}
	}
	if b.threshold == 0 {
		return bundle.AllowUnsigned()
	}
	return trusting(t, b.threshold, keys...)
}

// aims are what a forged head is made for.
var aims = []struct {
	name     string
	document int64 // the number in its flags
	change   func(*bundle.Manifest)
}{
	{"new flags", broughtIn, func(*bundle.Manifest) {}},
	{"a kill over the same flags", servedBefore, kill},
}

// TestNothingUnsignedActs is the whole matrix of what is trusted × how it is signed × the way it comes × what it is for: what too few
// trusted keys signed changes nothing, on no way, and the reason is said; and what enough of them signed is taken, so that the matrix is
// not good for refusing everything.
func TestNothingUnsignedActs(t *testing.T) {
	f := forgers{newSigner(t), newSigner(t), newSigner(t)}
	var cases, refusals atomic.Int64
	t.Run("matrix", func(t *testing.T) {
		for _, b := range believings {
			for _, w := range ways {
				t.Run(fmt.Sprintf("%s/%s", b.name, w.name), func(t *testing.T) {
					t.Parallel()
					for _, s := range sealings {
						for _, aim := range aims {
							cases.Add(1)
							t.Run(s.name+", for "+aim.name, func(t *testing.T) {
								synctest.Test(t, func(t *testing.T) {
									v := victim{trust: b.trust(t, f), base: signed(t, servedBefore, killable(servedBefore), []signer{f.alice, f.bob})}
									made := signed(t, broughtIn, killable(aim.document), nil, aim.change)
									made.Head = s.seal(f, payload(t, made.Head))
									if want := b.expect(s); want != "" {
										refusals.Add(1)
										w.wantRefused(t, v, made, want, false)
									} else {
										w.wantTaken(t, v, made)
									}
								})
							})
						}
					}
				})
			}
		}
	})
	t.Logf("%d cases, of which %d had to be refused", cases.Load(), refusals.Load())
}
