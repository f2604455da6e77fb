package sidecar

import (
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"

	"github.com/burgeehq/burgee/eval"
	"github.com/burgeehq/burgee/sync/bundle"
)

// A bulk answer is the single answers in a row, whatever of it was put together beforehand.
func TestBulkIsItsSingles(t *testing.T) {
	const mixed = `{"$evaluators":{"staff":{"==":[{"var":"plan"},"pro"]}},"flags":{
		"a":{"variants":{"on":true,"off":false},"defaultVariant":"on"},
		"b":{"variants":{"on":true,"off":false},"targeting":{"if":[{"$ref":"staff"},"on","off"]}},
		"c":{"variants":{"on":true},"defaultVariant":"none"},
		"d":{"state":"DISABLED","variants":{"on":true}},
		"e":{"variants":{"on":1,"off":2},"targeting":{"fractional":[["on",1],["off",1]]}},
		"f":{"variants":{"on":null},"defaultVariant":"on"}}}`
	sums, bodies := map[uint64]string{}, map[string]uint64{}
	// The second says the same as the first of some flags, in other words.
	same := strings.Replace(mixed, `"a":{"variants":{"on":true,"off":false},"defaultVariant":"on"}`, `"a":{"variants":{"on":true,"off":false},"targeting":{"if":[{"var":"x"},"off","on"]}}`, 1)
	for _, doc := range []string{mixed, same, shop, benchFlags(), `{"flags":{}}`} {
		s := develop(t, doc)
		plain := s.holder.served()
		forced, effects := plain.Under([]eval.Override{
			{Flag: "a", Variant: "off"}, {Flag: "b", Variant: "off", Segment: "staff"}, {Flag: "e", Variant: "on"},
		}, nil)
		if doc == mixed && slices.ContainsFunc(effects, func(e eval.Effect) bool { return !e.InForce }) {
			t.Fatal(effects)
		}
		for _, rules := range []*eval.Ruleset{plain, forced} {
			now := newFlagset(rules, bundle.Head{}, 1, fromFile)
			now.counts, now.plan, now.metadataSum = newCounts(rules.Flags()), planBulk(rules), xxhash.Sum64(rules.Metadata())
			for _, body := range []string{``, `{"context":{"plan":"pro","targetingKey":"u1"}}`, benchBody} {
				w := s.workspaces.get()
				if err := w.context.ParseRequest([]byte(body)); err != nil {
					t.Fatal(err)
				}
				var singles []string
				for _, flag := range rules.Flags() {
					singles = append(singles, string(flag.Evaluate(&w.context, 1).JSON))
				}
				want := `{"flags":[` + strings.Join(singles, ",") + `],"metadata":` + string(rules.Metadata()) + `}`
				text, sum := s.appendAll(nil, &view{pinned: now.own(), now: now}, w, 1)
				if got := string(text); got != want {
					t.Errorf("for %s:\n%s\nwant\n%s", body, got, want)
				}
				if other, seen := sums[sum]; seen && other != want {
					t.Errorf("one sum for\n%s\nand\n%s", want, other)
				}
				if other, seen := bodies[want]; seen && other != sum {
					t.Errorf("two sums for\n%s", want)
				}
				sums[sum], bodies[want] = want, sum
				s.workspaces.put(w)
			}
		}
	}
}
