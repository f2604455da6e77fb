package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// opening is one attempt to open a manifest and its bundle, with what must come of it. The table below is run as it is, and written
// to testdata/vectors for readers in other languages.
type opening struct {
	name     string
	why      string
	expect   Reason // "" where it opens
	policy   vectorPolicy
	manifest []byte
	bundle   []byte
	large    bool // too large to be kept as a file
}

type vectorPolicy struct {
	keys        []PrivateKey // whose public halves are trusted; none means that signatures are not looked at
	threshold   int
	environment string
}

// openings is all of them. Every refusal that a reader must make has a row here.
func openings() []opening {
	var all []opening
	for _, part := range [][]opening{accepted(), envelopes(), signatures(), payloads(), bundles()} {
		for _, o := range part {
			if o.policy.environment == "" {
				o.policy.environment = "shop/prod"
			}
			if o.bundle == nil {
				_, o.bundle = good()
			}
			all = append(all, o)
		}
	}
	return all
}

var (
	alice, bob, mallory = testKey('a'), testKey('b'), testKey('m')
	trustAlice          = vectorPolicy{keys: []PrivateKey{alice}}
	trustBoth           = vectorPolicy{keys: []PrivateKey{alice, bob}, threshold: 2}
	trustNobody         = vectorPolicy{}
)

func accepted() []opening {
	m, _ := good()
	envelope := string(mustSeal(m, alice))
	id := public(alice)[0].ID
	return []opening{
		{name: "good", why: "nothing is wrong with it", policy: trustAlice, manifest: []byte(envelope)},
		{name: "good-two-signers", why: "both keys that the threshold asks for signed", policy: trustBoth, manifest: mustSeal(m, alice, bob)},
		{
			name: "good-rotation", why: "one of two trusted keys signed, and one is enough",
			policy: vectorPolicy{keys: []PrivateKey{alice, bob}}, manifest: mustSeal(m, bob),
		},
		{name: "good-foreign-signature-too", why: "signatures of unknown keys do no harm", policy: trustAlice, manifest: mustSeal(m, mallory, alice)},
		{
			name: "good-other-keyid", why: "a key id is a hint and decides nothing", policy: trustAlice,
			manifest: []byte(strings.Replace(envelope, id, "nonsense", 1)),
		},
		{name: "good-unsigned", why: "signatures are not looked at", policy: trustNobody, manifest: mustSeal(m)},
		{name: "good-unlooked", why: "signatures are not looked at, not even wrong ones", policy: trustNobody, manifest: mustSeal(m, mallory)},
		{
			name: "good-unknown-field", why: "unknown fields are ignored unless critical", policy: trustAlice,
			manifest: sign([]byte(strings.Replace(payloadOf(m), `{`, `{"colour":"red",`, 1)), alice),
		},
		{name: "good-whitespace", why: "an envelope may be written with spaces", policy: trustAlice, manifest: []byte(" " + envelope + "\n ")},
		{name: "good-half", why: "half of the flags is not less than half", policy: trustAlice, manifest: mustSeal(flags(m, 2, 4, false), alice)},
		{
			name: "good-safe-override", why: "an override without a variant means the safe one", policy: trustAlice,
			manifest: sign([]byte(strings.Replace(payloadOf(m), `"variant":"off"`, `"variant":""`, 1)), alice),
		},
		{name: "good-shrink-allowed", why: "the publisher meant it", policy: trustAlice, manifest: mustSeal(flags(m, 0, 4, true), alice)},
		{name: "good-activation", why: "a head may name the moment of its flags", policy: trustAlice, manifest: mustSeal(activated(m, time.Minute), alice)},
		{
			name: "good-activation-before", why: "a moment before the publication is past, which is no reason to lose the overrides", policy: trustAlice,
			manifest: mustSeal(activated(m, -time.Hour), alice),
		},
		{
			name: "good-activation-critical", why: "moment, oldest pin and token may be critical", policy: trustAlice,
			manifest: mustSeal(activated(m, time.Minute, "activateAt", "oldestPin", "snapshot"), alice),
		},
	}
}

