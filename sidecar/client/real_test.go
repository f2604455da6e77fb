package client_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

func examples(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("../../examples/flags.json")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// What a real sidecar says to the calls of this package.
func TestValuesOfASidecar(t *testing.T) {
	c := connect(t, clienttest.Start(t, examples(t)).Socket)
	german := map[string]any{"targetingKey": "u1", "country": "DE"}
	all, err := c.Values(t.Context(), german)
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, flag := range all.Flags {
		keys = append(keys, flag.Key)
	}
	if len(keys) != 7 || !slices.IsSorted(keys) || all.Revision != 1 || len(all.CacheKey) != 32 || all.Metadata["flagSetId"] != "shop" {
		t.Errorf("all flags: %+v", all)
	}
	opened, err := c.Open(t.Context())
	if err != nil || opened != all.Snapshot || !strings.HasPrefix(opened.String(), "u1.1.") {
		t.Errorf("opened %q, error %v; want the state of all flags, %q", opened, err, all.Snapshot)
	}

	ask := func(attributes map[string]any, flags ...string) client.Values {
		t.Helper()
		values, err := c.Values(t.Context(), attributes, flags...)
		if err != nil {
			t.Fatal(err)
		}
		return values
	}
	one := ask(german, "new_pricing", "no_such_flag", "search_timeout_ms")
	if len(one.Flags) != 3 || string(one.Flags[0].Value) != `"dynamic"` || one.Flags[1].ErrorCode != "FLAG_NOT_FOUND" || string(one.Flags[2].Value) != "250" {
		t.Errorf("named flags: %+v", one.Flags)
	}
	if other := ask(german, "search_timeout_ms", "no_such_flag", "new_pricing"); other.CacheKey != one.CacheKey {
		t.Errorf("in another order the key is %s; want %s", other.CacheKey, one.CacheKey)
	}
	if twice := ask(german, "new_pricing", "no_such_flag", "new_pricing"); len(twice.Flags) != 2 {
		t.Errorf("a flag that is named twice is answered %d times", len(twice.Flags)-1)
	}
	if other := ask(nil, "new_pricing", "no_such_flag", "search_timeout_ms"); other.CacheKey == one.CacheKey {
		t.Errorf("for another variant the key is %s too", other.CacheKey)
	}
}

// Tokens of others, and what is none, are as none to a real sidecar; the list that the request brought is completed.
func TestASidecarAdoptsAndCompletes(t *testing.T) {
	c := connect(t, clienttest.Start(t, examples(t)).Socket)
	opened, err := c.Open(carrying(t, theirs))
	if err != nil || !strings.HasPrefix(opened.String(), theirs+"~u1.1.") {
		t.Fatalf("opened %q, error %v; want %q and a token of revision 1", opened, err, theirs)
	}
	flag, err := c.Evaluate(client.With(t.Context(), opened), "payments_enabled", nil)
	if err != nil || string(flag.Value) != "true" || flag.Metadata["burgee.pin"] != nil {
		t.Errorf("got %+v, error %v; want true, from the pinned state", flag, err)
	}
}
