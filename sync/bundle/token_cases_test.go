package bundle

import (
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// tokenVectors is testdata/tokens.json: what a reader of shop/prod who trusts one key makes of each text. `go test ./sync/bundle -update`
// writes it from the table below. A row that is there must not change: tokens are in flight wherever two versions meet.
type tokenVectors struct {
	Key         string        `json:"key"`
	Environment string        `json:"environment"`
	Tokens      []tokenVector `json:"tokens"`
}

// tokenVector expects "signed" (a good signature), "unsigned", "foreign" (of another environment), "forged" (no trusted key signed
// it), "malformed" or "oversized". The first four are read, and say revision and content.
type tokenVector struct {
	Name     string `json:"name"`
	Why      string `json:"why"`
	Token    string `json:"token"`
	Expect   string `json:"expect"`
	Revision int64  `json:"revision,omitzero"`
	Content  string `json:"content,omitzero"` // in hexadecimal, as far as the token has it
}

const tokenFile = "testdata/tokens.json"

func minted(change func(m *Manifest), keys ...PrivateKey) string {
	m, _ := good()
	if change != nil {
		change(&m)
	}
	text, err := mint(&m, keys)
	if err != nil {
		panic(err)
	}
	return text
}

func atRevision(revision int64, keys ...PrivateKey) string {
	return minted(func(m *Manifest) { m.Revision = revision }, keys...)
}

func tokenCases() []tokenVector {
	whole := Sum([]byte(testDocument)).Hex()
	half := whole[:32]
	good, plain := minted(nil, alice), minted(nil)
	foreign := minted(func(m *Manifest) { m.Environment = "shop/test" }, alice)
	raw, err := base64.RawURLEncoding.DecodeString(good[3:])
	if err != nil {
		panic(err)
	}
	moved, err := base64.RawURLEncoding.DecodeString(foreign[3:])
	if err != nil {
		panic(err)
	}
	copy(moved, raw[:8])
	altered := func(at int, with byte) string {
		out := append([]byte(nil), raw...)
		out[at] ^= with
		return "r1." + base64.RawURLEncoding.EncodeToString(out)
	}
	sealed := func(body []byte, payloadType string) string {
		sig, err := alice.sign(payloadType, body)
		if err != nil {
			panic(err)
		}
		return "r1." + base64.RawURLEncoding.EncodeToString(append(append([]byte(nil), body...), sig...))
	}
	cases := []tokenVector{
		{"good", "the head of the other vectors carries it", good, "signed", 42, half},
		{"first", "the lowest revision", atRevision(1, alice), "signed", 1, half},
		{"last", "the highest revision", atRevision(MaxRevision, alice), "signed", MaxRevision, half},
		{"unsigned", "nobody signed the head", plain, "unsigned", 42, whole},
		{"unsigned-first", "the lowest revision", atRevision(1), "unsigned", 1, whole},
		{"unsigned-last", "the highest revision", atRevision(MaxRevision), "unsigned", MaxRevision, whole},

		{"foreign", "made for shop/test, by a trusted key", foreign, "foreign", 42, half},
		{"foreign-relabelled", "made for shop/test; the mark of shop/prod was put over its own", "r1." + base64.RawURLEncoding.EncodeToString(moved), "forged", 42, half},
		{"stranger", "signed by a key that is not trusted", minted(nil, mallory), "forged", 42, half},
		{"type-of-a-manifest", "these 32 bytes, signed as a manifest", sealed(raw[:32], PayloadType), "forged", 42, half},
		{"revision-raised", "42 was made 43", altered(15, 1), "forged", 43, half},
		{"content-altered", "one bit of the digest differs", altered(16, 1), "forged", 42, flipFirst(half)},
		{"signature-altered", "one bit of the signature differs", altered(95, 1), "forged", 42, half},
		{"signature-empty", "no signature but zeros", "r1." + base64.RawURLEncoding.EncodeToString(append(raw[:32:32], make([]byte, 64)...)), "forged", 42, half},
		{"signature-of-another", "the signature of revision 43", good[:3+43] + atRevision(43, alice)[3+43:], "forged", 42, half},
	}
	return append(append(cases, malformedSigned(good, raw, sealed)...), malformedUnsigned(plain, whole)...)
}

// flipFirst is the digits with the lowest bit of the first byte flipped.
func flipFirst(digits string) string {
	var first byte
	if _, err := fmt.Sscanf(digits[:2], "%02x", &first); err != nil {
		panic(err)
	}
	return fmt.Sprintf("%02x%s", first^1, digits[2:])
}

func malformedSigned(good string, raw []byte, sealed func([]byte, string) string) []tokenVector {
	zero, huge := append([]byte(nil), raw[:32]...), append([]byte(nil), raw[:32]...)
	clear(zero[8:16])
	copy(huge[8:16], []byte{0, 0x20, 0, 0, 0, 0, 0, 0}) // 2^53
	negative := append([]byte(nil), raw[:32]...)
	negative[8] = 0x80
	body := good[3:]
	var out []tokenVector
	for _, c := range [][3]string{
		{"empty", "nothing", ""},
		{"prefix-alone", "nothing after the prefix", "r1."},
		{"no-prefix", "the prefix is missing", body},
		{"prefix-next", "a kind that is not known", "r2." + body},
		{"prefix-upper", "the prefix in capitals", "R1." + body},
		{"prefix-resolved", "a kind that does not exist yet", "s1." + body},
		{"space-before", "a space before it", " " + good},
		{"space-after", "a space after it", good + " "},
		{"line-end", "a line end after it", good + "\n"},
		{"line-break-inside", "a line break in place of a character", good[:60] + "\n" + good[61:]},
		{"line-breaks-inside", "four characters are missing, and four line breaks there, which decoders skip", good[:60] + "\r\n\r\n" + good[64:]},
		{"line-break-added", "a line break between two characters", good[:60] + "\n" + good[60:]},
		{"padding", "padding, though the size needs none", good + "=="},
		{"padding-inside", "padding in place of the last characters", good[:130] + "="},
		{"other-alphabet", "characters of standard base64", "r1." + strings.Repeat("+/", 64)},
		{"short", "a character is missing", good[:130]},
		{"short-by-four", "three bytes are missing", good[:127]},
		{"long-by-four", "three bytes too many", good + "AAAA"},
		{"longest", "140 characters, the most that is read", good + strings.Repeat("A", MaxToken-len(good))},
		{"two", "two with the separator of lists, which is taken apart before tokens are read", "u1.1.ab~u1.2.ab"},
		{"outside-ascii", "a letter that is not of the alphabet, of two bytes", good[:60] + "é" + good[62:]},
		{"zero-byte", "a zero byte in place of a character", good[:60] + "\x00" + good[61:]},
		{"revision-zero", "signed, but there is no revision 0", sealed(zero, snapshotType)},
		{"revision-huge", "signed, but past 2^53-1", sealed(huge, snapshotType)},
		{"revision-negative", "signed, with the top bit of the revision", sealed(negative, snapshotType)},
	} {
		out = append(out, tokenVector{Name: c[0], Why: c[1], Token: c[2], Expect: "malformed"})
	}
	return append(out,
		tokenVector{Name: "oversized", Why: "141 characters", Token: good + strings.Repeat("A", MaxToken+1-len(good)), Expect: "oversized"},
		tokenVector{Name: "oversized-anything", Why: "not even a beginning of a token", Token: strings.Repeat("~", 4096), Expect: "oversized"})
}

func malformedUnsigned(plain, digits string) []tokenVector {
	var out []tokenVector
	for _, c := range [][3]string{
		{"prefix-alone", "nothing after the prefix", "u1."},
		{"revision-missing", "no revision", "u1.." + digits},
		{"revision-alone", "no digest", "u1.42"},
		{"digest-missing", "no digest after the full stop", "u1.42."},
		{"revision-zero", "there is no revision 0", "u1.0." + digits},
		{"revision-negative", "below 0", "u1.-42." + digits},
		{"revision-plus", "a sign", "u1.+42." + digits},
		{"revision-leading-zero", "a second spelling", "u1.042." + digits},
		{"revision-underscore", "a second spelling", "u1.4_2." + digits},
		{"revision-hexadecimal", "not decimal", "u1.0x2a." + digits},
		{"revision-space", "a space", "u1. 42." + digits},
		{"revision-huge", "2^53", "u1.9007199254740992." + digits},
		{"revision-overflow", "2^63", "u1.9223372036854775808." + digits},
		{"revision-arabic", "digits of another script", "u1.٤٢." + digits},
		{"digest-upper", "hexadecimal in capitals", "u1.42." + strings.ToUpper(digits)},
		{"digest-short", "a digit is missing", plain[:len(plain)-1]},
		{"digest-half", "as much as a signed token has", plain[:len(plain)-32]},
		{"digest-long", "a digit too many", plain + "0"},
		{"digest-other", "not hexadecimal", plain[:len(plain)-1] + "g"},
		{"digest-prefixed", "with the prefix of a digest", "u1.42.sha256:" + digits},
		{"space-after", "a space after it", plain + " "},
		{"signed-prefix", "the prefix of a signed token", "r1." + plain[3:]},
		{"other-separator", "a colon", strings.Replace(plain, "42.", "42:", 1)},
	} {
		out = append(out, tokenVector{Name: "unsigned-" + c[0], Why: c[1], Token: c[2], Expect: "malformed"})
	}
	return out
}

func writeTokens(t *testing.T) {
	t.Helper()
	text, err := json.Marshal(tokenVectors{string(encodePublic(t, public(alice)[0])), "shop/prod", tokenCases()}, jsontext.WithIndent("  "))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(tokenFile, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func readTokens(tb testing.TB) (vectors tokenVectors, trust Trust) {
	tb.Helper()
	text, err := os.ReadFile(tokenFile)
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(text, &vectors, json.RejectUnknownMembers(true)); err != nil {
		tb.Fatal(err)
	}
	key, err := ParsePublicKey([]byte(vectors.Key))
	if err != nil {
		tb.Fatal(err)
	}
	if trust, err = NewTrust([]PublicKey{key}, 1); err != nil {
		tb.Fatal(err)
	}
	return vectors, trust
}
