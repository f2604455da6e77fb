package publish

import (
	"context"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
)

// TestALookSeesWhatPublishRefuses looks at one store after another, from a head that was read before.
func TestALookSeesWhatPublishRefuses(t *testing.T) {
	f, k := newFake(), newKey(t)
	p, look := newPublisher(t, k.config(f)), NewLooker(f, k.policy(t))
	state := func(what string, head bundle.Head, good func(error) bool) {
		t.Helper()
		before := f.snapshot()
		if err := look.State(context.Background(), head); !good(err) {
			t.Errorf("%s: %v", what, err)
		}
		if after := f.snapshot(); len(after) != len(before) {
			t.Errorf("%s: the look wrote something", what)
		}
	}
	fine := func(err error) bool { return err == nil }

	state("nothing published", bundle.Head{}, fine)
	first := mustPublish(t, p, "one", "a", "b").Head
	state("a head", first, fine)
	f.put(bundle.RevisionKey(1), nil)
	state("a copy that is owed", first, fine)
	f.put(bundle.RevisionKey(1), first.Raw())
	second := mustPublish(t, p, "two", "a").Head
	state("somebody published since", first, fine)
	f.put(bundle.HeadKey, first.Raw())
	state("a head that was put back", first, rule(RuleHistory, "somebody put it back"))
	f.put(bundle.HeadKey, nil)
	state("a head that is lost", bundle.Head{}, rule(RuleNoHead, "the store has no head"))
	f.put(bundle.HeadKey, second.Raw())
	f.put(bundle.RevisionKey(2), first.Raw())
	state("another copy", second, rule(RuleHistory, "is not the copy of the head"))
}
