package eval

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
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
	for _, file := range vectorFiles(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			seen := map[string]bool{}
			for _, v := range readVectors(t, file) {
				if seen[v.Name] {
					t.Errorf("two cases are called %q", v.Name)
				}
				seen[v.Name] = true
				t.Run(v.Name, v.check)
			}
		})
	}
}

func vectorFiles(t testing.TB) []string {
	files, err := filepath.Glob("testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors:", err)
	}
	return files
}

// readVectors takes no member that it does not know: what nobody reads would
// hold nothing.
func readVectors(t testing.TB, file string) []vector {
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&vectors); err != nil {
		t.Fatal(file, err)
	}
	return eachAnswer(vectors)
}

func (v vector) check(t *testing.T) {
	doc, err := Parse(v.document(t), LoadLimits())
	if refused := v.Want["refused"] != nil; refused || err != nil {
		if !refused || err == nil {
			t.Errorf("want refused: %v, got %v", refused, err)
		}
		return
	}
	answer := v.evaluate(t, doc)
	var got map[string]json.RawMessage
	if err := json.Unmarshal(answer.JSON, &got); err != nil {
		t.Fatalf("%s: %v", answer.JSON, err)
	}
	for _, name := range []string{"value", "variant", "reason", "errorCode"} {
		if !sameText(got[name], v.Want[name]) {
			t.Errorf("%s: got %s, want %s\n%s", name, got[name], v.Want[name], answer.JSON)
		}
	}
	if v.Metadata != nil && !sameText(got["metadata"], v.Metadata) {
		t.Errorf("metadata: got %s, want %s", got["metadata"], v.Metadata)
	}
	if (answer.Code == NoError) == (got["errorDetails"] != nil) {
		t.Errorf("an error has details, and nothing else has: %s", answer.JSON)
	}
	if want := unquoted(got["reason"]); want != "" && want != answer.Reason.String() {
		t.Errorf("reason: %s in the answer, %s in its JSON", answer.Reason, want)
	}
}

// sameText tells whether two values are written alike, but for white space.
func sameText(a, b json.RawMessage) bool {
	return string(compact(a)) == string(compact(b))
}

func TestVectorsCompareAsWritten(t *testing.T) {
	cases := []struct {
		a, b string
		same bool
	}{
		{`{"b": [1, 2.0], "a": {}}`, `{"b":[1,2.0],"a":{}}`, true},
		{`1.0`, `1`, false},
		{`1e2`, `1E2`, false},
		{`9007199254740993`, `9007199254740992`, false},
		{`"é"`, `"\u00e9"`, false},
		{`"\u00e9"`, `"\u00E9"`, false},
		{`"/"`, `"\/"`, false},
		{`"<"`, `"\u003c"`, false},
		{`"a b"`, `"a  b"`, false},
		{`{"a":1,"b":2}`, `{"b":2,"a":1}`, false},
		{`null`, ``, false},
	}
	for _, c := range cases {
		if got := sameText(json.RawMessage(c.a), json.RawMessage(c.b)); got != c.same {
			t.Errorf("%s and %s: same %v, want %v", c.a, c.b, got, c.same)
		}
	}
}

func unquoted(raw json.RawMessage) (s string) {
	_ = json.Unmarshal(raw, &s) // absent is empty
	return s
}

func (v vector) evaluate(t *testing.T, doc *Document) Answer {
	if v.Flag == "" {
		v.Flag = "flag"
	}
	var c Context
	if v.Context != nil {
		if err := c.Parse(v.Context); err != nil {
			t.Fatal(err)
		}
	}
	flag := Compile(doc, Options{}).Lookup([]byte(v.Flag))
	if flag == nil {
		return NotFound(v.Flag)
	}
	return flag.Evaluate(&c, vectorTime)
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

// Every operator has its own file, in which every case uses it and every kind of
// case is there; and no file belongs to nothing.
func TestEveryOperatorHasItsVectors(t *testing.T) {
	files := map[string][]string{} // by the name without generation
	for _, file := range vectorFiles(t) {
		name := fileEnding.ReplaceAllString(filepath.Base(file), "")
		files[name] = append(files[name], file)
	}
	signs, themes := filesInReadme(t)
	for op := range operators {
		name, isSign := signs[op]
		if !isSign {
			name = op
		}
		checkOperatorFiles(t, op, files[name])
		delete(files, name)
		delete(signs, op)
	}
	for _, theme := range themes {
		if len(files[theme]) == 0 {
			t.Errorf("the README names %s.json, which is not there", theme)
		}
		delete(files, theme)
	}
	for name := range files {
		t.Errorf("%s.json: no operator and no theme of the README", name)
	}
	for op := range signs {
		t.Errorf("the README names a file for %q, which is no operator", op)
	}
}

// fileEnding is how the name of a file ends, such as -v2.json.
var fileEnding = regexp.MustCompile(`(-v[0-9]+)?\.json$`)

// filesInReadme reads the README's tables: which file each sign has, and which
// files are no operator's.
func filesInReadme(t *testing.T) (signs map[string]string, themes []string) {
	raw, err := os.ReadFile("testdata/conformance/README.md")
	if err != nil {
		t.Fatal(err)
	}
	signs = map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| (.+) \\| `([a-z-]+)\\.json` \\|$").FindAllSubmatch(raw, -1) {
		first, name := string(row[1]), string(row[2])
		if op := bytes.Trim(row[1], "`"); len(op) == len(first)-2 && !bytes.ContainsAny(op, "` ") {
			signs[string(op)] = name
		} else {
			themes = append(themes, name)
		}
	}
	return signs, themes
}

func checkOperatorFiles(t *testing.T, op string, files []string) {
	if len(files) == 0 {
		t.Errorf("%q has no file of vectors", op)
		return
	}
	kinds := map[string]int{"good": 0, "bad": 0, "edge": 0}
	for _, file := range files {
		for _, v := range readVectors(t, file) {
			if _, known := kinds[v.Kind]; !known {
				t.Errorf("%s: %s: unknown kind %q", file, v.Name, v.Kind)
			}
			kinds[v.Kind]++
			if !v.uses(op) {
				t.Errorf("%s: %s: does not use %q", file, v.Name, op)
			}
		}
	}
	for kind, n := range kinds {
		if n == 0 {
			t.Errorf("%q has no %s case", op, kind)
		}
	}
}

func (v vector) uses(op string) bool {
	var tree any
	_ = json.Unmarshal(append(v.Rule, v.Flags...), &tree) // a case has one of the two
	return hasMember(tree, op)
}

func hasMember(tree any, name string) bool {
	switch tree := tree.(type) {
	case map[string]any:
		for member, inner := range tree {
			if member == name || hasMember(inner, name) {
				return true
			}
		}
	case []any:
		for _, inner := range tree {
			if hasMember(inner, name) {
				return true
			}
		}
	}
	return false
}
