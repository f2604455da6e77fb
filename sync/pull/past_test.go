package pull

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/bundle/bundletest"
	"github.com/burgeehq/burgee/sync/object"
)

// past is a store of five revisions, numbered by tens as after a --start-at; 30 has the flags of 20.
type past struct {
	*bench
	head bundle.Head
	made map[int64]bundletest.Made
}

func newPast(t *testing.T) *past {
	t.Helper()
	p := &past{bench: newBench(t), made: map[int64]bundletest.Made{}}
	flags := map[int64]string{10: " ", 20: "  ", 30: "  ", 40: "   ", 50: "    "}
	for revision := int64(10); revision <= 50; revision += 10 {
		made := p.Make(revision, document+flags[revision], 1, func(m *bundle.Manifest) {
			if p.head.Raw() != nil {
				m.Follow(p.head)
			}
		})
		head, err := p.Policy().Open(made.Head)
		if err != nil {
			t.Fatal(err)
		}
		p.head, p.made[revision] = head, made
		p.source.Publish(made)
		p.source.Put(bundle.RevisionKey(revision), made.Head)
	}
	return p
}

// walk goes back from the head, wishing as wishes say and Skip for the others. It tells what was asked about and what was taken.
func (p *past) walk(ctx context.Context, wishes map[int64]Wish) (asked, taken []int64, err error) {
	past := Past{Source: p.source, Policy: p.Policy()}
	err = past.Walk(ctx, p.head, func(head, next bundle.Head) Wish {
		m, after := head.Manifest(), next.Manifest()
		if after.Before() != m.Revision || !head.Chained() {
			panic(fmt.Sprintf("asked about revision %d before %d", m.Revision, after.Revision))
		}
		asked = append(asked, m.Revision)
		if wish, ok := wishes[m.Revision]; ok {
			return wish
		}
		return Skip
	}, func(v bundle.Verified, next bundle.Head) error {
		if after := next.Manifest(); after.Before() != v.Head().Manifest().Revision {
			return fmt.Errorf("revision %d was handed on before %d", v.Head().Manifest().Revision, after.Revision)
		}
		if m := v.Head().Manifest(); !strings.HasPrefix(string(v.Document()), document) {
			return fmt.Errorf("revision %d has the document %s", m.Revision, v.Document())
		}
		taken = append(taken, v.Head().Manifest().Revision)
		return nil
	})
	return asked, taken, err
}

func TestThePastIsWalkedNewestFirst(t *testing.T) {
	p := newPast(t)
	for _, row := range []struct {
		wishes       map[int64]Wish
		asked, taken []int64
	}{
		{nil, []int64{40, 30, 20, 10}, nil},
		{map[int64]Wish{40: Take, 20: Take}, []int64{40, 30, 20, 10}, []int64{40, 20}},
		{map[int64]Wish{30: Stop}, []int64{40, 30}, nil},
		{map[int64]Wish{40: Take, 30: Stop}, []int64{40, 30}, []int64{40}},
		{map[int64]Wish{10: Take}, []int64{40, 30, 20, 10}, []int64{10}},
	} {
		asked, taken, err := p.walk(t.Context(), row.wishes)
		if err != nil || !slices.Equal(asked, row.asked) || !slices.Equal(taken, row.taken) {
			t.Errorf("wishes %v: asked %v, took %v, error %v; want %v and %v", row.wishes, asked, taken, err, row.asked, row.taken)
		}
	}
	if n := p.source.Gets(bundle.Key(p.made[40].Ref.Digest)); n != 2 {
		t.Errorf("the bundle that two walks took was fetched %d times", n)
	}
	if n := p.source.Gets(bundle.Key(p.made[50].Ref.Digest)) + p.source.Gets(bundle.RevisionKey(50)); n != 0 {
		t.Errorf("what the walk began at was fetched %d times; want never", n)
	}
}

func TestTheFirstRevisionHasNoPast(t *testing.T) {
	p := newPast(t)
	head, err := p.Policy().Open(p.made[10].Head)
	if err != nil {
		t.Fatal(err)
	}
	p.head = head
	if asked, _, err := p.walk(t.Context(), nil); err != nil || asked != nil {
		t.Errorf("asked about %v, error %v; want neither", asked, err)
	}
}

