package main

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// meaning is what a flag of the histories is: a type and the names of its variants.
type meaning struct{ kind, variants string }

var meanings = []meaning{{"boolean", "a,b"}, {"boolean", "a,c"}, {"string", "a,b"}, {"number", "a,b"}}

func (m meaning) definition() string {
	values := map[string][2]string{"boolean": {"true", "false"}, "string": {`"x"`, `"y"`}, "number": {"1", "2"}}
	var variants []string
	for i, name := range strings.Split(m.variants, ",") {
		variants = append(variants, fmt.Sprintf("%q:%s", name, values[m.kind][i]))
	}
	return fmt.Sprintf(`{"state":"ENABLED","variants":{%s},"defaultVariant":"a"}`, strings.Join(variants, ","))
}

func documentOf(flags map[string]meaning) []byte {
	var text []string
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		text = append(text, fmt.Sprintf("%q:%s", key, flags[key].definition()))
	}
	return []byte(`{"flags":{` + strings.Join(text, ",") + `}}`)
}

// Through any history, a key goes on with its type, and comes back after its removal only where somebody means it, as what it was.
func TestKeysKeepTheirMeaning(t *testing.T) {
	refused, taken := 0, 0
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 0))
		live, gone := map[string]meaning{}, map[string]meaning{}
		var before []byte
		var retired []bundle.Retired
		for revision := int64(1); revision <= 30; revision++ {
			next, g, legal := maps.Clone(live), guards{}, true
			for range 1 + random.IntN(2) {
				key, m := string(rune('a'+random.IntN(4))), meanings[random.IntN(len(meanings))]
				if _, lives := next[key]; lives && random.IntN(2) == 0 {
					delete(next, key)
				} else {
					next[key] = m
				}
				if random.IntN(3) == 0 && !slices.Contains(g.Revive, key) {
					g.Revive = append(g.Revive, key)
				}
			}
			for key, now := range next {
				was, lives := live[key]
				old, dead := gone[key]
				meant := slices.Contains(g.Revive, key)
				switch {
				case lives:
					legal = legal && was.kind == now.kind
				case dead:
					legal = legal && meant && old == now
				}
			}
			for _, key := range g.Revive {
				_, dead := gone[key]
				_, wanted := next[key]
				legal = legal && dead && wanted
			}
			document := documentOf(next)
			got, err := g.compare(publish.Step{Revision: revision, Before: before, After: document, Retired: retired})
			if (err == nil) != legal {
				t.Fatalf("seed %d, revision %d, --revive %v: %v\nbefore %s\nafter %s\ngone %v", seed, revision, g.Revive, err, before, document, gone)
			}
			if err != nil {
				refused++
				continue
			}
			taken++
			for key, m := range live {
				if _, stays := next[key]; !stays {
					gone[key] = m
				}
			}
			before, retired, live = document, got.Retired, next
		}
	}
	if refused < 1000 || taken < 1000 {
		t.Errorf("%d refused and %d taken; want many of both", refused, taken)
	}
}