func activated(m Manifest, after time.Duration, critical ...string) Manifest {
	m.ActivateAt, m.Critical = m.PublishedAt.Add(after), append([]string{}, critical...)
	return m
}

func flags(m Manifest, now, before int, allow bool) Manifest {
	m.Bundle.Flags, m.Bundle.PreviousFlags, m.Bundle.AllowShrink = now, before, allow
	return m
}

// envelopes are refused before any signature is looked at.
func envelopes() []opening {
	m, _ := good()
	text := string(mustSeal(m, alice))
	sign := base64.StdEncoding.EncodeToString
	payload := sign([]byte(payloadOf(m)))
	broken := func(name, why, manifest string) opening {
		return opening{name: "envelope-" + name, why: why, expect: ReasonEnvelope, policy: trustAlice, manifest: []byte(manifest)}
	}
	replaced := func(name, why, before, after string) opening {
		return broken(name, why, strings.Replace(text, before, after, 1))
	}
	large := broken("oversized", "a manifest has at most 16 KiB", text+strings.Repeat(" ", MaxManifest))
	large.expect = ReasonOversized
	return []opening{
		large,
		broken("empty", "not JSON", ""),
		broken("truncated", "not JSON", text[:len(text)-1]),
		broken("array", "not an object", "["+text+"]"),
		broken("trailing-data", "one value and nothing after it", text+"{}"),
		broken("payload-line-break", "base64 has one spelling", envelopeWith(payload[:76]+"\n"+payload[76:])),
		broken("payload-unpadded", "base64 has one spelling", envelopeWith("YQ")),
		broken("payload-loose-bits", "base64 has one spelling", envelopeWith("YR==")),
		broken("payload-url-alphabet", "base64 has one spelling", envelopeWith("_-8=")),
		replaced("unknown-member", "an envelope has three members", `{`, `{"colour":"red",`),
		replaced("duplicate-member", "a name stands once", `{`, `{"payloadType":"x",`),
		replaced("case-variant", "names are exact", `"payloadType"`, `"PayloadType"`),
		replaced("other-type", "a signature over another type is not a manifest's", "manifest.v1", "manifest.v2"),
		replaced("invalid-utf8", "JSON is UTF-8", `"keyid":"`, "\"keyid\":\"\xff"),
		replaced("signature-line-break", "base64 has one spelling", `"sig":"`, `"sig":"\n`),
		replaced("many-signatures", "at most 16 signatures are tried", `[{`, `[`+strings.Repeat(`{"keyid":"","sig":""},`, MaxSignatures)+`{`),
	}
}

