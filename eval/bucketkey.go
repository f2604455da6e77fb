package eval

import (
	"maps"
	"slices"

	"github.com/twmb/murmur3"
)

// keying is what the generations of fractional differ in: which arguments
// are the key that a split goes by, and what bytes are hashed for it. A document
// names its generation, so that no upgrade moves anybody to another variant.
type keying interface {
	// takes tells whether a first argument is a key. What is none is a share.
	takes(k kind) bool
	// written hashes a key that the rule gives. Without ok there is no match.
	written(c *Context, frame int, key value) (hash uint32, ok bool)
	// implicit hashes the flag's key and the targeting key.
	implicit(c *Context, frame int) (hash uint32, ok bool)
	// problem says why a key, or none where it is nil, can never match.
	problem(key expr) string
}

// generations are those that this build knows, by their name in a document.
var generations = map[string]keying{"v2": textKeys{}, "v3": cborKeys{}}

const defaultGeneration = "v2"

func generationNames() []string { return slices.Sorted(maps.Keys(generations)) }

// textKeys is v2: the key is a string and hashed as it is; null counts as not
// written.
type textKeys struct{}

func (textKeys) takes(k kind) bool { return k == text || k == null }

func (g textKeys) written(c *Context, frame int, key value) (hash uint32, ok bool) {
	if key.kind == null {
		return g.implicit(c, frame)
	}
	if !c.hasData(frame) || !c.spendBytes(len(key.str)) {
		return 0, false
	}
	return murmur3.StringSum32(key.str), true
}

func (textKeys) implicit(c *Context, frame int) (hash uint32, ok bool) {
	flagKey, subject, ok := c.implicitKey(frame)
	if !ok {
		return 0, false
	}
	b := c.temp.bytes.take(len(flagKey) + len(subject))
	copy(b[copy(b, flagKey):], subject)
	return murmur3.Sum32(b), true
}

func (textKeys) problem(key expr) string {
	known, ok := key.(constant)
	if !ok || known.value.kind == text || known.value.kind == null {
		return ""
	}
	return "its key is " + known.value.kind.String() + ", and v2 takes strings only"
}

// cborKeys is v3: the key is any value but null and a list, and hashed as CBOR.
type cborKeys struct{}

func (cborKeys) takes(k kind) bool { return k != list }

func (cborKeys) written(c *Context, frame int, key value) (hash uint32, ok bool) {
	if key.kind == null || !c.hasData(frame) {
		return 0, false
	}
	size := cborBound(key)
	if !c.spendBytes(size) {
		return 0, false
	}
	return murmur3.Sum32(c.temp.appendCBOR(c.temp.bytes.take(size)[:0], key)), true
}

func (cborKeys) implicit(c *Context, frame int) (hash uint32, ok bool) {
	flagKey, subject, ok := c.implicitKey(frame)
	if !ok {
		return 0, false
	}
	b := c.temp.bytes.take(3*cborHead + len(flagKey) + len(subject))[:0]
	b = appendCBORHead(b, cborList, 2)
	return murmur3.Sum32(appendCBORText(appendCBORText(b, flagKey), subject)), true
}

func (cborKeys) problem(key expr) string {
	if known, ok := key.(constant); ok && known.value.kind == null {
		return "its key is null"
	}
	return ""
}

// The attribute that names the subject of an evaluation has the first slot of every ruleset.
const (
	targetingKey     = "targetingKey"
	targetingKeySlot = 0
)

// implicitKey gives what a split goes by where its rule gives no key. Without a
// targeting key that is a string there is no match.
func (c *Context) implicitKey(frame int) (flagKey, subject string, ok bool) {
	if !c.hasData(frame) {
		return "", "", false
	}
	if frame == rootFrame {
		flagKey, subject = c.flag.key, c.attribute(targetingKeySlot).text()
	} else {
		data := &c.frames[frame]
		key, own := data.member(targetingKey), data.member(flagdProperty).member("flagKey")
		flagKey, subject = own.text(), key.text()
	}
	return flagKey, subject, subject != "" && c.spendBytes(len(flagKey)+len(subject))
}

// hasData tells whether there is something to read the implicit key from. The
// library reads it from the data, which inside map is the element, before it
// looks at the key that is written.
func (c *Context) hasData(frame int) bool {
	return frame == rootFrame || c.frames[frame].kind == object
}

// text is the string, or an empty one for what is none.
func (v *value) text() string {
	if v.kind != text {
		return ""
	}
	return v.str
}

// spendBytes counts a step for every 64 bytes that are hashed.
func (c *Context) spendBytes(n int) bool { return n < 64 || c.spend(n/64) }
