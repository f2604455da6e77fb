package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// What a change of weights does to subjects. A subject stands at a point between
// 0 and 1 that never moves, hash / 2^32; a variant holds the points from the
// share of the sum that lies before it to the share up to and with it. So:
//
//   - Nobody leaves a variant while no other's share of the sum grows: not where
//     its weight alone is raised, nor where weight is moved to it.
//   - Nobody changes between two other variants either, if none of the borders
//     between them moves. That is so where weight comes from the variants next to
//     the growing one (one that is used up is out of the way) and the sum stays;
//     and where the sum grows, if at most one variant with any weight stands on
//     each side: always with two variants, and with three for the middle one.
//
// Else some do, as TestGrowthElsewhereMovesOthers shows.

// split is the weights of a fractional, in the order of its shares.
type split []uint64

func (s split) shares() *shares {
	out := &shares{}
	for i, weight := range s {
		out.sum += weight
		out.ends = append(out.ends, out.sum)
		out.variants = append(out.variants, numberValue(float64(i)))
	}
	return out
}

// at is the variant of a hash.
func (s *shares) at(hash uint32) int { return int(s.pick(hash).num) }

// holds tells by the law above whether a hash belongs to a variant.
func (s *shares) holds(i int, hash uint32) bool {
	from := uint64(0)
	if i > 0 {
		from = s.ends[i-1]
	}
	point := uint64(hash) * s.sum // in units of 2^-32 of a weight
	return from<<32 <= point && point < s.ends[i]<<32
}

// probes are hashes on both sides of every border, and some anywhere.
func (s *shares) probes(r *rand.Rand) []uint32 {
	hashes := []uint32{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}
	for _, end := range s.ends {
		border := uint32(end << 32 / s.sum) // of the last border 2^32, which is 0 again
		hashes = append(hashes, border-1, border, border+1)
	}
	for range 20 {
		hashes = append(hashes, r.Uint32())
	}
	return hashes
}

func randomSplit(r *rand.Rand, variants int) split {
	largest := []uint64{3, 100, 10_000, maxWeight / 12}[r.IntN(4)]
	s := make(split, variants)
	for i := range s {
		if r.IntN(5) > 0 { // some have no weight
			s[i] = r.Uint64N(largest) + 1
		}
	}
	if s.shares().sum == 0 {
		s[r.IntN(variants)] = 1
	}
	return s
}

// repeats is how often to try, or on how many subjects.
func repeats(full int) int {
	if testing.Short() || raceDetector {
		full /= 10
	}
	return full
}

func TestSubjectsStandWhereTheSharesSay(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range repeats(20_000) {
		s := randomSplit(r, 1+r.IntN(12)).shares()
		for _, hash := range s.probes(r) {
			if got := s.at(hash); !s.holds(got, hash) {
				t.Fatalf("hash %d of the borders %d is in variant %d", hash, s.ends, got)
			}
		}
	}
}

// moves compares two splits on hashes and calls moved for each that changes.
func moves(before, after split, r *rand.Rand, moved func(hash uint32, from, to int)) {
	a, b := before.shares(), after.shares()
	for _, hash := range append(a.probes(r), b.probes(r)...) {
		if from, to := a.at(hash), b.at(hash); from != to {
			moved(hash, from, to)
		}
	}
}

// Raised alone, a variant loses nobody, wherever it stands.
func TestGrowthKeepsItsOwn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range repeats(20_000) {
		before := randomSplit(r, 2+r.IntN(9))
		growing := r.IntN(len(before))
		after := slices.Clone(before)
		after[growing] += 1 + r.Uint64N(maxWeight-after.shares().sum)
		moves(before, after, r, func(hash uint32, from, to int) {
			if from == growing {
				t.Fatalf("%d to %d: hash %d leaves variant %d for %d", before, after, hash, from, to)
			}
		})
	}
}

// Nor does it where weight is moved to it from any others.
func TestMovedWeightKeepsItsOwn(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	for range repeats(20_000) {
		before := randomSplit(r, 2+r.IntN(9))
		growing := r.IntN(len(before))
		after := slices.Clone(before)
		for i := range after {
			if i != growing && r.IntN(2) == 0 {
				taken := r.Uint64N(after[i] + 1)
				after[i], after[growing] = after[i]-taken, after[growing]+taken
			}
		}
		moves(before, after, r, func(hash uint32, from, to int) {
			if from == growing {
				t.Fatalf("%d to %d: hash %d leaves variant %d for %d", before, after, hash, from, to)
			}
		})
	}
}

