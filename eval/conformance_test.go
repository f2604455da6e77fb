package eval

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// vector is one case of testdata/conformance; its README explains the format.
type vector struct {
	Name     string
	Kind     string
	Rule     json.RawMessage
	Variants []string
	Flags    json.RawMessage
	Flag     string
	Context  json.RawMessage
	Want     map[string]json.RawMessage
	Metadata json.RawMessage
	Differs  string

	Bucketing string
	Answers   []vector // instead of Context and Want
	Bytes     string
	Hash      *uint32
}

const vectorTime = 1_800_000_000

func TestConformance(t *testing.T) {
	files, err := filepath.Glob("testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors:", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			for _, v := range readVectors(t, file) {
				t.Run(v.Name, v.check)
			}
		})
	}
}

func readVectors(t testing.TB, file string) []vector {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(raw, &vectors); err != nil {
		t.Fatal(file, err)
	}
	return eachAnswer(vectors)
}

func (v vector) check(t *testing.T) {
	answer := v.evaluate(t)
	var got map[string]json.RawMessage
	if err := json.Unmarshal(answer.JSON, &got); err != nil {
		t.Fatalf("%s: %v", answer.JSON, err)
	}
	for _, name := range []string{"value", "variant", "reason", "errorCode"} {
		if string(compact(got[name])) != string(compact(v.Want[name])) {
			t.Errorf("%s: got %s, want %s\n%s", name, got[name], v.Want[name], answer.JSON)
		}
	}
	if v.Metadata != nil && string(got["metadata"]) != string(compact(v.Metadata)) {
		t.Errorf("metadata: got %s, want %s", got["metadata"], v.Metadata)
	}
	if (answer.Code == NoError) == (got["errorDetails"] != nil) {
		t.Errorf("an error has details, and nothing else has: %s", answer.JSON)
	}
	if want := unquoted(got["reason"]); want != "" && want != answer.Reason.String() {
		t.Errorf("reason: %s in the answer, %s in its JSON", answer.Reason, want)
	}
}

func unquoted(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // absent is empty
	return s
}

func (v vector) evaluate(t *testing.T) Answer {
	doc, err := Parse(v.document(t), LoadLimits())
	if err != nil {
		t.Fatal(err)
	}
	if v.Flag == "" {
		v.Flag = "flag"
	}
	var c Context
	if v.Context != nil {
		if err := c.Parse(v.Context); err != nil {
			t.Fatal(err)
		}
	}
	return Compile(doc, Options{}).Lookup([]byte(v.Flag)).Evaluate(&c, vectorTime)
}

// document is the flag of a case that gives only its rule.
func (v vector) document(t *testing.T) []byte {
	if v.Flags != nil {
		return v.Flags
	}
	variants := map[string]string{}
	for _, name := range append([]string{"default", "yes", "no", "true", "false"}, v.Variants...) {
		variants[name] = name
	}
	flag := map[string]any{"state": "ENABLED", "variants": variants, "defaultVariant": "default", "targeting": v.Rule}
	var raw bytes.Buffer
	enc := json.NewEncoder(&raw)
	enc.SetEscapeHTML(false)
	whole := map[string]any{"flags": map[string]any{"flag": flag}}
	if v.Bucketing != "" {
		whole["metadata"] = map[string]any{"bucketing": v.Bucketing}
	}
	if err := enc.Encode(whole); err != nil {
		t.Fatal(err)
	}
	return raw.Bytes()
}

// Every operator has a vector that uses it.
func TestEveryOperatorHasVectors(t *testing.T) {
	missing := maps.Clone(operators)
	files, _ := filepath.Glob("testdata/conformance/*.json")
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			var tree any
			_ = json.Unmarshal(append(append(json.RawMessage(`[`), v.Rule...), ']'), &tree)
			removeUsed(missing, tree)
		}
	}
	if len(missing) > 0 {
		t.Errorf("no vectors for %q", slices.Sorted(maps.Keys(missing)))
	}
}

func removeUsed(names map[string]compileFunc, tree any) {
	switch tree := tree.(type) {
	case map[string]any:
		for name, inner := range tree {
			delete(names, name)
			removeUsed(names, inner)
		}
	case []any:
		for _, inner := range tree {
			removeUsed(names, inner)
		}
	}
}
