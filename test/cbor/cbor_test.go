// Package cbor holds bucketing v3 against a CBOR library. The encoder in eval is
// unexported and needs no other door: what is compared is where subjects go.
package cbor

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"
	"github.com/twmb/murmur3"

	"github.com/burgeehq/burgee/eval"
)

// largest is the largest sum of weights: a split of it tells 31 bits of the hash.
const largest = math.MaxInt32

var library = func() cbor.EncMode {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		panic(err)
	}
	return mode
}()

// Whatever value a context holds, it is hashed as the library encodes it.
func TestAnyKey(t *testing.T) {
	const rounds = 30_000
	split := newSplit(t, "flag", `{"var":"key"},`)
	r := rand.New(rand.NewPCG(8949, 3))
	for range rounds {
		key := make(writer, 0, 64).value(r, 4)
		if bytes.Equal(key, []byte("null")) || key[0] == '[' {
			continue // no keys, but nothing and a share
		}
		split.check(t, encoded(t, key), `"key":`+string(key))
	}
}

// FuzzKey looks for JSON that is read in another way than by the standard library.
func FuzzKey(f *testing.F) {
	for _, seed := range []string{`1.0`, `-0`, `"\ud83d\ude00"`, `"\ud83d"`, `{"a":1,"\u0061":2}`, `{"b":[1e20,{"":null}],"a":5e-324}`} {
		f.Add(seed)
	}
	split := newSplit(f, "flag", `{"var":"key"},`)
	f.Fuzz(func(t *testing.T, key string) {
		key = strings.TrimSpace(key)
		if !json.Valid([]byte(key)) || key == "null" || key[0] == '[' {
			return
		}
		if new(eval.Context).Parse([]byte(`{"key":`+key+`}`)) != nil {
			return // beyond a limit, or not UTF-8
		}
		split.check(t, encoded(t, []byte(key)), `"key":`+key)
	})
}

// Where no key is written, a list of the flag's key and the targeting key is.
func TestImplicitKey(t *testing.T) {
	r := rand.New(rand.NewPCG(8949, 4))
	for range 300 {
		flagKey := "f" + randomText(r)
		split := newSplit(t, flagKey, "")
		for range 20 {
			targetingKey := "u" + randomText(r)
			raw, err := library.Marshal([]string{flagKey, targetingKey})
			if err != nil {
				t.Fatal(err)
			}
			split.check(t, raw, `"targetingKey":`+quoted(targetingKey))
		}
	}
}

