package sidecar

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/burgeehq/burgee/sync/bundle"
)

// documentAttack is a document that a publisher gone wrong has signed. What it announces is 1 flag after 1, unless it says otherwise.
type documentAttack struct {
	name      string
	document  string
	want      bundle.Reason // "" where it is taken, right below a bound
	announced func(*bundle.Ref)
}

const good = `"good":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`

// oneFlag is a document of one flag, with other members.
func oneFlag(members string) string {
	return `{"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"` + members + `}}}`
}

func announce(flags, before int) func(*bundle.Ref) {
	return func(r *bundle.Ref) { r.Flags, r.PreviousFlags = flags, before }
}

// many is n times a text, numbered.
func many(n int, format string) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf(format, i))
	}
	return strings.Join(all, ",")
}

// brokenOf is a document of n flags of which the first ones do not compile.
func brokenOf(broken, n int) string {
	var all []string
	for i := range n {
		variant := "on"
		if i < broken {
			variant = "nope"
		}
		all = append(all, fmt.Sprintf(`"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":%q}`, i, variant))
	}
	return `{"flags":{` + strings.Join(all, ",") + `}}`
}

func nested(n int, open, inner, end string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

var documentAttacks = []documentAttack{
	{"nothing", "", bundle.ReasonDocument, nil},
	{"blanks", " \n\t ", bundle.ReasonDocument, nil},
	{"null", "null", bundle.ReasonDocument, nil},
	{"a list", "[]", bundle.ReasonDocument, nil},
	{"an empty object", "{}", bundle.ReasonDocument, nil},
	{"flags null", `{"flags":null}`, bundle.ReasonDocument, nil},
	{"flags a number", `{"flags":7}`, bundle.ReasonDocument, nil},
	{"flags in other letters", `{"Flags":{` + good + `}}`, bundle.ReasonDocument, nil},
	{"a page of a proxy", "<html><body>502 Bad Gateway</body></html>", bundle.ReasonDocument, nil},
	{"YAML", "flags:\n  a: {state: ENABLED}\n", bundle.ReasonDocument, nil},
	{"half a document", oneFlag("")[:40], bundle.ReasonDocument, nil},
	{"something behind it", oneFlag("") + "{}", bundle.ReasonDocument, nil},
	{"a byte order mark", "\ufeff" + oneFlag(""), bundle.ReasonDocument, nil},
	{"a comment", "{/* */" + oneFlag("")[1:], bundle.ReasonDocument, nil},

	{"a flag twice", `{"flags":{` + good + "," + good + `}}`, bundle.ReasonDocument, nil},
	{"a flag twice, once with an escape", `{"flags":{` + good + "," + strings.Replace(good, "good", `\u0067ood`, 1) + `}}`, bundle.ReasonDocument, nil},
	{"flags twice", `{"flags":{` + good + `},"flags":{}}`, bundle.ReasonDocument, nil},
	{"a member of a flag twice", oneFlag(`,"state":"DISABLED"`), bundle.ReasonDocument, nil},
	{"a variant twice", strings.Replace(oneFlag(""), `"on":true`, `"on":true,"on":false`, 1), bundle.ReasonDocument, nil},
	{"a member of metadata twice", oneFlag(`,"metadata":{"owner":"a","owner":"b"}`), bundle.ReasonDocument, nil},
	{"a member inside a rule twice", oneFlag(`,"targeting":{"if":[true,"on"],"if":[false,"on"]}`), bundle.ReasonDocument, nil},
	{"a member inside a variant twice", strings.Replace(oneFlag(""), "true", `{"x":{"y":1,"y":2}}`, 1), bundle.ReasonDocument, nil},

	{"a flag that is null", `{"flags":{"a":null}}`, bundle.ReasonDocument, nil},
	{"a flag that is a list", `{"flags":{"a":[]}}`, bundle.ReasonDocument, nil},
	{"variants null", `{"flags":{"a":{"state":"ENABLED","variants":null,"defaultVariant":"on"}}}`, bundle.ReasonDocument, nil},
	{"state null", `{"flags":{"a":{"state":null,"variants":{"on":true},"defaultVariant":"on"}}}`, bundle.ReasonDocument, nil},
	{"metadata null", oneFlag(`,"metadata":null`), bundle.ReasonDocument, nil},

	{"a key that is no UTF-8", strings.Replace(oneFlag(""), `"a"`, "\"a\xff\"", 1), bundle.ReasonDocument, nil},
	{"a value that is no UTF-8", strings.Replace(oneFlag(""), "true", "\"\xc3\x28\"", 1), bundle.ReasonDocument, nil},
	{"half a surrogate pair", strings.Replace(oneFlag(""), "true", `"\ud800"`, 1), bundle.ReasonDocument, nil},
	{"a surrogate pair the wrong way round", strings.Replace(oneFlag(""), "true", `"\udc00\ud800"`, 1), bundle.ReasonDocument, nil},
	{"a control character", strings.Replace(oneFlag(""), "true", "\"\x01\"", 1), bundle.ReasonDocument, nil},
	{"a number with a leading zero", strings.Replace(oneFlag(""), "true", `01`, 1), bundle.ReasonDocument, nil},
	{"a number that is none", strings.Replace(oneFlag(""), "true", `NaN`, 1), bundle.ReasonDocument, nil},

	{"as deep as may be", strings.Replace(oneFlag(""), "true", nested(28, "[", "1", "]"), 1), "", nil},
	{"one deeper", strings.Replace(oneFlag(""), "true", nested(29, "[", "1", "]"), 1), bundle.ReasonDocument, nil},
	{"a hundred thousand deep", strings.Replace(oneFlag(""), "true", nested(100_000, "[", "1", "]"), 1), bundle.ReasonDocument, nil},
	{"a rule of a hundred thousand levels", oneFlag(`,"targeting":` + nested(100_000, `{"!":[`, "1", "]}")), bundle.ReasonDocument, nil},
	{"a rule of too many nodes", oneFlag(`,"targeting":{"or":[` + many(2000, `{"==":[%d]}`) + `]}`), bundle.ReasonDocument, nil},
	{"a rule that grows by references", `{"$evaluators":{` + doubling(12) + `},"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","targeting":{"$ref":"e12"}}}}`, bundle.ReasonDocument, nil},
	{"as many flags as may be", `{"flags":{` + many(10_000, `"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`) + `}}`, "", announce(10_000, 1)},
	{"one more", `{"flags":{` + many(10_001, `"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`) + `}}`, bundle.ReasonDocument, announce(10_001, 1)},
	{"empty flags without end", `{"flags":{` + many(150_000, `"%d":{}`) + `}}`, bundle.ReasonDocument, announce(150_000, 1)},
	{"a list as long as may be", strings.Replace(oneFlag(""), "true", "["+many(5_000, "%d")+"]", 1), "", nil},
	{"one longer", strings.Replace(oneFlag(""), "true", "["+many(5_001, "%d")+"]", 1), bundle.ReasonDocument, nil},
	{"an object of too many members", oneFlag(`,"metadata":{` + many(5_001, `"m%d":1`) + `}`), bundle.ReasonDocument, nil},
	{"too many members at the top", `{` + many(5_001, `"m%d":1`) + `,"flags":{` + good + `}}`, bundle.ReasonDocument, nil},
	{"a string as long as may be", strings.Replace(oneFlag(""), "true", `"`+noise(64<<10)+`"`, 1), "", nil},
	{"one longer", strings.Replace(oneFlag(""), "true", `"`+noise(64<<10+1)+`"`, 1), bundle.ReasonDocument, nil},
	{"a key that is longer", strings.Replace(oneFlag(""), `"a"`, `"`+noise(64<<10+1)+`"`, 1), bundle.ReasonDocument, nil},
	{"metadata that every answer repeats", `{"metadata":{"note":"` + noise(60_000) + `"},"flags":{` + many(600, `"f%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`) + `}}`, bundle.ReasonDocument, announce(600, 1)},
	{"a generation of bucketing that nobody knows", `{"metadata":{"bucketing":"v4"},"flags":{` + good + `}}`, bundle.ReasonDocument, nil},

	{"no flags, without the mark", `{"flags":{}}`, bundle.ReasonShrink, announce(0, 1)},
	{"no flags, after none", `{"flags":{}}`, bundle.ReasonShrink, announce(0, 0)},
	{"no flags, where one is announced", `{"flags":{}}`, bundle.ReasonCount, nil},
	{"no flags, with the mark", `{"flags":{}}`, "", func(r *bundle.Ref) { r.Flags, r.AllowShrink = 0, true }},
	{"less than half, without the mark", `{"flags":{` + good + `}}`, bundle.ReasonShrink, announce(1, 3)},
	{"half", `{"flags":{` + good + `}}`, "", announce(1, 2)},
	{"less flags than announced", `{"flags":{` + good + `}}`, bundle.ReasonCount, announce(2, 1)},
	{"more flags than announced", brokenOf(0, 3), bundle.ReasonCount, announce(2, 1)},
	{"as many broken flags as may be", brokenOf(5, 100), "", announce(100, 100)},
	{"one more broken", brokenOf(6, 100), bundle.ReasonBroken, announce(100, 100)},
	{"all broken", `{"flags":{"a":{}}}`, bundle.ReasonBroken, nil},
	{"a circle of references", `{"$evaluators":{"x":{"$ref":"y"},"y":{"$ref":"x"}},"flags":{"a":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on","targeting":{"$ref":"x"}}}}`, bundle.ReasonBroken, nil},
}

// doubling is evaluators of which each refers twice to the one before.
func doubling(n int) string {
	all := []string{`"e0":{"==":[1,1]}`}
	for i := range n {
		all = append(all, fmt.Sprintf(`"e%d":{"and":[{"$ref":"e%d"},{"$ref":"e%d"}]}`, i+1, i, i))
	}
	return strings.Join(all, ",")
}

// noise is text that gzip does not pack too well.
func noise(n int) string {
	var out strings.Builder
	for x := uint32(1); out.Len() < n; x = x*1664525 + 1013904223 {
		out.WriteByte("abcdefghijklmnopqrstuvwxyz012345"[x>>27])
	}
	return out.String()
}

// TestHostileDocuments brings each in on every way that a bundle comes by.
func TestHostileDocuments(t *testing.T) {
	alice := newSigner(t)
	for _, a := range documentAttacks {
		t.Run(a.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range ways {
				if w.alone {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					made := signed(t, broughtIn, a.document, []signer{alice}, func(m *bundle.Manifest) {
						if a.announced != nil {
							a.announced(&m.Bundle)
						}
					})
					w.want(t, alicesVictim(t, alice), made, a.want, true)
				})
			}
		})
	}
}