func envelopeWith(payload string) string {
	raw, err := json.Marshal(envelope{PayloadType, payload, []signature{}})
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// signatures are refused before any of the payload is read.
func signatures() []opening {
	m, _ := good()
	payload := []byte(payloadOf(m))
	refused := func(name, why string, policy vectorPolicy, manifest []byte) opening {
		return opening{name: "signature-" + name, why: why, expect: ReasonSignature, policy: policy, manifest: manifest}
	}
	unsigned := refused("none", "a trusted key is required", trustAlice, mustSeal(m))
	unsigned.expect = ReasonUnsigned
	twice, err := json.Marshal(envelope{PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{sigOf(payload, alice), sigOf(payload, alice)}})
	if err != nil {
		panic(err)
	}
	moved := strings.Replace(string(sign(payload, alice)), base64.StdEncoding.EncodeToString(payload),
		base64.StdEncoding.EncodeToString([]byte(strings.Replace(string(payload), `"revision":42`, `"revision":43`, 1))), 1)
	return []opening{
		unsigned,
		refused("stranger", "the key is not trusted", trustAlice, mustSeal(m, mallory)),
		refused("stranger-with-our-keyid", "a key id is a hint and decides nothing", trustAlice,
			[]byte(strings.Replace(string(mustSeal(m, mallory)), public(mallory)[0].ID, public(alice)[0].ID, 1))),
		refused("one-of-two", "the threshold is two", trustBoth, mustSeal(m, alice)),
		refused("same-key-twice", "a key counts once", trustBoth, twice),
		refused("payload-changed", "the signature is over other bytes", trustAlice, []byte(moved)),
		refused("bare-payload", "the signature must be over type and payload", trustAlice, signedOver(payload, payload)),
		refused("snapshot-type", "the signature is a snapshot token's", trustAlice, signedOver(payload, preAuthEncoding(snapshotType, payload))),
		refused("short", "64 bytes make a signature", trustAlice,
			[]byte(strings.Replace(string(sign(payload, alice)), sigOf(payload, alice).Sig, "c2hvcnQ=", 1))),
		refused("before-payload", "nothing of an unverified payload is read, not even that it is no JSON", trustAlice, sign([]byte("{"), mallory)),
	}
}

func sigOf(payload []byte, key PrivateKey) signature {
	return signature{"", base64.StdEncoding.EncodeToString(ed25519.Sign(key.key, preAuthEncoding(PayloadType, payload)))}
}

// signedOver is an envelope whose signature, by alice, is over message.
func signedOver(payload, message []byte) []byte {
	sig := base64.StdEncoding.EncodeToString(ed25519.Sign(alice.key, message))
	raw, err := json.Marshal(envelope{PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{{"", sig}}})
	if err != nil {
		panic(err)
	}
	return raw
}

// payloads are signed well, and still no manifest that a reader may act on. The table is long: one row a refusal.
func payloads() []opening {
	m, _ := good()
	text := payloadOf(m)
	refused := func(name, why, payload string) opening {
		return opening{name: "payload-" + name, why: why, expect: ReasonPayload, policy: trustAlice, manifest: sign([]byte(payload), alice)}
	}
	replaced := func(name, why, before, after string) opening {
		if !strings.Contains(text, before) {
			panic(before + " is not in " + text)
		}
		return refused(name, why, strings.Replace(text, before, after, 1))
	}
	as := func(reason Reason, o opening) opening { o.expect = reason; return o }
	digest := string(m.Ledger)
	override := `{"flag":"a","variant":"off","segment":"","author":"bo","message":"","at":"2026-03-01T12:00:00Z"}`
	return []opening{
		refused("empty", "not JSON", ""),
		refused("array", "not an object", "[]"),
		refused("trailing-data", "one value and nothing after it", text+" {}"),
		replaced("duplicate", "a name stands once", `{`, `{"revision":41,`),
		replaced("duplicate-unknown", "also one that nobody knows", `{`, `{"x":1,"x":1,`),
		replaced("duplicate-inside", "also inside", `"bundle":{`, `"bundle":{"size":1,`),
		replaced("invalid-utf8", "JSON is UTF-8", `"author":"ana"`, "\"author\":\"\xff\""),
		replaced("null-revision", "null is not zero", `"revision":42`, `"revision":null`),
		replaced("null-overrides", "null is not none", `"critical":["environment"]`, `"critical":null`),
		replaced("null-inside", "null is not false", `"allowShrink":false`, `"allowShrink":null`),
		replaced("null-unknown", "also where nobody looks", `{`, `{"x":null,`),
		replaced("revision-zero", "revisions begin at 1", `"revision":42`, `"revision":0`),
		replaced("revision-huge", "every JSON reader must keep it", `"revision":42`, `"revision":9007199254740992`),
		replaced("revision-fraction", "whole numbers only", `"revision":42`, `"revision":42.5`),
		replaced("revision-text", "a number, not its text", `"revision":42`, `"revision":"42"`),
		replaced("environment-empty", "a manifest is of some environment", `"environment":"shop/prod"`, `"environment":""`),
		replaced("environment-missing", "a manifest is of some environment", `"environment":"shop/prod",`, ``),
		replaced("published-missing", "a revision was made some time", `"publishedAt":"2026-03-01T12:00:00Z",`, ``),
		replaced("published-text", "a time is RFC 3339", `"publishedAt":"2026-03-01T12:00:00Z"`, `"publishedAt":"yesterday"`),
		replaced("previous", "a digest is sha256 in lower case", `"previous":"sha256:`, `"previous":"sha512:`),
		replaced("ledger-case", "a digest is sha256 in lower case", digest, "sha256:"+strings.ToUpper(m.Ledger.Hex())),
		replaced("ledger-short", "a digest has 64 digits", digest, digest[:len(digest)-2]),
		replaced("bundle-digest", "a digest names a file and nothing else", string(m.Bundle.Digest), "sha256:../../../etc/passwd"),
		replaced("content-digest", "a digest is sha256 in lower case", string(m.Bundle.ContentDigest), ""),
		replaced("size-zero", "a bundle has some bytes", fmt.Sprintf(`"size":%d`, m.Bundle.Size), `"size":0`),
		replaced("size-huge", "a bundle has a limit", fmt.Sprintf(`"size":%d`, m.Bundle.Size), `"size":99999999`),
		replaced("flags-negative", "there are no negative flags", `"flags":4`, `"flags":-1`),
		replaced("oldest-pin", "a pin is not of the future", `"oldestPin":27`, `"oldestPin":43`),
		replaced("override-flag", "an override names its flag", `"flag":"a"`, `"flag":""`),
		replaced("many-overrides", "at most 32 overrides", `"overrides":[`, `"overrides":[`+strings.Repeat(override+",", MaxOverrides)),
		as(ReasonFormat, replaced("format-next", "a later format", `"format":1`, `"format":2`)),
		as(ReasonFormat, replaced("format-missing", "some format", `"format":1,`, ``)),
		as(ReasonFormat, replaced("critical", "what must be understood and is not", `"critical":["environment"]`, `"critical":["colour"]`)),
		as(ReasonEnvironment, replaced("environment-other", "made for another environment", `"shop/prod"`, `"shop/test"`)),
		as(ReasonEnvironment, replaced("environment-case", "names are exact", `"shop/prod"`, `"Shop/prod"`)),
	}
}

// bundles do not go with their manifests.
func bundles() []opening {
	m, stored := good()
	with := func(name, why string, expect Reason, m Manifest, stored []byte) opening {
		return opening{name: "bundle-" + name, why: why, expect: expect, policy: trustAlice, manifest: mustSeal(m, alice), bundle: stored}
	}
	named := func(name, why string, stored, document []byte) opening {
		m := m
		m.Bundle.Digest, m.Bundle.Size, m.Bundle.ContentDigest = Sum(stored), int64(len(stored)), Sum(document)
		return with(name, why, ReasonCompression, m, stored)
	}
	document := []byte(testDocument)
	flipped := bytes.Clone(stored)
	flipped[len(flipped)/2] ^= 1
	crc := bytes.Clone(stored)
	crc[len(crc)-5] ^= 1
	zeros, huge := make([]byte, 1<<20), bytes.Repeat([]byte("0123456789abcdef "), MaxDocument/17+1)
	other := m
	other.Bundle.ContentDigest = Sum([]byte("{}"))
	tooLarge := named("document-oversized", "a document has at most 4 MiB", stuffed(huge), huge)
	tooLarge.large = true
	return []opening{
		with("short", "the manifest says its size", ReasonDigest, m, stored[:len(stored)-1]),
		with("long", "the manifest says its size", ReasonDigest, m, append(bytes.Clone(stored), 0)),
		with("flipped", "the manifest says its digest", ReasonDigest, m, flipped),
		with("content", "the manifest says the document's digest", ReasonDigest, other, stored),
		named("not-gzip", "one gzip member", document, document),
		named("trailing", "nothing after the member", append(bytes.Clone(stored), 'x'), document),
		named("two-members", "one member only", append(bytes.Clone(stored), member(nil)...), document),
		named("truncated", "one whole member", stored[:len(stored)-1], document),
		named("crc", "gzip's own checksum holds", crc, document),
		named("bomb", "at most 50 bytes out of each", member(zeros), zeros),
		tooLarge,
		with("none-left", "an empty bundle needs the mark", ReasonShrink, flags(m, 0, 3, false), stored),
		with("always-none", "also after an empty one", ReasonShrink, flags(m, 0, 0, false), stored),
		with("halved", "less than half needs the mark", ReasonShrink, flags(m, 1, 3, false), stored),
	}
}

// stuffed compresses data loosely enough that only its size is wrong.
func stuffed(data []byte) []byte {
	stored, _, err := Pack(data)
	if err != nil {
		panic(err)
	}
	return stored
}
