//go:build linux

package memory

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
	"github.com/burgeehq/burgee/test/hostile"
	"github.com/burgeehq/burgee/test/kit"
)

const (
	retained = 16 // bundles that a sidecar holds, the served one among them
)

// numbered is a document whose flag kit.Number tells its revision.
func numbered(document string, revision int) string {
	return strings.Replace(document, `"it":1}`, fmt.Sprintf(`"it":%d}`, revision), 1)
}

// step is the largest realistic document, or a share of it, after so many revisions that each changed one flag in a hundred.
func step(percent, steps int) string {
	lines := strings.SplitAfter(hostile.Legals()[0].Share(0, percent), "\n")
	for i, line := range lines {
		if n := i % 100; 0 < n && n <= steps {
			lines[i] = strings.Replace(line, `"defaultVariant":"off"`, `"defaultVariant":"on"`, 1)
		}
	}
	return strings.Join(lines, "")
}

// serveNumbered publishes a document whose number is its revision, and waits for it.
func (p *pod) serveNumbered(document string) {
	p.t.Helper()
	p.serve(numbered(document, p.revision+1))
}

// pinned asks for all revisions that there ever were, one after the other, for a flag or for all.
func (p *pod) pinned() *clients {
	c := &clients{stop: make(chan struct{})}
	type pin struct {
		revision int
		token    string
	}
	var pins []pin
	for revision, token := range p.tokens { // those of now: the map grows meanwhile
		pins = append(pins, pin{revision, token})
	}
	for _, path := range []string{"/" + kit.Number, ""} {
		c.group.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-c.stop:
					return
				default:
					one := pins[i%len(pins)]
					if _, err := askPinned(p.Sidecar, path, one.revision, one.token); err != nil {
						c.fail(err)
					}
					c.done.Add(1)
				}
			}
		})
	}
	return c
}

// askPinned asks once, and tells whether the answer is that of the revision. One that is of another and does not say so is an error.
func askPinned(s *kit.Sidecar, path string, revision int, token string) (held bool, err error) {
	body := strings.Replace(subject, `{"targetingKey"`, fmt.Sprintf(`{"burgee-snapshot":%q,"targetingKey"`, token), 1)
	status, header, answer, err := s.Do("POST", "http://socket/ofrep/v1/evaluate/flags"+path, body)
	switch {
	case err != nil:
		return false, err
	case status != 200:
		return false, fmt.Errorf("pinned to %d: status %d, %.200s", revision, status, answer)
	case strings.Contains(string(answer), `"burgee.pin":"missed"`):
		return false, nil
	case !strings.Contains(string(answer), fmt.Sprintf(`"value":%d,`, revision)) || header.Get("Burgee-Revision") != fmt.Sprint(revision):
		return false, fmt.Errorf("pinned to %d: answered from revision %s, %.200s", revision, header.Get("Burgee-Revision"), answer)
	}
	return true, nil
}

// holds waits until just those revisions can be pinned to, and sees that they can.
func (p *pod) holds(what string, want ...int) {
	p.t.Helper()
	slices.Sort(want)
	slices.Reverse(want)
	p.Until(p.t, fmt.Sprintf("%s: held %v", what, want), func(st kit.Status) bool { return slices.Equal(st.Held, want) })
	p.answersAs(want)
}

// holdsNewest sees that what is held is the newest revisions, so that the oldest went first, and tells how many.
func (p *pod) holdsNewest(what string) int {
	p.t.Helper()
	held := p.Status(p.t).Held
	for i, revision := range held {
		if revision != p.served-i {
			p.t.Errorf("%s: held %v; want the newest in a row", what, held)
			break
		}
	}
	p.answersAs(held)
	p.t.Logf("%-36s held %d", what, len(held))
	return len(held)
}

func (p *pod) answersAs(held []int) {
	p.t.Helper()
	for revision, token := range p.tokens {
		got, err := askPinned(p.Sidecar, "/"+kit.Number, revision, token)
		if err != nil || got != slices.Contains(held, revision) {
			p.t.Errorf("revision %d, held %v: answered %v %v", revision, held, got, err)
		}
	}
}

func upTo(revision, n int) (all []int) {
	for i := range min(n, revision) {
		all = append(all, revision-i)
	}
	return all
}

func (p *pod) again() {
	p.t.Helper()
	p.Stop(p.t)
	p.start()
}

func share() int {
	if *full {
		return 100
	}
	return 10
}

// The largest realistic document in steps that each change one flag in a hundred: a new pod fetches as many as it holds, has more while
// requests are pinned to all of them, and finds them on its disk.
func TestHeldSteps(t *testing.T) {
	p := newPod(t)
	for i := range retained {
		p.publishLegal(numbered(step(share(), i), p.revision+1))
	}
	p.start()
	p.holds("from the store", upTo(p.revision, retained)...)
	p.within("16 steps, from the store", wantMemory)
	c, pinned := p.clients(), p.pinned()
	for i := range 4 {
		p.serveNumbered(step(share(), retained+i))
	}
	pinned.end(t)
	c.end(t)
	p.holds("while updates come", upTo(p.revision, retained)...)
	p.within("16 steps, while updates come", wantMemory)
	p.again()
	p.holds("from disk", upTo(p.revision, retained)...)
	p.within("16 steps, from disk", wantMemory)
	p.serveNumbered(kit.Flags(1, 10)) // to which all of them differ in everything
	p.holdsNewest("16 steps, then a stranger")
	p.within("16 steps, then a stranger", wantMemory)
}

