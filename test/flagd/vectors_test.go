package flagd

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
)

// vector is one case of eval/testdata/conformance; its README explains the format.
type vector struct {
	Name     string
	Rule     json.RawMessage
	Variants []string
	Flags    json.RawMessage
	Flag     string
	Context  json.RawMessage
	Want     json.RawMessage
	Metadata json.RawMessage
	Differs  string
}

// TestVectors holds the vectors to what they say of flagd: it agrees, or it
// differs where the case says so.
func TestVectors(t *testing.T) {
	skipped := 0
	for _, v := range readVectors(t) {
		if !v.flagdKnowsBucketing(t) {
			skipped++
			continue
		}
		t.Run(v.Name, v.check)
	}
	t.Logf("%d cases skipped, since their document asks for a bucketing that this flagd does not know", skipped)
}

// readVectors reads every file there is, so that no name of one matters here.
func readVectors(t testing.TB) []vector {
	files, err := filepath.Glob("../../eval/testdata/conformance/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal("no vectors:", err)
	}
	var all []vector
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(raw, &vectors); err != nil {
			t.Fatal(file, err)
		}
		all = append(all, vectors...)
	}
	return all
}

// flagdKnowsBucketing is false for documents of a generation after v2: flagd
// ignores metadata.bucketing and buckets by v2 all the same.
func (v vector) flagdKnowsBucketing(t *testing.T) bool {
	if v.Flags == nil {
		return true
	}
	var d struct {
		Metadata struct{ Bucketing any }
	}
	if err := json.Unmarshal(v.Flags, &d); err != nil {
		t.Fatalf("%s: %v", v.Name, err)
	}
	return d.Metadata.Bucketing == nil || d.Metadata.Bucketing == "v2"
}

// chances is how often a case that differs may agree by chance, since flagd
// replaces references in the order of a map.
const chances = 50

func (v vector) check(t *testing.T) {
	if v.Differs == "" {
		if got, same := v.asks(t); !same {
			t.Errorf("flagd answers %s\nwant %s, metadata %s", got, v.Want, v.Metadata)
		}
		return
	}
	for range chances {
		if _, same := v.asks(t); !same {
			return
		}
	}
	t.Errorf("flagd answers as wanted; it differs no more: %q", v.Differs)
}

// asks tells what flagd answers, and whether that is what the case wants. A
// document that flagd refuses is an answer that nobody wants.
func (v vector) asks(t *testing.T) (got string, same bool) {
	flagd, err := newReference()
	if err != nil {
		t.Fatal(err)
	}
	if err := flagd.load(v.document(t)); err != nil {
		return err.Error(), false
	}
	if v.Context != nil {
		if err := flagd.setContext(string(v.Context)); err != nil {
			t.Fatal(err)
		}
	}
	key := v.Flag
	if key == "" {
		key = "flag"
	}
	raw, err := flagd.raw(key)
	if err != nil {
		t.Fatal(err)
	}
	body := tokens(t, raw)
	wanted := tokens(t, v.Want)
	if v.Metadata != nil {
		wanted["metadata"] = any(tokens(t, v.Metadata))
	} else {
		delete(body, "metadata")
	}
	delete(body, "key")
	delete(body, "errorDetails")
	return string(raw), reflect.DeepEqual(body, wanted)
}

// tokens reads an object whose numbers stay as they are written.
func tokens(t *testing.T, raw []byte) map[string]any {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v map[string]any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return v
}

// document is the flag of a case that gives only its rule.
func (v vector) document(t testing.TB) string {
	if v.Flags != nil {
		return string(v.Flags)
	}
	return ruleDocument(t, v.Rule, v.Variants)
}

func ruleDocument(t testing.TB, rule json.RawMessage, more []string) string {
	variants := make(map[string]string)
	for _, name := range slices.Concat([]string{"default", "yes", "no", "true", "false"}, more) {
		variants[name] = name
	}
	flag := map[string]any{"state": "ENABLED", "variants": variants, "defaultVariant": "default"}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	whole := maps.Clone(flag)
	whole["targeting"] = rule
	if err := enc.Encode(map[string]any{"flags": map[string]any{"flag": whole}}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
