package eval

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// Subjects are sequential, as identifiers are, and always the same: a test here
// passes always or never. What it holds against chance is one in 10,000.
const unlikely = 3.719 // standard deviations

// chiSquareLimit is what a sum of chi-square exceeds one time in 10,000, by the
// approximation of Wilson and Hilferty.
func chiSquareLimit(freedom int) float64 {
	k := 2 / (9 * float64(freedom))
	return float64(freedom) * math.Pow(1-k+unlikely*math.Sqrt(k), 3)
}

// spread counts subjects by variant.
type spread struct {
	name   string
	shares []float64 // of all, adding up to 1
	counts []int
}

func newSpread(name string, weights split) *spread {
	s := &spread{name: name, shares: make([]float64, len(weights)), counts: make([]int, len(weights))}
	for i, weight := range weights {
		s.shares[i] = float64(weight) / float64(weights.shares().sum)
	}
	return s
}

func (s *spread) check(t *testing.T, subjects int) {
	t.Helper()
	sum := 0.0
	for i, count := range s.counts {
		want := s.shares[i] * float64(subjects)
		sum += (float64(count) - want) * (float64(count) - want) / want
	}
	if limit := chiSquareLimit(len(s.counts) - 1); sum > limit {
		t.Errorf("%s: chi-square %.1f is beyond %.1f: %d subjects over %.4f came out as %d", s.name, sum, limit, subjects, s.shares, s.counts)
	}
}

// spreads are splits over 2 to 10 variants, by other weights each.
func spreads(r *rand.Rand) []split {
	var all []split
	for variants := 2; variants <= 10; variants++ {
		s := make(split, variants)
		for i := range s {
			s[i] = 1 + r.Uint64N(20)
		}
		all = append(all, s)
	}
	return all
}

// rule is a fractional over variants that are named by their position.
func (s split) rule(key string) string {
	rule := `{"fractional":[` + key
	for i, weight := range s {
		if i > 0 {
			rule += ","
		}
		rule += fmt.Sprintf(`["%d",%d]`, i, weight)
	}
	return rule + `]}`
}

// A million subjects come out as the weights say.
func TestFractionalSpreads(t *testing.T) {
	for generation := range generations {
		for key, subjects := range map[string]int{``: 1_000_000, `{"var":"id"},`: 100_000} {
			t.Run(generation+key, func(t *testing.T) {
				t.Parallel()
				checkSpread(t, generation, key, repeats(subjects))
			})
		}
	}
}

func checkSpread(t *testing.T, generation, key string, subjects int) {
	splits := spreads(rand.New(rand.NewPCG(2, 1)))
	var flags, names []string
	counted := make([]*spread, len(splits))
	for i := range 10 {
		names = append(names, fmt.Sprintf(`"%d":%d`, i, i))
	}
	for i, s := range splits {
		counted[i] = newSpread(fmt.Sprintf("%s%s over %d", generation, key, len(s)), s)
		flags = append(flags, fmt.Sprintf(`"flag-%d":{"variants":{%s},"targeting":%s}`, i, strings.Join(names, ","), s.rule(key)))
	}
	r := ruleset(t, `{"metadata":{"bucketing":"`+generation+`"},"flags":{`+strings.Join(flags, ",")+`}}`)
	everyone(t, subjects, func(c *Context) {
		for i, flag := range r.Flags() {
			counted[i].counts[flag.Evaluate(c, 0).Variant]++
		}
	})
	for _, s := range counted {
		s.check(t, subjects)
	}
}

// everyone parses a context for each of so many subjects.
func everyone(t *testing.T, subjects int, visit func(c *Context)) {
	var c Context
	var body []byte
	for subject := range subjects {
		body = strconv.AppendInt(append(body[:0], `{"targetingKey":"user-`...), int64(subject), 10)
		body = append(body, `","id":"customer/`...)
		body = append(strconv.AppendInt(body, int64(subject), 10), `","number":`...)
		body = append(strconv.AppendInt(body, int64(subject), 10), '}')
		if err := c.Parse(body); err != nil {
			t.Fatal(err)
		}
		visit(&c)
	}
}

