package eval

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// history makes revisions of a document of all that can change in one: flags
// that come, go, change and come back as they were, evaluators, metadata of the
// set, the generation of fractional.
type history struct {
	*rand.Rand
	flags, evaluators map[string]string
	metadata          string
	options           Options
}

func newHistory(seed uint64) *history {
	h := &history{Rand: rand.New(rand.NewPCG(seed, 9)), flags: make(map[string]string), evaluators: make(map[string]string)}
	for range 40 {
		h.change()
	}
	return h
}

// revision is the document after a few changes.
func (h *history) revision() string {
	for range h.IntN(5) {
		h.change()
	}
	var doc strings.Builder
	fmt.Fprintf(&doc, `{%s"$evaluators":{`, h.metadata)
	writeMembers(&doc, h.evaluators)
	doc.WriteString(`},"flags":{`)
	writeMembers(&doc, h.flags)
	return doc.String() + `}}`
}

func writeMembers(doc *strings.Builder, members map[string]string) {
	separator := ""
	for _, name := range slices.Sorted(maps.Keys(members)) {
		fmt.Fprintf(doc, `%s%q:%s`, separator, name, members[name])
		separator = ","
	}
}

func (h *history) key() string     { return fmt.Sprintf("f%d", h.IntN(20)) }
func (h *history) segment() string { return []string{"e", "s", "t", "u"}[h.IntN(4)] }

func (h *history) change() {
	switch n := h.IntN(100); {
	case n < 68:
		h.flags[h.key()] = h.flag()
	case n < 78:
		delete(h.flags, h.key())
	case n < 90:
		h.evaluators[h.segment()] = h.evaluator()
	case n < 93:
		delete(h.evaluators, h.segment())
	case n < 97:
		h.metadata = []string{``, `"metadata":{"set":1},`, `"metadata":{"set":2},`, `"metadata":{"bucketing":"v3"},`}[h.IntN(4)]
	case n < 98:
		h.options.AnswerContract = !h.options.AnswerContract
	}
}

func (h *history) flag() string {
	e := h.segment()
	rule := []string{
		`{}`, `{}`,
		fmt.Sprintf(`{"if":[{"$ref":%q},"x",{"==":[{"var":"a%d"},%d]},"y"]}`, e, h.IntN(30), h.IntN(3)),
		fmt.Sprintf(`{"fractional":[{"var":"a%d"},["x",1],["y",%d],["z",1]]}`, h.IntN(30), 1+h.IntN(2)),
		`{"fractional":[["x",1],["y",1],["z",1]]}`,
		fmt.Sprintf(`{"if":[{"==":[{"var":"a%d.b"},1]},"x",{"var":"a%d"}]}`, h.IntN(30), h.IntN(30)),
		fmt.Sprintf(`{"$ref":%q}`, e),
		fmt.Sprintf(`{"if":[{"missing":["a%d"]},"x","z"]}`, h.IntN(30)),
	}[h.IntN(8)]
	var metadata []string
	for _, entry := range []string{
		`"safeVariant":"z"`, `"failMode":"closed"`, `"maxStaleness":"90s"`, fmt.Sprintf(`"subject":"a%d"`, h.IntN(30)), `"owner":"team"`, `"set":3`,
	} {
		if h.IntN(3) == 0 {
			metadata = append(metadata, entry)
		}
	}
	state := []string{"ENABLED", "ENABLED", "ENABLED", "ENABLED", "DISABLED"}[h.IntN(5)]
	missing := []string{"x", "y", "z", "z", "z", "broken"}[h.IntN(6)]
	return fmt.Sprintf(`{"state":%q,"variants":{"x":%d,"y":0,"z":"safe"},"defaultVariant":%q,"targeting":%s,"metadata":{%s}}`,
		state, h.IntN(3), missing, rule, strings.Join(metadata, ","))
}

func (h *history) evaluator() string {
	return []string{
		fmt.Sprintf(`{"==":[{"var":"a%d"},%d]}`, h.IntN(30), h.IntN(3)),
		fmt.Sprintf(`{"in":[{"var":"a%d"},[1,"s1"]]}`, h.IntN(30)),
		fmt.Sprintf(`{"$ref":%q}`, h.segment()), // to itself, now and then
		fmt.Sprintf(`{"==":[{"fractional":[{"var":"a%d"},["x",1],["y",1]]},"x"]}`, h.IntN(30)),
		`{"==":[{"fractional":[["x",1],["y",1]]},"x"]}`,
		fmt.Sprintf(`{"<":[{"stable_bucket":[{"var":"a%d"},"salt"]},0.5]}`, h.IntN(30)),
		`{"==":[{"var":"$flagd.flagKey"},"f1"]}`,
		`{"in":[1,2]}`, // fails
	}[h.IntN(8)]
}

func (h *history) overrides() []Override {
	var all []Override
	for range h.IntN(5) {
		o := Override{Flag: h.key(), Variant: []string{"", "x", "y", "none"}[h.IntN(4)]}
		if h.IntN(3) > 0 {
			o.Segment = h.segment()
		}
		all = append(all, o)
	}
	return all
}

// closing lets about half of the flags fail, the same ones however often they are asked.
func (h *history) closing() Closing {
	if h.IntN(3) == 0 {
		return nil
	}
	salt := fmt.Sprint(h.IntN(1000))
	return func(f *Flag) string {
		if _, closed := f.FailsClosed(); !closed {
			panic("asked for a flag that does not fail closed")
		}
		sum := fnv.New32a()
		_, _ = sum.Write([]byte(f.Key() + salt))
		return []string{"", "", "stale", "expired"}[sum.Sum32()/7%4]
	}
}