// Fed by its neighbours with the sum kept, it moves nobody but into itself.
func TestGrowthFromNeighboursMovesNobodyElse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 4))
	for range repeats(20_000) {
		before := randomSplit(r, 2+r.IntN(9))
		growing := r.IntN(len(before))
		after := slices.Clone(before)
		after.feed(growing, -1, r)
		after.feed(growing, +1, r)
		moves(before, after, r, func(hash uint32, from, to int) {
			if to != growing {
				t.Fatalf("%d to %d: hash %d moves from variant %d to %d, though %d grows", before, after, hash, from, to, growing)
			}
		})
	}
}

// feed moves weight from one side, from the next variant on only once those
// before it are used up.
func (s split) feed(growing, step int, r *rand.Rand) {
	for i := growing + step; i >= 0 && i < len(s); i += step {
		taken := s[i]
		if r.IntN(2) == 0 {
			taken = r.Uint64N(s[i] + 1)
		}
		s[i], s[growing] = s[i]-taken, s[growing]+taken
		if s[i] > 0 {
			return
		}
	}
}

// With at most one variant with weight on each side, the sum may grow too.
func TestGrowthBetweenTwoMovesNobodyElse(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 5))
	for range repeats(20_000) {
		variants := 2 + r.IntN(9)
		growing := r.IntN(variants)
		before := make(split, variants)
		before[growing] = r.Uint64N(1000)
		if growing > 0 {
			before[r.IntN(growing)] = r.Uint64N(1000)
		}
		if growing < variants-1 {
			before[growing+1+r.IntN(variants-growing-1)] = 1 + r.Uint64N(1000)
		}
		if before.shares().sum == 0 {
			continue
		}
		after := slices.Clone(before)
		after[growing] += 1 + r.Uint64N(100_000)
		moves(before, after, r, func(hash uint32, from, to int) {
			if to != growing {
				t.Fatalf("%d to %d: hash %d moves from variant %d to %d, though %d grows", before, after, hash, from, to, growing)
			}
		})
	}
}

// Elsewhere growth moves others too, though it is one weight that is raised, or
// one that is taken from afar. This is how the formula is, and how flagd's is.
func TestGrowthElsewhereMovesOthers(t *testing.T) {
	for _, row := range []struct {
		name          string
		before, after split
		hash          uint32
		from, to      int // neither grows
	}{
		{"the last of three is raised", split{1, 1, 1}, split{1, 1, 2}, 1 << 30, 0, 1},
		{"the first of three is raised", split{1, 1, 1}, split{2, 1, 1}, 3<<30 - 1, 2, 1},
		{"weight goes from the first to the last", split{40, 30, 30}, split{30, 30, 40}, 1 << 32 * 35 / 100, 0, 1},
	} {
		if from, to := row.before.shares().at(row.hash), row.after.shares().at(row.hash); from != row.from || to != row.to {
			t.Errorf("%s: hash %d moves from %d to %d, want from %d to %d", row.name, row.hash, from, to, row.from, row.to)
		}
	}
}

// What holds for hashes holds for subjects, in both generations and however the
// weights come about: a rollout from nobody to all takes people in and lets none go.
func TestRolloutLetsNobodyGo(t *testing.T) {
	rules := []string{
		`{"fractional":[["on",{"var":"share"}],["off",{"-":[100,{"var":"share"}]}]]}`,
		`{"fractional":[{"var":"targetingKey"},["off",{"-":[100,{"var":"share"}]}],["on",{"var":"share"}]]}`,
	}
	for generation := range generations {
		for _, rule := range rules {
			flag := ruleset(t, bucketingDocument(generation, rule, "on", "off")).Flags()[0]
			var c Context
			for subject := range repeats(2000) {
				had := false
				for share := 0; share <= 100; share += 5 {
					if err := c.Parse(fmt.Appendf(nil, `{"targetingKey":"user-%d","share":%d}`, subject, share)); err != nil {
						t.Fatal(err)
					}
					has := flag.Evaluate(&c, 0).Variant == 0
					if had && !has || share == 0 && has || share == 100 && !has {
						t.Fatalf("%s: %s: user-%d at %d %%: %v, before %v", generation, rule, subject, share, has, had)
					}
					had = has
				}
			}
		}
	}
}

// bucketingDocument is a document of one flag with string variants named as
// their values; an empty generation is not written.
func bucketingDocument(generation, rule string, variants ...string) string {
	var members []string
	for _, v := range variants {
		members = append(members, quote(v)+":"+quote(v))
	}
	metadata := ""
	if generation != "" {
		metadata = `"metadata":{"bucketing":` + quote(generation) + `},`
	}
	return `{` + metadata + `"flags":{"flag":{"variants":{` + strings.Join(members, ",") + `},"targeting":` + rule + `}}}`
}
