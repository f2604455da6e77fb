package lint_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/eval/lint"
)

func TestNothingIsWrongWithTheExamples(t *testing.T) {
	raw, err := os.ReadFile("../../examples/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	if found := check(t, string(raw), lint.Options{Day: time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)}); len(found) > 0 {
		t.Error(shown(found))
	}
}

// vector is a case of eval's conformance vectors, as far as it matters here.
type vector struct {
	Name, Kind, Bucketing string
	Rule, Flags           json.RawMessage
	Variants              []string
}

func vectors(t testing.TB) []vector {
	t.Helper()
	files, err := filepath.Glob("../testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors:", err)
	}
	var all []vector
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []vector
		if err := json.Unmarshal(raw, &some); err != nil {
			t.Fatal(file, err)
		}
		for _, v := range some {
			v.Name = filepath.Base(file) + ": " + v.Name
			all = append(all, v)
		}
	}
	return all
}

func (v vector) document() string {
	if v.Flags != nil {
		return string(v.Flags)
	}
	var names []string
	for _, name := range append([]string{"default", "yes", "no", "true", "false"}, v.Variants...) {
		if entry := fmt.Sprintf("%q:%q", name, name); !slices.Contains(names, entry) {
			names = append(names, entry)
		}
	}
	metadata := ""
	if v.Bucketing != "" {
		metadata = fmt.Sprintf(`,"metadata":{"bucketing":%q}`, v.Bucketing)
	}
	return fmt.Sprintf(`{"flags":{"flag":{"state":"ENABLED","variants":{%s},"defaultVariant":"default","targeting":%s}}%s}`, strings.Join(names, ","), v.Rule, metadata)
}

// What operators are made for is no error, however odd the rule around it is.
func TestNothingIsWrongWithOperatorsThatAreUsedWell(t *testing.T) {
	checked := 0
	for _, v := range vectors(t) {
		doc, err := eval.Parse([]byte(v.document()), eval.LoadLimits())
		if err != nil {
			continue // the vector is about that
		}
		for _, f := range lint.Check(doc, lint.Options{Day: today, Contract: lint.Off}) {
			if v.Kind == "good" && f.Severity == lint.Error {
				t.Errorf("%s: %s\n%s", v.Name, v.Rule, shown([]lint.Finding{f}))
			}
		}
		checked++
	}
	if checked < 500 {
		t.Errorf("only %d vectors were checked", checked)
	}
}
