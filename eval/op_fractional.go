package eval

import (
	"fmt"
	"math"

	"github.com/twmb/murmur3"
)

// maxWeight bounds each weight of a split, and their sum.
const maxWeight = math.MaxInt32

// compileFractional compiles the generation of bucketing that the document asks
// for. A split whose shares all stand in the rule is added up beforehand.
func compileFractional(c *compiler, args value, s scope) expr {
	c.notes.bucketsBy = append(c.notes.bucketsBy, bucketedBy(args)...)
	items, all := c.compileArguments(args, s)
	code := &fractionalExpr{frame: s.frame, args: all}
	if len(items) == 0 {
		return code
	}
	var key expr
	if args.items()[0].kind != list { // a list would be a share
		key, items = items[0], items[1:]
	}
	known, problem := constantShares(items)
	if problem != "" {
		c.warn("fractional never matches: " + problem)
	}
	if known != nil {
		code.key, code.shares = key, known
	}
	return code
}

// constantShares adds up shares that are known. Shares that are known to be
// wrong come back as the problem, those that are not known as nil.
func constantShares(items []expr) (*shares, string) {
	var total shares
	for _, item := range items {
		known, ok := item.(constant)
		if !ok {
			return nil, ""
		}
		if problem := total.add(known.value); problem != "" {
			return nil, problem
		}
	}
	if problem := total.check(); problem != "" {
		return nil, problem
	}
	return &total, ""
}

// shares are the variants of a split with the weights up to and with each.
type shares struct {
	variants []value
	ends     []uint64
	sum      uint64
}

func (s *shares) add(item value) (problem string) {
	parts := item.items()
	if item.kind != list || len(parts) == 0 {
		return "each share must be a list of a variant and a weight"
	}
	if parts[0].box != nil || parts[0].isBareZero() {
		return "a share's variant must be a string, a boolean, a number or null"
	}
	weight, problem := shareWeight(parts)
	if problem != "" {
		return problem
	}
	s.sum += weight
	s.variants = append(s.variants, parts[0])
	s.ends = append(s.ends, s.sum)
	return ""
}

func (s *shares) check() (problem string) {
	switch {
	case s.sum > maxWeight:
		return fmt.Sprintf("the weights add up to more than %d", maxWeight)
	case s.sum == 0:
		return "the weights add up to 0"
	default:
		return ""
	}
}

// shareWeight is 1 where none is given; below 0 counts as 0, since rules that
// compute a weight overshoot.
func shareWeight(parts []value) (weight uint64, problem string) {
	if len(parts) < 2 || parts[1].kind == null {
		return 1, ""
	}
	n := parts[1].num
	switch {
	case parts[1].kind != number || parts[1].isBareZero():
		return 0, "a weight must be a number"
	case n != math.Trunc(n) || math.IsInf(n, 0):
		return 0, "a weight must be a whole number"
	case n > maxWeight || n < math.MinInt64:
		return 0, fmt.Sprintf("a weight must not be more than %d", maxWeight)
	default:
		return uint64(max(n, 0)), ""
	}
}

// pick maps a hash to a variant: the whole range of the hash is spread over the
// sum of the weights, so that a variant that grows takes only from those behind.
func (s *shares) pick(hash uint32) value {
	bucket := uint64(hash) * s.sum >> 32
	for i, end := range s.ends {
		if bucket < end {
			return s.variants[i]
		}
	}
	return value{}
}

type fractionalExpr struct {
	frame  int
	args   expr
	shares *shares // known beforehand, or nil
	key    expr    // beside known shares; nil where no key is written
}

func (e *fractionalExpr) eval(c *Context) value {
	if !c.hasSubject() {
		return value{}
	}
	if e.shares == nil {
		return e.split(c, e.args.eval(c))
	}
	var key value
	if e.key != nil {
		key = e.key.eval(c)
	}
	if key.kind != null && key.kind != text {
		return e.split(c, e.args.eval(c)) // what looks like a key is a share
	}
	if hash, ok := c.bucketHash(e.frame, key); ok {
		return e.shares.pick(hash)
	}
	return value{}
}

// split is fractional with shares known only now. Anything odd makes it null.
func (e *fractionalExpr) split(c *Context, args value) value {
	items := args.items()
	if args.kind != list || len(items) == 0 || !c.spend(len(items)) {
		return value{}
	}
	var key value
	if items[0].kind == text || items[0].kind == null {
		key, items = items[0], items[1:]
	}
	hash, ok := c.bucketHash(e.frame, key)
	if !ok {
		return value{}
	}
	var total shares
	for _, item := range items {
		if total.add(item) != "" {
			return value{}
		}
	}
	if total.check() != "" {
		return value{}
	}
	return total.pick(hash)
}

// bucketHash hashes the key, or without one the flag's key and the targeting
// key. The library reads both from the data, which inside map is the element.
func (c *Context) bucketHash(frame int, key value) (hash uint32, ok bool) {
	if frame != rootFrame && c.frames[frame].kind != object {
		return 0, false
	}
	if key.kind == text {
		return murmur3.StringSum32(key.str), true
	}
	flagKey, targetingKey := c.implicitKey(frame)
	if targetingKey.kind != text || targetingKey.str == "" {
		return 0, false
	}
	b := c.temp.bytes.take(len(flagKey) + len(targetingKey.str))[:0]
	b = append(append(b, flagKey...), targetingKey.str...)
	return murmur3.Sum32(b), true
}

func (c *Context) implicitKey(frame int) (flagKey string, targetingKey value) {
	if frame == rootFrame {
		return c.flag.key, c.attribute(c.flag.table, targetingKeySlot)
	}
	data := c.frames[frame]
	return data.member(flagdProperty).member("flagKey").str, data.member("targetingKey")
}

// targetingKeySlot is the first slot of every ruleset.
const targetingKeySlot = 0
