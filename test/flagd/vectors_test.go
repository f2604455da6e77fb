package flagd

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
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

	Bucketing string
	Answers   []vector // instead of Context and Want
}

// TestVectors holds the vectors to what they say of flagd: it agrees, or it
// differs where the case says so.
func TestVectors(t *testing.T) {
	flagd, err := newReference() // one for all: making it is mostly compiling flagd's schema
	if err != nil {
		t.Fatal(err)
	}
	skipped := 0
	for _, v := range readVectors(t) {
		if !v.flagdKnowsBucketing(t) {
			skipped++
			continue
		}
		t.Run(v.Name, func(t *testing.T) { v.check(t, flagd) })
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
		for _, v := range vectors {
			all = append(all, v.each()...)
		}
	}
	return all
}

// each gives a case for every context that it has.
func (v vector) each() []vector {
	if v.Answers == nil {
		return []vector{v}
	}
	cases := make([]vector, len(v.Answers))
	for i, answer := range v.Answers {
		cases[i] = v
		cases[i].Name = fmt.Sprintf("%s, %d", v.Name, i+1)
		cases[i].Context, cases[i].Want = answer.Context, answer.Want
	}
	return cases
}

// flagdKnowsBucketing is false for documents of a generation after v2: flagd
// ignores metadata.bucketing and buckets by v2 all the same.
func (v vector) flagdKnowsBucketing(t *testing.T) bool {
	if v.Flags == nil {
		return v.Bucketing == "" || v.Bucketing == "v2"
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

func (v vector) check(t *testing.T, flagd *reference) {
	if v.Differs == "" {
		if got := v.ask(t, flagd); !got.same {
			t.Errorf("flagd answers %s\nwant %s, metadata %s", got.body, v.Want, v.Metadata)
		}
		return
	}
	for range chances {
		if got := v.ask(t, flagd); !got.same || !got.sameText {
			return
		}
	}
	t.Errorf("flagd answers as wanted; it differs no more: %q", v.Differs)
}

// got is what flagd answers to a case.
type got struct {
	body     string
	same     bool // as the case wants it, but for how strings and objects are written
	sameText bool // value and metadata are written as the case wants them
}

// ask gives flagd's answer. A document that it refuses is one too.
func (v vector) ask(t *testing.T, flagd *reference) got {
	refused := tokens(t, v.Want)["refused"] == true
	if err := flagd.load(v.document(t)); err != nil || refused {
		return got{body: fmt.Sprint(err), same: refused && err != nil, sameText: true}
	}
	if err := flagd.setContext(cmp.Or(string(v.Context), "{}")); err != nil {
		t.Fatal(err)
	}
	raw, err := flagd.raw(cmp.Or(v.Flag, "flag"))
	if err != nil {
		t.Fatal(err)
	}
	return v.compare(t, raw)
}

func (v vector) compare(t *testing.T, raw []byte) got {
	body, wanted := tokens(t, raw), tokens(t, v.Want)
	if v.Metadata != nil {
		wanted["metadata"] = any(tokens(t, v.Metadata))
	} else {
		delete(body, "metadata")
	}
	delete(body, "key")
	delete(body, "errorDetails")
	have, want := texts(t, raw), texts(t, v.Want)
	return got{
		body:     string(raw),
		same:     reflect.DeepEqual(body, wanted),
		sameText: have["value"] == want["value"] && (v.Metadata == nil || have["metadata"] == compact(t, v.Metadata)),
	}
}

// texts gives the members of an object as they are written, without white space.
func texts(t *testing.T, raw []byte) map[string]string {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	written := make(map[string]string, len(members))
	for name, member := range members {
		written[name] = compact(t, member)
	}
	return written
}

func compact(t *testing.T, raw []byte) string {
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return b.String()
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
