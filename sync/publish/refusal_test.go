package publish

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

// scene spoils a store that k has published two revisions to, the second with six flags.
type scene func(t *testing.T, f *fake, k key)

// refusalCase is a store and a request that do not go together.
type refusalCase struct {
	scene scene            // what is wrong with the store; nil means nothing
	ask   func(r *Request) // what is wrong with the request; nil means nothing
	check func(err error) bool
}

func TestRefusals(t *testing.T) {
	k := newKey(t)
	for name, row := range refusals() {
		t.Run(name, func(t *testing.T) {
			f := newFake()
			p := newPublisher(t, k.config(f))
			mustPublish(t, p, "one", many(5)...)
			mustPublish(t, p, "two", many(6)...)
			if row.scene != nil {
				row.scene(t, f, k)
			}
			r := request(document(many(7)...), "three")
			if row.ask != nil {
				row.ask(&r)
			}
			before := f.snapshot()
			_, err := p.Publish(context.Background(), r)
			if err == nil || !row.check(err) {
				t.Errorf("error %v", err)
			}
			after := f.snapshot()
			maps.DeleteFunc(after, func(key string, _ []byte) bool { // nobody refers to it, so it does no harm
				_, old := before[key]
				return !old && strings.HasPrefix(key, "bundles/")
			})
			if !maps.EqualFunc(before, after, bytes.Equal) {
				t.Error("something was written")
			}
		})
	}
}

func rule(want Rule, text string) func(error) bool {
	return func(err error) bool {
		refusal := (*Refusal)(nil)
		return errors.As(err, &refusal) && refusal.Rule == want && strings.Contains(err.Error(), text)
	}
}

func reason(want bundle.Reason) func(error) bool {
	return func(err error) bool { return bundle.ReasonOf(err) == want }
}

func denied(err error) bool { return errors.Is(err, object.ErrForbidden) }

func deny(op, prefix string) scene {
	return func(_ *testing.T, f *fake, _ key) {
		f.plan = func(_ int, o, key string) fault {
			if o == op && strings.HasPrefix(key, prefix) {
				return forbidden
			}
			return none
		}
	}
}

func headless(_ *testing.T, f *fake, _ key) { delete(f.objects, bundle.HeadKey) }

// reseal signs the head's manifest anew: with another key, or for another environment.
func reseal(t *testing.T, f *fake, k, by key, environment string) {
	t.Helper()
	head, err := k.policy(t).Open(f.objects[bundle.HeadKey])
	if err != nil {
		t.Fatal(err)
	}
	m := head.Manifest()
	m.Environment = environment
	replaceHead(t, f, m, by)
}

// spoil changes the object under prefix that the head names, or takes it away where body is nil.
func spoil(prefix string, body []byte) scene {
	return func(t *testing.T, f *fake, k key) {
		head, err := k.policy(t).Open(f.objects[bundle.HeadKey])
		if err != nil {
			t.Fatal(err)
		}
		f.put(named(head, prefix), body)
	}
}

// occupy puts another body where the publication of TestRefusals will write.
func occupy(prefix string) scene {
	return func(t *testing.T, f *fake, k key) {
		r := request(document(many(7)...), "three")
		r.DryRun = true
		result, err := newPublisher(t, k.config(f)).Publish(context.Background(), r)
		if err != nil {
			t.Fatal(err)
		}
		f.put(named(result.Head, prefix), []byte("another body"))
	}
}

func named(head bundle.Head, prefix string) string {
	if m := head.Manifest(); prefix == "ledgers/" {
		return bundle.LedgerKey(m.Ledger)
	}
	return bundle.Key(head.Manifest().Bundle.Digest)
}

var errCompare = errors.New("flag a is broken")