// So do numbers and objects as keys.
func TestFractionalSpreadsByAnyKey(t *testing.T) {
	for _, key := range []string{`{"var":"number"},`, `{"set":[{"var":""},"tenant","acme"]},`, `{"/":[{"var":"number"},7]},`} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			subjects := repeats(200_000)
			weights := split{10, 20, 30, 40}
			s := newSpread(key, weights)
			flag := ruleset(t, bucketingDocument("v3", weights.rule(key), "0", "1", "2", "3")).Flags()[0]
			everyone(t, subjects, func(c *Context) { s.counts[flag.Evaluate(c, 0).Variant]++ })
			s.check(t, subjects)
		})
	}
}

// The thresholds of stable_bucket cut off what they say.
func TestStableBucketSpreads(t *testing.T) {
	t.Parallel()
	subjects := repeats(1_000_000)
	splits := spreads(rand.New(rand.NewPCG(2, 2)))
	counted := make([]*spread, len(splits))
	for i, s := range splits {
		counted[i] = newSpread(fmt.Sprintf("stable_bucket over %d", len(s)), s)
	}
	flag := onlyFlag(t, `{"stable_bucket":[{"var":"targetingKey"},"checkout"]}`, "x")
	everyone(t, subjects, func(c *Context) {
		bucket := c.evaluate(flag, flag.rule, 0).num
		for _, s := range counted {
			s.counts[below(bucket, s.shares)]++
		}
	})
	for _, s := range counted {
		s.check(t, subjects)
	}
}

// below finds the first threshold that a bucket is below.
func below(bucket float64, shares []float64) int {
	threshold := 0.0
	for i, share := range shares[:len(shares)-1] {
		if threshold += share; bucket < threshold {
			return i
		}
	}
	return len(shares) - 1
}

// Who gets what of one flag says nothing about another, however alike their
// keys are.
func TestFlagsAreIndependent(t *testing.T) {
	weights := split{1, 2, 3, 4}
	keys := []string{"a", "b", "checkout", "checkout2", "flag-1", "flag-10", "größe"}
	for generation := range generations {
		t.Run(generation, func(t *testing.T) {
			t.Parallel()
			checkIndependence(t, generation, keys, func(int) string { return weights.rule("") })
		})
	}
	t.Run("stable_bucket", func(t *testing.T) {
		t.Parallel()
		checkIndependence(t, "", keys, func(i int) string {
			bucket := fmt.Sprintf(`{"stable_bucket":[{"var":"targetingKey"},"salt-%d"]}`, i)
			return `{"if":[{"<":[` + bucket + `,0.3]},"0",{"<":[` + bucket + `,0.7]},"1","2"]}`
		})
	})
}

func checkIndependence(t *testing.T, generation string, keys []string, rule func(i int) string) {
	subjects := repeats(50_000)
	var flags []string
	for i, key := range keys {
		flags = append(flags, quote(key)+`:{"variants":{"0":0,"1":1,"2":2,"3":3},"targeting":`+rule(i)+`}`)
	}
	if generation == "" {
		generation = defaultGeneration
	}
	r := ruleset(t, `{"metadata":{"bucketing":"`+generation+`"},"flags":{`+strings.Join(flags, ",")+`}}`)
	got := make([][]int, len(keys))
	everyone(t, subjects, func(c *Context) {
		for i, flag := range r.Flags() {
			got[i] = append(got[i], flag.Evaluate(c, 0).Variant)
		}
	})
	for i := range got {
		for j := range i {
			sum, freedom := contingency(got[i], got[j])
			if limit := chiSquareLimit(freedom); sum > limit {
				t.Errorf("%s and %s: chi-square %.1f is beyond %.1f", keys[i], keys[j], sum, limit)
			}
		}
	}
}

// contingency is chi-square of the table of two outcomes, against independence.
func contingency(a, b []int) (sum float64, freedom int) {
	var table [4][4]float64
	var rows, columns [4]float64
	for i := range a {
		table[a[i]][b[i]]++
		rows[a[i]]++
		columns[b[i]]++
	}
	for i, row := range rows {
		for j, column := range columns {
			if want := row * column / float64(len(a)); want > 0 {
				sum += (table[i][j] - want) * (table[i][j] - want) / want
			}
		}
	}
	return sum, (outcomes(rows) - 1) * (outcomes(columns) - 1)
}

func outcomes(totals [4]float64) (n int) {
	for _, total := range totals {
		if total > 0 {
			n++
		}
	}
	return n
}