// Small documents that have nothing in common fill the bound of what is held.
func TestHeldStrangers(t *testing.T) {
	p := newPod(t)
	p.start()
	family := hostile.Legals()[0]
	for salt := range retained {
		p.serveNumbered(family.Share(salt, share()/10+1))
	}
	p.within("small strangers", wantMemory)
	c, pinned := p.clients(), p.pinned()
	for salt := range 4 {
		p.serveNumbered(family.Share(retained+salt, share()/10+1))
	}
	pinned.end(t)
	c.end(t)
	if n := p.holdsNewest("small strangers"); *full && n >= retained {
		t.Errorf("held %d; want fewer: the bound is one of memory", n)
	}
	p.within("small strangers, while updates come", wantMemory)
	p.again()
	p.looked(p.revision)
	p.holdsNewest("small strangers, from disk")
	p.within("small strangers, from disk", wantMemory)
}

// tried tells whether a family is: that which was asked for, else the few, and in a full run more.
func tried(family string, more map[string]bool) bool {
	if *only != "" {
		return *only == family
	}
	return few[family] || *full && more[family]
}

// beside are the families that took the most memory beside pasts, when all were tried.
var beside = map[string]bool{"rules": true, "nodes": true, "deep": true, "escapes": true, "random texts": true}

// Of a family three documents that share nothing, and then the largest, which comes while as much is held as can be.
func TestHeldFamilies(t *testing.T) {
	p := newPod(t)
	p.start()
	p.serveNumbered(kit.Flags(1, 10))
	for _, family := range hostile.Legals() {
		if !tried(family.Name, beside) {
			continue
		}
		for range 3 {
			p.serveNumbered(family.Share(p.revision, 30))
		}
		c := p.pinned()
		p.serveNumbered(family.Largest(p.revision))
		c.end(t)
		p.holdsNewest(family.Name)
		p.within(family.Name+", beside pasts", loadMemory)
	}
}

// A revision waits for its moment beside the served one, both large and with nothing in common; then another one does, and at last one comes
// that does not wait.
func TestHeldPending(t *testing.T) {
	p := newPod(t)
	p.start()
	for _, family := range hostile.Legals() {
		if !tried(family.Name, map[string]bool{"random texts": true}) {
			continue
		}
		for _, size := range []struct{ percent, want int }{{publish.Share, wantMemory}, {100, mostMemory}} {
			if size.percent == 100 && !*full {
				continue
			}
			p.pend(fmt.Sprintf("%s of %d %%", family.Name, size.percent), size.want, func() string { return family.Share(p.revision, size.percent) })
		}
	}
}

func (p *pod) pend(what string, want int, next func() string) {
	p.t.Helper()
	later := func(m *bundle.Manifest) { m.ActivateAt = time.Now().Add(time.Hour).UTC() }
	p.serveNumbered(next())
	c := p.pinned()
	for range 2 {
		p.publishLegal(numbered(next(), p.revision+1), later)
		p.waits(p.revision)
		p.within(what+", pending", want)
	}
	p.serveNumbered(next())
	c.end(p.t)
	p.Until(p.t, "nothing pending", func(st kit.Status) bool { return len(st.Pending) == 0 })
	p.within(what+", a third", want)
}

func (p *pod) waits(revision int) {
	p.t.Helper()
	p.Until(p.t, fmt.Sprintf("%d pending", revision), func(st kit.Status) bool {
		for _, one := range st.Pending {
			if one.Revision == revision {
				return true
			}
		}
		return false
	})
	if held, err := askPinned(p.Sidecar, "/"+kit.Number, revision, p.tokens[revision]); err != nil || !held {
		p.t.Errorf("pending revision %d: answered %v %v", revision, held, err)
	}
}

// looked waits until the disk and the store were looked through for earlier revisions.
func (p *pod) looked(from int) {
	p.t.Helper()
	kit.Eventually(p.t, func() error {
		for _, line := range p.Lines("earlier revisions read") {
			if back, ok := line["back_from"].(float64); ok && int(back) >= from { // a later one, where it came before the look
				return nil
			}
		}
		return fmt.Errorf("no look back from revision %d in the log", from)
	})
}

// A new pod begins with 16 large bundles in the store that have nothing in common and do not compress, of which it can hold none beside the
// served one, while other revisions come; then it begins anew with a folder full of them.
func TestHeldPrefetch(t *testing.T) {
	family := hostile.Legals()[len(hostile.Legals())-1]
	percent := min(share(), publish.Share)
	p := newPod(t)
	for range retained {
		p.publishLegal(numbered(family.Share(p.revision, percent), p.revision+1))
	}
	p.start()
	from := p.revision
	p.Fresh(t, from)
	c := p.pinned()
	for range 3 {
		p.serveNumbered(family.Share(p.revision, percent))
	}
	p.looked(from)
	c.end(t)
	p.holdsNewest("strangers, from the store")
	p.within("strangers, from the store", wantMemory)
	p.again()
	p.Fresh(t, p.revision)
	p.looked(p.revision)
	p.holdsNewest("strangers, from a full folder")
	p.within("strangers, from a full folder", wantMemory)
}
