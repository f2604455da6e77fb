package eval

import (
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/twmb/murmur3"
)

// Vectors that pin a hash, or the bytes that are hashed, are good for ever.
func TestPinnedHashes(t *testing.T) {
	files, _ := filepath.Glob("testdata/conformance/fractional-*.json")
	pinned := 0
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			if v.Hash == nil {
				continue
			}
			pinned++
			t.Run(filepath.Base(file)+"/"+v.Name, v.checkHash)
		}
	}
	if pinned < 500 {
		t.Errorf("only %d vectors pin a hash", pinned)
	}
}

func (v vector) checkHash(t *testing.T) {
	flag, c := v.prepare(t)
	got, ok := hashOf(c, flag)
	if !ok || got != *v.Hash {
		t.Errorf("hash %d, want %d", got, *v.Hash)
	}
	if v.Bytes == "" {
		return
	}
	raw, err := hex.DecodeString(v.Bytes)
	if err != nil || murmur3.Sum32(raw) != *v.Hash {
		t.Errorf("the bytes %s do not hash to %d (%v)", v.Bytes, *v.Hash, err)
	}
}

// hashOf is the hash that a flag goes by whose rule is one fractional.
func hashOf(c *Context, f *Flag) (hash uint32, ok bool) {
	e := f.rule.(*fractionalExpr)
	c.evaluate(f, constant{}, vectorTime)
	switch {
	case e.shares != nil && e.key == nil:
		return e.keys.implicit(c, e.frame)
	case e.shares != nil:
		return e.keys.written(c, e.frame, e.key.eval(c))
	default:
		return e.keys.written(c, e.frame, e.args.eval(c).items()[0])
	}
}

// The whole range of the hash falls on the whole range of the weights, and on
// nothing beyond.
func TestBucketOf(t *testing.T) {
	for _, row := range []struct {
		hash uint32
		sum  uint64
		want uint64
	}{
		{0, 1, 0}, {1<<32 - 1, 1, 0},
		{0, 2, 0}, {1<<31 - 1, 2, 0}, {1 << 31, 2, 1}, {1<<32 - 1, 2, 1},
		{1<<31 - 1, 100, 49}, {1 << 31, 100, 50}, {42949672, 100, 0}, {42949673, 100, 1}, {4252017623, 100, 98}, {4252017624, 100, 99},
		{0, maxWeight, 0}, {2, maxWeight, 0}, {3, maxWeight, 1}, {1<<31 - 1, maxWeight, 1<<30 - 1}, {1 << 31, maxWeight, 1<<30 - 1},
		{1<<31 + 1, maxWeight, 1<<30 - 1}, {1<<31 + 2, maxWeight, 1 << 30}, {1<<32 - 1, maxWeight, maxWeight - 1},
	} {
		if got := bucketOf(row.hash, row.sum); got != row.want {
			t.Errorf("hash %d of %d: bucket %d, want %d", row.hash, row.sum, got, row.want)
		}
	}
}
