package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
)

// compileStableBucket compiles the bucket that other services can compute for
// themselves: {"stable_bucket": [subject, salt]}, a number from 0 to 1.
func compileStableBucket(c *compiler, args value, s scope) expr {
	c.notes.bucketsBy = append(c.notes.bucketsBy, bucketedBy(args)...)
	return &applyExpr{args: c.compile(args, s), fn: stableBucket}
}

// stableBucket is the first four bytes of a SHA-256, as a share of the largest
// that fits. Without a subject it is an error rather than null, since null is
// below any share and would let everyone in whom nobody knows.
func stableBucket(c *Context, args value) value {
	items := c.elements(args)
	if len(items) != 2 {
		c.fail("stable_bucket needs a subject and a salt")
		return value{}
	}
	if !c.hasSubject() {
		return value{}
	}
	subject, salt := c.text(items[0]), c.text(items[1])
	if subject == "" {
		c.failWith(TargetingKeyMissing, "stable_bucket has no subject: the context lacks the attribute it reads")
		return value{}
	}
	if !c.spendBytes(len(salt) + 1 + len(subject)) {
		return value{}
	}
	b := c.temp.bytes.take(len(salt) + 1 + len(subject))[:0]
	b = append(append(append(b, salt...), ':'), subject...)
	sum := sha256.Sum256(b)
	return numberValue(float64(binary.BigEndian.Uint32(sum[:])) / math.MaxUint32)
}

// hasSubject holds a flag to the subject it declares: without it, no bucketing
// operator falls quietly to something else.
func (c *Context) hasSubject() bool {
	if c.flag.subject < 0 {
		return true
	}
	subject := c.attribute(c.flag.subject)
	if subject.kind == null || subject.kind == text && subject.str == "" {
		c.failWith(TargetingKeyMissing, fmt.Sprintf("the context lacks %q, the subject that this flag buckets by", shorten(c.flag.table.paths[c.flag.subject].written)))
		return false
	}
	return true
}

// bucketedBy names the attributes that a bucketing operator's key reads: those
// written in its first argument, or the targeting key where no key is written.
func bucketedBy(args value) []string {
	items := args.items()
	if args.kind != list || len(items) == 0 || items[0].kind == list || items[0].kind == null {
		return []string{targetingKey}
	}
	names := attributesRead(items[0], nil)
	slices.Sort(names)
	return slices.Compact(names)
}

// attributesRead collects the literal paths of every var in a tree.
func attributesRead(v value, names []string) []string {
	if v.isRule() && v.box.names[0] == "var" {
		path, _, ok := literalPath(v.box.items[0])
		if ok && path != flagdProperty+".flagKey" {
			return append(names, path)
		}
	}
	for _, item := range v.items() {
		names = attributesRead(item, names)
	}
	return names
}