// What is not as it was published ends the walk, and nothing of it is taken.
func TestAWalkEndsAtDamage(t *testing.T) {
	other := bundletest.New(t)
	for _, row := range []struct {
		name   string
		spoil  func(p *past)
		want   string
		reason bundle.Reason
		asked  []int64
	}{
		{"a revision is missing", func(p *past) { p.source.Put(bundle.RevisionKey(30), nil) }, "revision 30", "", []int64{40}},
		{"a revision is another's", func(p *past) {
			p.source.Put(bundle.RevisionKey(30), p.made[20].Head)
		}, "revision 30", bundle.ReasonDigest, []int64{40}},
		{"a revision was made by somebody else", func(p *past) {
			p.source.Put(bundle.RevisionKey(30), other.Make(30, document, 1).Head)
		}, "revision 30", bundle.ReasonDigest, []int64{40}},
		{"a revision is too large", func(p *past) {
			p.source.Put(bundle.RevisionKey(30), make([]byte, bundle.MaxManifest+1))
		}, "revision 30", bundle.ReasonOversized, []int64{40}},
		{"a bundle is missing", func(p *past) {
			p.source.Put(bundle.Key(p.made[30].Ref.Digest), nil)
		}, "bundle of revision 30", "", []int64{40, 30}},
		{"a bundle is another's", func(p *past) {
			p.source.Put(bundle.Key(p.made[30].Ref.Digest), p.made[10].Bundle)
		}, "bundle of revision 30", bundle.ReasonDigest, []int64{40, 30}},
		{"a bundle is too large", func(p *past) {
			p.source.Put(bundle.Key(p.made[30].Ref.Digest), append(p.made[30].Bundle, 'x'))
		}, "bundle of revision 30", bundle.ReasonOversized, []int64{40, 30}},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := newPast(t)
			row.spoil(p)
			asked, taken, err := p.walk(t.Context(), map[int64]Wish{40: Skip, 30: Take, 20: Take})
			if err == nil || !strings.Contains(err.Error(), row.want) || bundle.ReasonOf(err) != row.reason {
				t.Errorf("error %v (reason %q); want one that names %s, reason %q", err, bundle.ReasonOf(err), row.want, row.reason)
			}
			if row.reason == "" && !errors.Is(err, object.ErrNotFound) {
				t.Errorf("error %v; want %v", err, object.ErrNotFound)
			}
			if !slices.Equal(asked, row.asked) || taken != nil {
				t.Errorf("asked %v and took %v; want %v and nothing", asked, taken, row.asked)
			}
		})
	}
}

func TestAWalkEndsWithWhoTakes(t *testing.T) {
	p, full := newPast(t), errors.New("no room")
	past := Past{Source: p.source, Policy: p.Policy()}
	takes := 0
	err := past.Walk(t.Context(), p.head, func(bundle.Head, bundle.Head) Wish { return Take }, func(bundle.Verified, bundle.Head) error {
		takes++
		return full
	})
	if !errors.Is(err, full) || takes != 1 {
		t.Errorf("error %v after %d takes; want %v after one", err, takes, full)
	}
}

// A store that hangs holds a walk up for no longer than it would a poll, and the end of ctx is told from that.
func TestAWalkDoesNotHang(t *testing.T) {
	for _, row := range []struct {
		hangs  string
		within time.Duration // of ctx; 0 is without end
		takes  time.Duration
		ended  bool
	}{
		{bundle.RevisionsPrefix, 0, headDeadline, false},
		{bundle.BundlesPrefix, 0, bundleDeadline, false},
		{bundle.RevisionsPrefix, time.Second, time.Second, true},
		{bundle.BundlesPrefix, time.Second, time.Second, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPast(t)
			p.source.Break(func(ctx context.Context, key string) (func([]byte) []byte, error) {
				if !strings.HasPrefix(key, row.hangs) {
					return nil, nil
				}
				<-ctx.Done()
				return nil, object.Ended(ctx)
			})
			ctx, cancel := context.WithCancel(t.Context())
			if row.within > 0 {
				ctx, cancel = context.WithTimeout(t.Context(), row.within)
			}
			defer cancel()
			begin := time.Now()
			_, _, err := p.walk(ctx, map[int64]Wish{40: Take})
			if took := time.Since(begin); took != row.takes || err == nil || errors.Is(err, object.ErrUnavailable) == row.ended {
				t.Errorf("%s hang: error %v after %v; want one after %v, for the end of ctx: %v", row.hangs, err, took, row.takes, row.ended)
			}
		})
	}
}
