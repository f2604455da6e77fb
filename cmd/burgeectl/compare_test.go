package main

import (
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// TestTombstonesStayForEver removes a flag, brings it back as something else, and removes it again.
func TestTombstonesStayForEver(t *testing.T) {
	const (
		nothing = `{"flags": {}}`
		flag    = `{"flags": {"a": {"state": "ENABLED", "variants": %s, "defaultVariant": "x"}}}`
	)
	boolean, text := fmt.Sprintf(flag, `{"x": true, "w": false}`), fmt.Sprintf(flag, `{"x": "1"}`)
	other := bundle.Retired{Flag: "other", Type: "object", Variants: []string{"v"}, Revision: 1}
	first := bundle.Retired{Flag: "a", Type: "boolean", Variants: []string{"w", "x"}, Revision: 2}
	second := bundle.Retired{Flag: "a", Type: "string", Variants: []string{"x"}, Revision: 5}
	retired := []bundle.Retired{other}
	for _, step := range []struct {
		revision      int64
		before, after string
		want          []bundle.Retired
	}{
		{2, boolean, nothing, []bundle.Retired{other, first}},
		{3, nothing, boolean, []bundle.Retired{other, first}}, // it is back
		{4, boolean, text, []bundle.Retired{other, first}},    // and becomes something else
		{5, text, nothing, []bundle.Retired{other, second}},   // the newest removal is what counts
		{6, nothing, text, []bundle.Retired{other, second}},
	} {
		c, err := compare(publish.Step{Revision: step.revision, Before: []byte(step.before), After: []byte(step.after), Retired: retired})
		if err != nil || !reflect.DeepEqual(c.Retired, step.want) {
			t.Fatalf("revision %d: tombstones %+v, %v; want %+v", step.revision, c.Retired, err, step.want)
		}
		retired = c.Retired
	}
}

// Whoever goes back to older flags does without those before, where these break a rule of today: by this error it is told.
func TestFlagsBeforeThatCannotBeReadAreTold(t *testing.T) {
	good := []byte(`{"flags": {}}`)
	if _, err := compare(publish.Step{Before: []byte(`{"flags": 1}`), After: good}); !errors.Is(err, publish.ErrBefore) {
		t.Errorf("before: %v", err)
	}
	if _, err := compare(publish.Step{Before: good, After: []byte(`{"flags": 1}`)}); err == nil || errors.Is(err, publish.ErrBefore) {
		t.Errorf("after: %v", err)
	}
}
