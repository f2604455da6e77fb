package eval

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// maxEvaluation is the most memory that one evaluation may take, in bytes.
const maxEvaluation = 32 << 20

// However large the context is, a rule with a loop in it stays within its steps
// and within bounds of memory.
func TestLoopsOverHostileContexts(t *testing.T) {
	long := strings.Repeat("1", 40_000)
	caller := fmt.Sprintf(`{"l":[%s0],"v":%q,"s":%q,"targetingKey":"u"}`, strings.Repeat("0,", 9_990), "1.0.0-"+long, long)
	for _, body := range []string{
		`{"sem_ver":[{"var":"v"},">=","2.0.0"]}`,
		`{"sem_ver":[{"var":"v"},">=",{"var":"v"}]}`,
		`{"<":[{"stable_bucket":[{"var":"s"},"salt"]},0]}`,
		`{"==":[{"var":"s"},7]}`,
		`{"<":[{"+":[{"var":"s"},1]},0]}`,
		`{"==":[{"fractional":[{"var":"s"},["x",1]]},"y"]}`,
		`{"==":[{"cat":[{"var":"s"},"x"]},"y"]}`,
		`{"in":["zz",{"var":"s"}]}`,
	} {
		flag := onlyFlag(t, `{"if":[{"some":[{"var":"l"},`+body+`]},"on","off"]}`, "on", "off")
		var c Context
		if err := c.Parse([]byte(caller)); err != nil {
			t.Fatal(err)
		}
		before := allocated()
		flag.Evaluate(&c, 1)
		if taken := allocated() - before; taken > maxEvaluation {
			t.Errorf("%s: %d MiB for one evaluation", body, taken>>20)
		}
	}
}

func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// A pre-release is compared with a version of the rule without allocating.
func TestPreReleasesAllocateNothing(t *testing.T) {
	flag := onlyFlag(t, `{"if":[{"sem_ver":[{"var":"v"},">=","2.0.0"]},"on","off"]}`, "on", "off")
	var c Context
	if err := c.Parse([]byte(`{"v":"2.1.0-beta.1"}`)); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { flag.Evaluate(&c, 1) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// What a document costs to compile grows with its size, not with the square of it.
func TestManyVariantsAndManyStrings(t *testing.T) {
	var variants, strs, lists []string
	for i := range LoadLimits().List {
		variants = append(variants, fmt.Sprintf(`"v%d":1`, i))
		strs = append(strs, fmt.Sprintf(`"%d"`, i))
	}
	for range 7 { // as many as the values of one flag allow
		lists = append(lists, `{"in":[{"var":"a"},[`+strings.Join(strs, ",")+`]]}`)
	}
	doc := `{"flags":{"a":{"variants":{` + strings.Join(variants, ",") + `},"targeting":{"if":[{"or":[` + strings.Join(lists, ",") + `]},"v4999"]}}}}`
	var c Context
	if err := c.Parse([]byte(`{"a":"17"}`)); err != nil {
		t.Fatal(err)
	}
	rules := Compile(document(t, doc), Options{})
	if a := rules.Flags()[0].Evaluate(&c, 1); a.Variant != 4999 {
		t.Errorf("%s", a.JSON)
	}
}
