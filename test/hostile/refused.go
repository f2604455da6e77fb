package hostile

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// Bad is a kind of bundle that must be refused.
type Bad struct {
	Name   string
	Reason bundle.Reason
	Of     func(salt int) string // the document
	Spoil  func(document string) []byte
}

// Stored is what a store holds of it, with what a manifest says of that. The digests are right, unless they are what is wrong.
func (b Bad) Stored(salt int) ([]byte, bundle.Ref) {
	document := b.Of(salt)
	stored, ref, err := bundle.Pack([]byte(document))
	if err != nil {
		panic("hostile: " + err.Error())
	}
	if b.Spoil != nil {
		stored = b.Spoil(document)
		ref.Digest, ref.Size = bundle.Sum(stored), int64(len(stored))
	}
	ref.Flags, ref.PreviousFlags = 2, 2
	if parsed, err := eval.Parse([]byte(document), eval.LoadLimits()); err == nil && b.Reason == bundle.ReasonDocument {
		ref.Flags = parsed.Flags() // what is wrong is seen when it is compiled
	}
	if b.Reason == bundle.ReasonShrink {
		ref.PreviousFlags = 10_000
	}
	return stored, ref
}

func flagOf(members string) func(salt int) string {
	return func(salt int) string { return fmt.Sprintf(`{"flags":{"f%d":{%s}}}`, salt, members) }
}

func times(text string, n int) string { return strings.Repeat(text, n) }

// most is how often a text fits into a document.
func most(text string) int { return (bundle.MaxDocument - 1000) / len(text) }

func targeting(text string) func(salt int) string {
	return flagOf(`"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":` + text)
}

// filled is a document in which a text is repeated until it is full, between a beginning and an end.
func filled(start, text, end string) func(salt int) string {
	return func(salt int) string {
		return fmt.Sprintf(`{"salt":%d,`, salt) + start + times(text+",", most(text+",")) + text + end + "}"
	}
}

// pack compresses without looking at the ratio.
func pack(document []byte, level int) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, level)
	if err == nil {
		_, err = w.Write(document)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return out.Bytes()
}

func bomb(size int) func(string) []byte {
	return func(document string) []byte {
		return pack(append([]byte(document), make([]byte, size)...), gzip.BestCompression)
	}
}

func packed(change func(stored []byte) []byte) func(string) []byte {
	return func(document string) []byte { return change(pack([]byte(document), gzip.NoCompression)) }
}