// refusals is long because it is a table: one row a refusal.
func refusals() map[string]refusalCase {
	return map[string]refusalCase{
		"half of the flags": {
			ask:   func(r *Request) { r.Document = document("a", "b") },
			check: rule(RuleShrink, "falls from 6 to 2"),
		},
		"no flags": {
			ask:   func(r *Request) { r.Document = document() },
			check: rule(RuleShrink, "falls from 6 to 0"),
		},
		"twice the bytes": {
			ask:   func(r *Request) { r.Document = document(many(5000)...) },
			check: rule(RuleGrowth, "grows from"),
		},
		"too many bytes": {
			ask: func(r *Request) {
				r.Document, r.AllowGrowth = append(bytes.Repeat([]byte(" "), bundle.MaxDocument*4/5), document(many(7)...)...), true
			},
			check: rule(RuleLimit, "at most 3355443 are published"),
		},
		"a long message": {
			ask:   func(r *Request) { r.Message = strings.Repeat("x", 9000) },
			check: rule(RuleLimit, "at most 13107 are published"),
		},
		"what Compare says": {
			ask:   func(r *Request) { r.Compare = func(Step) (Comparison, error) { return Comparison{}, errCompare } },
			check: func(err error) bool { return errors.Is(err, errCompare) },
		},
		"start at the head": {
			ask:   func(r *Request) { r.StartAt = 2 },
			check: rule(RuleHasHead, "at revision 2"),
		},
		"start above a head put back": {
			scene: func(_ *testing.T, f *fake, _ key) { f.objects[bundle.HeadKey] = f.objects[bundle.RevisionKey(1)] },
			ask:   func(r *Request) { r.StartAt = 9 },
			check: rule(RuleHistory, "revisions/00000002.json is there already"),
		},
		"no head": {
			scene: headless,
			check: func(err error) bool {
				refusal := (*Refusal)(nil)
				return errors.As(err, &refusal) && refusal.Rule == RuleNoHead && refusal.Revision == 3
			},
		},
		"start too low": {
			scene: headless,
			ask:   func(r *Request) { r.StartAt = 2 },
			check: rule(RuleStart, "the store holds revisions/00000002.json"),
		},
		"head denied":     {scene: deny("get", bundle.HeadKey), check: denied},
		"copy denied":     {scene: deny("get", "revisions/00000002"), check: denied},
		"next denied":     {scene: deny("get", "revisions/00000003"), check: denied},
		"bundle denied":   {scene: deny("get", "bundles/"), check: denied},
		"creation denied": {scene: deny("create", ""), check: denied},
		"list denied": {
			scene: func(t *testing.T, f *fake, k key) { headless(t, f, k); deny("list", "")(t, f, k) },
			check: denied,
		},
		"signed by a stranger": {
			scene: func(t *testing.T, f *fake, k key) { reseal(t, f, k, newKey(t), environment) },
			check: reason(bundle.ReasonSignature),
		},
		"another environment": {
			scene: func(t *testing.T, f *fake, k key) { reseal(t, f, k, k, "shop/test") },
			check: reason(bundle.ReasonEnvironment),
		},
		"truncated head": {
			scene: func(_ *testing.T, f *fake, _ key) { f.objects[bundle.HeadKey] = f.objects[bundle.HeadKey][:99] },
			check: reason(bundle.ReasonEnvelope),
		},
		"huge head": {
			scene: func(_ *testing.T, f *fake, _ key) { f.objects[bundle.HeadKey] = make([]byte, bundle.MaxManifest+1) },
			check: func(err error) bool { return errors.Is(err, object.ErrTooLarge) },
		},
		"head put back": {
			scene: func(_ *testing.T, f *fake, _ key) { f.objects[bundle.HeadKey] = f.objects[bundle.RevisionKey(1)] },
			check: rule(RuleHistory, "revisions/00000002.json is there already"),
		},
		"copy of something else": {
			scene: func(_ *testing.T, f *fake, _ key) {
				f.objects[bundle.RevisionKey(2)] = f.objects[bundle.RevisionKey(1)]
			},
			check: rule(RuleHistory, "revisions/00000002.json is not the copy of the head"),
		},
		"bundle gone":     {scene: spoil("bundles/", nil), check: rule(RuleDamaged, "the head names bundles/")},
		"bundle spoiled":  {scene: spoil("bundles/", []byte("x")), check: reason(bundle.ReasonDigest)},
		"ledger gone":     {scene: spoil("ledgers/", nil), check: rule(RuleDamaged, "the head names ledgers/")},
		"ledger spoiled":  {scene: spoil("ledgers/", []byte("x")), check: reason(bundle.ReasonDigest)},
		"bundle occupied": {scene: occupy("bundles/"), check: rule(RuleHistory, "with another content")},
		"ledger occupied": {scene: occupy("ledgers/"), check: rule(RuleHistory, "with another content")},
	}
}

func TestConflictSaysWhoPublishedWhat(t *testing.T) {
	k := newKey(t)
	f := prepared(t, k, 1, false)
	other := newPublisher(t, k.config(f))
	f.plan = func(_ int, op, _ string) fault {
		if op == "replace" {
			f.plan = nil
			mustPublish(t, other, "theirs", many(9)...)
		}
		return none
	}
	_, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(8)...), "mine"))
	want := `revision 2 not published: ana published revision 2 at 2026-03-01T12:00:00Z: "theirs"`
	if err == nil || err.Error() != want {
		t.Errorf("error %v; want %s", err, want)
	}
}

func TestConflictQuotesWhatCouldPassForMore(t *testing.T) {
	k := newKey(t)
	f := prepared(t, k, 1, false)
	r := request(document(many(9)...), "theirs")
	r.Author = "bo\nhint: all is well"
	f.plan = func(_ int, op, _ string) fault {
		if op == "replace" {
			f.plan = nil
			if _, err := newPublisher(t, k.config(f)).Publish(context.Background(), r); err != nil {
				t.Error(err)
			}
		}
		return none
	}
	_, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(8)...), "mine"))
	if err == nil || !strings.Contains(err.Error(), `"bo\nhint: all is well" published revision 2`) {
		t.Errorf("error %v", err)
	}
}

func TestConflictWithSomethingThatDoesNotVerify(t *testing.T) {
	k := newKey(t)
	f := prepared(t, k, 1, false)
	f.plan = func(_ int, op, _ string) fault {
		if op == "replace" {
			f.put(bundle.HeadKey, []byte("{}"))
		}
		return none
	}
	_, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(8)...), "mine"))
	if conflict := (*Conflict)(nil); !errors.As(err, &conflict) || bundle.ReasonOf(conflict.Err) != bundle.ReasonEnvelope {
		t.Errorf("error %v", err)
	}
}

func TestUnknownKeepsBothErrors(t *testing.T) {
	k := newKey(t)
	f := prepared(t, k, 1, false)
	asked := false
	f.plan = func(_ int, op, key string) fault {
		asked = asked || op == "replace"
		switch {
		case op == "replace":
			return lostAnswer
		case asked && key == bundle.HeadKey:
			return forbidden
		}
		return none
	}
	_, err := newPublisher(t, k.config(f)).Publish(context.Background(), request(document(many(8)...), "mine"))
	if !errors.As(err, new(*Unknown)) || !denied(err) || !strings.Contains(err.Error(), "connection reset") {
		t.Errorf("error %v", err)
	}
}