// TestHostileCompression brings bundles whose digest is right and whose bytes are no single, modest gzip member.
func TestHostileCompression(t *testing.T) {
	alice := newSigner(t)
	document := []byte(killable(broughtIn))
	plain := gz(document, gzip.BestCompression)
	zeros := make([]byte, 3<<20)
	limit := append(bytes.Clone(document), bytes.Repeat([]byte(" "), bundle.MaxDocument-len(document))...)
	beyond := append(bytes.Clone(limit), ' ')
	for _, row := range []struct {
		name             string
		stored, document []byte
		want             bundle.Reason
	}{
		{"as it should be", plain, document, ""},
		{"not packed", document, document, bundle.ReasonCompression},
		{"one byte", []byte{0x1f}, document, bundle.ReasonCompression},
		{"another format", deflated(document), document, bundle.ReasonCompression},
		{"cut short", plain[:len(plain)-1], document, bundle.ReasonCompression},
		{"a byte behind it", append(bytes.Clone(plain), 0), document, bundle.ReasonCompression},
		{"an empty member behind it", append(bytes.Clone(plain), gz(nil, gzip.BestCompression)...), document, bundle.ReasonCompression},
		{"itself behind it", append(bytes.Clone(plain), plain...), document, bundle.ReasonCompression},
		{"an empty member before it", append(gz(nil, gzip.BestCompression), plain...), document, bundle.ReasonCompression},
		{"a wrong checksum", spoilt(plain, len(plain)-6), document, bundle.ReasonCompression},
		{"a wrong length", spoilt(plain, len(plain)-2), document, bundle.ReasonCompression},
		{"packed twice", gz(plain, gzip.NoCompression), plain, bundle.ReasonDocument},
		{"a bomb", gz(zeros, gzip.BestCompression), zeros, bundle.ReasonCompression},
		{"a bomb behind flags", gz(append(bytes.Clone(document), bytes.Repeat([]byte(" "), 3<<20)...), gzip.BestCompression), document, bundle.ReasonCompression},
		{"a bomb in parts", bytes.Repeat(gz(zeros[:1<<20], gzip.BestCompression), 20), zeros, bundle.ReasonCompression},
		{"a bomb in a bomb", gz(gz(zeros, gzip.BestCompression), gzip.BestCompression), gz(zeros, gzip.BestCompression), bundle.ReasonDocument},
		{"a document as large as may be", loosely(limit), limit, ""},
		{"a document of one byte more", loosely(beyond), beyond, bundle.ReasonCompression},
		{"another document than announced", plain, []byte("{}"), bundle.ReasonDigest},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			for _, w := range ways {
				if w.alone {
					continue
				}
				synctest.Test(t, func(t *testing.T) {
					made := signed(t, broughtIn, killable(broughtIn), []signer{alice}, func(m *bundle.Manifest) {
						m.Bundle.Digest, m.Bundle.Size, m.Bundle.ContentDigest = bundle.Sum(row.stored), int64(len(row.stored)), bundle.Sum(row.document)
					})
					made.Bundle = row.stored
					w.want(t, alicesVictim(t, alice), made, row.want, true)
				})
			}
		})
	}
}

func gz(data []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err != nil {
		panic(err)
	}
	return packed(w, &out, data)
}

func deflated(data []byte) []byte {
	var out bytes.Buffer
	return packed(zlib.NewWriter(&out), &out, data)
}

func packed(w io.WriteCloser, out *bytes.Buffer, data []byte) []byte {
	if _, err := w.Write(data); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

func spoilt(data []byte, at int) []byte {
	out := bytes.Clone(data)
	out[at] ^= 0x10
	return out
}

// loosely packs as a publisher would, so that the ratio is kept and only the size is wrong.
func loosely(data []byte) []byte {
	stored, _, err := bundle.Pack(data)
	if err != nil {
		panic(err)
	}
	return stored
}