// Refused are the kinds.
func Refused() []Bad {
	const refused = bundle.ReasonDocument
	small := flagOf(`"variants":{"on":true}`)
	return []Bad{
		{"bomb of 4 MiB", bundle.ReasonCompression, small, bomb(4 << 20)},
		{"bomb of 64 MiB", bundle.ReasonCompression, small, bomb(64 << 20)},
		{"bomb of 1 GiB that says it is small", bundle.ReasonCompression, small, lyingBomb},
		{"two members", bundle.ReasonCompression, small, packed(func(b []byte) []byte { return append(b, b...) })},
		{"bytes after the member", bundle.ReasonCompression, small, packed(func(b []byte) []byte { return append(b, 0) })},
		{"half a member", bundle.ReasonCompression, small, packed(func(b []byte) []byte { return b[:len(b)/2] })},
		{"no gzip", bundle.ReasonCompression, small, func(document string) []byte { return []byte(document) }},
		{"more than 4 MiB", bundle.ReasonCompression, func(salt int) string {
			return fmt.Sprintf(`{"flags":{},"x":"%d%s"}`, salt, times("x", bundle.MaxDocument))
		}, packed(func(b []byte) []byte { return b })},
		{"breadth", refused, filled(`"flags":[`, `{"a":0}`, `]`), nil},
		{"breadth of nothing", refused, filled(`"flags":[`, `{}`, `]`), nil},
		{"breadth elsewhere", refused, filled(`"flags":{},"x":[`, `{"a":0}`, `]`), nil},
		{"list of lists", refused, filled(`"flags":{},"x":[`, `[[[[]]]]`, `]`), nil},
		{"depth", refused, flagOf(`"x":` + times("[", most("[]")) + times("]", most("[]"))), nil},
		{"depth of objects", refused, flagOf(`"x":` + times(`{"a":`, most(`{"a":}`)) + "0" + times("}", most(`{"a":}`))), nil},
		{"depth without an end", refused, flagOf(times(`"x":[`, 100_000)), nil},
		{"duplicate flags", refused, filled(`"flags":{`, `"f":{}`, `}`), nil},
		{"duplicate members", refused, flagOf(`"state":"ENABLED","state":"DISABLED"`), nil},
		{"duplicate in a list", refused, func(int) string { return `{"flags":[{"key":"a"},{"key":"a"}]}` }, nil},
		{"10,001 flags", refused, func(salt int) string {
			return `{"flags":{` + repeat(10_001, func(i int) string { return fmt.Sprintf(`"f%d-%d":{}`, salt, i) }) + `}}`
		}, nil},
		{"too many flags", refused, func(salt int) string {
			return `{"flags":{` + repeat(200_000, func(i int) string { return fmt.Sprintf(`"%d-%d":{}`, salt, i) }) + `}}`
		}, nil},
		{"2,001 nodes", refused, targeting(`[` + times("[],", 2_000) + `0]`), nil},
		{"nodes behind references", refused, nestedReferences, nil},
		{"5,001 elements", refused, targeting(`[` + times("0,", 5_000) + `0]`), nil},
		{"elements without end", refused, targeting(`[` + times("0,", most("0,")) + `0]`), nil},
		{"lists of lists of numbers", refused, targeting(`[` + times("["+times("0,", 4_990)+"0],", 400) + `0]`), nil},
		{"lists in a variant", refused, flagOf(`"variants":{"on":[` + times("["+times("0,", 4_990)+"0],", 400) + `0]}`), nil},
		{"lists in evaluators", refused, func(salt int) string {
			return `{"flags":{},"$evaluators":{` + repeat(400, func(i int) string { return fmt.Sprintf(`"e%d-%d":[%s0]`, salt, i, times("0,", 4_990)) }) + `}}`
		}, nil},
		{"an evaluator in every loop", refused, func(salt int) string { return loopedEvaluator(salt, 10_000) }, nil},
		{"lists in a cat", refused, func(salt int) string { return ruleNodes(salt, 650) }, nil},
		{"numbers to compute", refused, func(salt int) string { return manyNumbers(salt, 400) }, nil},
		{"mixed lists", refused, func(salt int) string { return mixedList(salt, 400) }, nil},
		{"conditions", refused, func(salt int) string { return manyShares(salt, 230) }, nil},
		{"attributes", refused, func(salt int) string { return manyAttributes(salt, 255) }, nil},
		{"long attributes", refused, func(salt int) string { return longAttributes(salt, 65) }, nil},
		{"variants", refused, func(salt int) string { return manyVariants(salt, 230) }, nil},
		{"a key in every variant", refused, func(salt int) string { return escapedKeys(salt, 4_990) }, nil},
		{"metadata in every answer", refused, func(salt int) string { return setMetadata(salt, 50_000) }, nil},
		{"a long string", refused, flagOf(`"x":"` + times("x", 64<<10+1) + `"`), nil},
		{"a very long string", refused, flagOf(`"x":"` + times("x", 4_000_000) + `"`), nil},
		{"a long name", refused, flagOf(`"` + times("x", 4_000_000) + `":0`), nil},
		{"a long number", refused, flagOf(`"x":` + times("9", 4_000_000)), nil},
		{"a large number", refused, flagOf(`"x":1e999`), nil},
		{"invalid UTF-8", refused, flagOf("\"x\":\"\xff\""), nil},
		{"a lone surrogate", refused, flagOf(`"x":"\ud800"`), nil},
		{"null for flags", refused, func(int) string { return `{"flags":null}` }, nil},
		{"no flags", refused, func(salt int) string { return fmt.Sprintf(`{"salt":%d}`, salt) }, nil},
		{"another type", refused, func(int) string { return `{"flags":7}` }, nil},
		{"two documents", refused, func(int) string { return `{"flags":{}}{"flags":{}}` }, nil},
		{"half a document", refused, func(salt int) string { d := realistic(salt, 5_000); return d[:len(d)/2] }, nil},
		{"spaces", refused, func(salt int) string { return times(" ", 4_000_000) + fmt.Sprint(salt) }, nil},
		{"unknown bucketing", refused, func(int) string { return `{"flags":{},"metadata":{"bucketing":"v9"}}` }, nil},
		{"another count", bundle.ReasonCount, func(salt int) string { return realistic(salt, 10_000) }, nil},
		{"broken flags", bundle.ReasonBroken, func(salt int) string { return fmt.Sprintf(`{"flags":{"a%d":{},"b":{}}}`, salt) }, nil},
		{"shrunk", bundle.ReasonShrink, small, nil},
	}
}

// lyingBomb writes of itself that it unpacks to one byte.
func lyingBomb(document string) []byte {
	b := bomb(1 << 28)(document)
	copy(b[len(b)-4:], []byte{1, 0, 0, 0})
	return b
}

// nestedReferences are evaluators that each use another twice.
func nestedReferences(salt int) string {
	return fmt.Sprintf(`{"salt":%d,"$evaluators":{"e0":[1],`, salt) + repeat(30, func(i int) string {
		return fmt.Sprintf(`"e%d":[{"$ref":"e%d"},{"$ref":"e%d"}]`, i+1, i, i)
	}) + `},"flags":{"a":{"variants":{"on":1},"targeting":{"$ref":"e30"}}}}`
}