// The pinned vectors say what the library says.
func TestVectors(t *testing.T) {
	raw, err := os.ReadFile("../../eval/testdata/conformance/fractional-v3.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name    string
		Answers []struct {
			Context map[string]json.RawMessage
			Bytes   string
			Hash    *uint32
		}
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range cases {
		for _, a := range c.Answers {
			key := a.Context["key"]
			if key == nil {
				key = a.Context["hashing_input"]
			}
			if key == nil || a.Hash == nil {
				continue
			}
			checked++
			want := encoded(t, key)
			if a.Bytes != "" && a.Bytes != hex.EncodeToString(want) {
				t.Errorf("%s: %s is %s, and %x for the library", c.Name, key, a.Bytes, want)
			}
			if *a.Hash != murmur3.Sum32(want) {
				t.Errorf("%s: %s hashes to %d, and to %d for the library", c.Name, key, *a.Hash, murmur3.Sum32(want))
			}
		}
	}
	if checked < 300 {
		t.Errorf("only %d vectors were compared", checked)
	}
}

// encoded encodes a JSON value with the library. Whole numbers that fit become
// integers, since v3 says so and JSON does not tell the two apart.
func encoded(t *testing.T, raw []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	out, err := library.Marshal(normalized(v))
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return out
}

func normalized(v any) any {
	switch v := v.(type) {
	case float64:
		switch {
		case v != math.Trunc(v) || v < math.MinInt64 || v >= math.MaxUint64:
			return v
		case v < 0:
			return int64(v)
		default:
			return uint64(v)
		}
	case []any:
		for i := range v {
			v[i] = normalized(v[i])
		}
	case map[string]any:
		for name := range v {
			v[name] = normalized(v[name])
		}
	}
	return v
}

// split is a flag of two shares whose border the context sets.
type split struct {
	flag *eval.Flag
	seen eval.Context
}

func newSplit(t testing.TB, flagKey, written string) *split {
	t.Helper()
	rule := fmt.Sprintf(`{"fractional":[%s["below",{"var":"w"}],["above",{"-":[%d,{"var":"w"}]}]]}`, written, largest)
	doc, err := eval.Parse([]byte(`{"metadata":{"bucketing":"v3"},"flags":{`+quoted(flagKey)+`:{"variants":{"below":1,"above":2},"targeting":`+rule+`}}}`), eval.LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	return &split{flag: eval.Compile(doc, eval.Options{}).Lookup([]byte(flagKey))}
}

// check finds the subject of these bytes just below one border and just above
// the one before it.
func (s *split) check(t *testing.T, hashed []byte, member string) {
	t.Helper()
	bucket := uint64(murmur3.Sum32(hashed)) * largest >> 32
	for border, want := range map[uint64]int{bucket: 1, bucket + 1: 0} {
		if err := s.seen.Parse(fmt.Appendf(nil, `{%s,"w":%d}`, member, border)); err != nil {
			t.Fatal(err)
		}
		if got := s.flag.Evaluate(&s.seen, 0); got.Variant != want {
			t.Fatalf("%s is hashed as %x by the library; with the border %d: %s", member, hashed, border, got.JSON)
		}
	}
}

// writer writes random JSON, as clients might: members in any order, names
// given twice, numbers in several spellings.
type writer []byte

func (w writer) value(r *rand.Rand, depth int) writer {
	kinds := 7
	if depth == 0 {
		kinds = 5
	}
	switch r.IntN(kinds) {
	case 0:
		return append(w, []string{"null", "true", "false"}[r.IntN(3)]...)
	case 1, 2:
		return append(w, randomNumber(r)...)
	case 3, 4:
		return append(w, quoted(randomText(r))...)
	case 5:
		return w.list(r, depth)
	default:
		return w.object(r, depth)
	}
}

func (w writer) list(r *rand.Rand, depth int) writer {
	w = append(w, '[')
	for i := range r.IntN(5) {
		if i > 0 {
			w = append(w, ',')
		}
		w = w.value(r, depth-1)
	}
	return append(w, ']')
}

func (w writer) object(r *rand.Rand, depth int) writer {
	w = append(w, '{')
	for i := range r.IntN([]int{4, 30}[r.IntN(2)]) {
		if i > 0 {
			w = append(w, ',')
		}
		w = append(append(w, quoted(randomText(r))...), ':')
		w = w.value(r, min(depth-1, 1))
	}
	return append(w, '}')
}

// randomNumber favours what lies at the borders between encodings.
func randomNumber(r *rand.Rand) string {
	power := math.Ldexp(1, r.IntN(66))
	switch r.IntN(6) {
	case 0:
		return fmt.Sprint(r.IntN(600) - 300)
	case 1:
		return fmt.Sprintf("%.0f", float64(1-2*r.IntN(2))*(power+float64(r.IntN(3)-1)))
	case 2: // exact in 16 bits, or just not
		return fmt.Sprintf("%v", math.Ldexp(float64(r.IntN(4097)), r.IntN(45)-28))
	case 3: // exact in 32 bits
		if f := math.Float32frombits(r.Uint32()); f-f == 0 {
			return fmt.Sprintf("%v", float64(f))
		}
		return "-0.0"
	case 4:
		return fmt.Sprintf("%.1f", float64(r.IntN(9)-4))
	default:
		if f := math.Float64frombits(r.Uint64()); f-f == 0 {
			return fmt.Sprintf("%v", f)
		}
		return "-0"
	}
}

var letters = []rune("aab:{é\u0301ÿ日本😀\x00\"\\\n\u2028")

func randomText(r *rand.Rand) string {
	size := []int{3, 3, 30, 300}[r.IntN(4)]
	runes := make([]rune, r.IntN(size))
	for i := range runes {
		runes[i] = letters[r.IntN(len(letters))]
	}
	return string(runes)
}

func quoted(s string) string {
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(raw)
}