// perhapsUnder gives the same ruleset, now and then with something in force, which is not what a past is of.
func (h *history) perhapsUnder(r *Ruleset) *Ruleset {
	if h.IntN(2) == 0 {
		r, _ = r.Under(h.overrides(), h.closing())
	}
	return r
}

// A past answers what the whole ruleset that it was would answer, whatever the
// base is and was, whatever is in force, and whoever asks.
func TestPastAnswersAsItsRuleset(t *testing.T) {
	const retained = 16
	type held struct {
		whole *Ruleset
		past  *Past
	}
	owned, shared, absent := 0, 0, 0
	for seed := range uint64(repeats(20)) {
		h := newHistory(seed)
		served := Compile(document(t, h.revision()), h.options)
		var all []held
		for revision := range 25 {
			from := served
			switch h.IntN(12) {
			case 0: // as after a restart
				served = Compile(document(t, h.revision()), h.options)
			case 1: // back to one that is held
				if len(all) > 0 {
					served = all[h.IntN(len(all))].whole
				}
			case 2: // a side line
				if len(all) > 0 {
					served = CompileAfter(all[h.IntN(len(all))].whole, document(t, h.revision()), h.options)
				}
			default:
				served = CompileAfter(from, document(t, h.revision()), h.options)
			}
			for i := range all {
				all[i].past = all[i].past.Rebase(h.perhapsUnder(from), h.perhapsUnder(served))
			}
			all = append(all, held{from, h.perhapsUnder(from).Past(h.perhapsUnder(served))})
			if h.IntN(4) == 0 { // one that is to come
				coming := CompileAfter(served, document(t, h.revision()), h.options)
				all = append(all, held{coming, coming.Past(served)})
			}
			all = all[max(0, len(all)-retained):]

			overrides, closing := h.overrides(), h.closing()
			others := overrides
			if h.IntN(3) == 0 {
				others = h.overrides()
			}
			base, _ := served.Under(others, closing)
			for i, it := range all {
				what := fmt.Sprintf("seed %d, revision %d, held %d", seed, revision, i)
				comparePast(t, what+" as published", h, it.whole, it.past, served)
				whole, _ := it.whole.Under(overrides, closing)
				past := it.past.Under(base, overrides, closing)
				if h.IntN(4) == 0 {
					past = it.past.Under(base, others, closing).Under(base, overrides, closing)
				}
				comparePast(t, what+fmt.Sprintf(" under %v, in the base %v", overrides, others), h, whole, past, base)
				if h.IntN(4) == 0 { // what is in force is left behind
					all[i].past = past
				}
				owned, absent = owned+len(past.own), absent+len(past.keys)-len(past.own)
				shared += past.Len() - len(past.own)
			}
		}
	}
	t.Logf("%d own flags, %d shared, %d absent", owned, shared, absent)
	if min(owned, shared, absent) == 0 {
		t.Error("one kind was never met")
	}
}

// comparePast asks both for everything, the past with one context for own and shared flags in turn.
func comparePast(t *testing.T, what string, h *history, whole *Ruleset, past *Past, base *Ruleset) {
	t.Helper()
	if past.Len() != whole.Len() || !bytes.Equal(past.Metadata(), whole.Metadata()) || !slices.Equal(past.Broken(), whole.Broken()) {
		t.Fatalf("%s: %d flags, %s, %v; want %d, %s, %v", what, past.Len(), past.Metadata(), past.Broken(), whole.Len(), whole.Metadata(), whole.Broken())
	}
	var all []*Flag
	for f, own := range past.All() {
		found, foundOwn := past.Lookup([]byte(f.Key()))
		places := base.Flags()
		if own {
			places = past.Own()
		}
		if found != f || foundOwn != own || places[f.Index()] != f {
			t.Fatalf("%s: %s, own %v, is not at its place", what, f.Key(), own)
		}
		all = append(all, f)
	}
	for i, want := range whole.Flags() {
		f := all[i]
		boundOf, closedOf := f.FailsClosed()
		if bound, closed := want.FailsClosed(); f.Key() != want.Key() || f.Overridden() != want.Overridden() || boundOf != bound || closedOf != closed ||
			f.raw != want.raw || f.Broken() != want.Broken() || f.Disabled() != want.Disabled() || !slices.Equal(f.Variants(), want.Variants()) {
			t.Fatalf("%s: %s is another flag than %s", what, f.Key(), want.Key())
		}
		a, fixed := f.Fixed()
		b, wantFixed := want.Fixed()
		if fixed != wantFixed || fixed && !sameAnswer(a, b) {
			t.Fatalf("%s: %s is fixed, %v, to %s; want %v, %s", what, f.Key(), fixed, a.JSON, wantFixed, b.JSON)
		}
	}
	for range 20 {
		key := h.key()
		if f, own := past.Lookup([]byte(key)); (f == nil) != (whole.Lookup([]byte(key)) == nil) || f == nil && own {
			t.Fatalf("%s: %s is there in one only", what, key)
		}
	}
	var one, two Context
	for range 4 {
		body := randomSubject(h.Rand)
		if one.Parse([]byte(body)) != nil || two.Parse([]byte(body)) != nil {
			t.Fatal(body)
		}
		for i, want := range whole.Flags() {
			if got, want := all[i].Evaluate(&one, 1), want.Evaluate(&two, 1); !sameAnswer(got, want) {
				t.Fatalf("%s: %s for %s; want %s", what, got.JSON, body, want.JSON)
			}
		}
	}
}

func sameAnswer(a, b Answer) bool {
	return bytes.Equal(a.JSON, b.JSON) && a.Sum == b.Sum && a.Variant == b.Variant && a.Reason == b.Reason && a.Code == b.Code &&
		a.FailClosed == b.FailClosed && a.Overridden == b.Overridden
}
