//go:build linux

// Package memory holds a real sidecar to the memory of a pod: the largest legal documents, one after the other, and everything that must
// be refused, while clients evaluate. make memory-test runs all of it; go test a few documents.
package memory

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
	"github.com/burgeehq/burgee/test/hostile"
	"github.com/burgeehq/burgee/test/kit"
)

const (
	podLimit   = 64 << 20
	goLimit    = "GOMEMLIMIT=48MiB" // what pods are given
	wantMemory = 56 << 10           // KiB resident, at any time
	loadMemory = 60 << 10           // the same with two documents at a time that are larger than burgeectl lets through, and have nothing in common
	mostMemory = podLimit >> 10     // where such documents wait for their moment as well: nothing may be killed, and that is all
	poll       = 100 * time.Millisecond
)

var (
	full = flag.Bool("memory.full", false, "all documents, not a few")
	only = flag.String("memory.only", "", "a document, by its name")
)

func TestMain(m *testing.M) { kit.Main(m) }

// pod is a sidecar in the memory of a pod, with a store that somebody who has the key fills with whatever can be signed.
type pod struct {
	*kit.Sidecar
	t        *testing.T
	shop     *kit.Shop
	group    *group // nil where there can be none
	key      bundle.PrivateKey
	policy   bundle.Policy
	revision int
	served   int            // the newest revision that was legal
	last     *bundle.Head   // each revision names the one before, so that a new pod can fetch those too
	tokens   map[int]string // by revision
}

func newPod(t *testing.T) *pod {
	if kit.Race {
		t.Skip("SKIP: the memory would be the race detector's")
	}
	shop := kit.New(t)
	shop.Env = []string{goLimit}
	text, err := os.ReadFile(shop.Path("team.key"))
	if err != nil {
		t.Fatal(err)
	}
	key, err := bundle.ParsePrivateKey(text)
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public()
	if err != nil {
		t.Fatal(err)
	}
	trust, err := bundle.NewTrust([]bundle.PublicKey{public}, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &pod{t: t, shop: shop, key: key, policy: bundle.Policy{Trust: trust, Environment: kit.Environment}, tokens: map[int]string{}}
	if p.group, err = newGroup(t, podLimit); err != nil {
		t.Logf("no control group of our own, so nothing is killed here and the resident memory alone is looked at: %v", err)
	}
	return p
}

func (p *pod) start() {
	p.t.Helper()
	var prepare kit.Prepare
	if p.group != nil {
		prepare = p.group.enter
	}
	p.Sidecar = p.shop.StartAs(p.t, prepare, "--poll", poll.String())
}

// publish puts a bundle into the store as the next revision.
func (p *pod) publish(stored []byte, ref bundle.Ref, change ...func(*bundle.Manifest)) {
	p.t.Helper()
	p.revision++
	m := bundle.Manifest{
		Environment: kit.Environment, Revision: int64(p.revision), Bundle: ref, Ledger: bundle.Sum([]byte("ledger")), OldestPin: 1,
		PublishedAt: time.Now().UTC(), Change: bundle.Change{Author: "test", Message: "made by a test"},
	}
	if p.last != nil {
		m.Follow(*p.last)
	}
	for _, c := range change {
		c(&m)
	}
	sealed, err := bundle.Seal(m, p.key)
	if err != nil {
		p.t.Fatal(err)
	}
	head, err := p.policy.Open(sealed)
	if err != nil {
		p.t.Fatal(err)
	}
	p.last, p.tokens[p.revision] = &head, head.Manifest().Snapshot
	p.write(bundle.Key(ref.Digest), stored)
	p.write(bundle.RevisionKey(int64(p.revision)), sealed)
	p.write(bundle.HeadKey, sealed)
}

func (p *pod) write(key string, data []byte) {
	p.t.Helper()
	name := p.shop.Path("store", key)
	if err := os.MkdirAll(name[:strings.LastIndexByte(name, '/')], 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(name+".new", data, 0o644); err != nil {
		p.t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		p.t.Fatal(err)
	}
}

// serve publishes a document that must be served.
func (p *pod) serve(document string) {
	p.t.Helper()
	p.publishLegal(document)
	p.Fresh(p.t, p.revision)
}

// publishLegal publishes a document that is to be served.
func (p *pod) publishLegal(document string, change ...func(*bundle.Manifest)) {
	p.t.Helper()
	stored, ref, err := bundle.Pack([]byte(document))
	if err != nil {
		p.t.Fatal(err)
	}
	ref.Flags = hostile.Flags(document)
	ref.PreviousFlags = ref.Flags
	p.publish(stored, ref, change...)
	p.served = p.revision
}

// refuse publishes a bundle that must be refused.
func (p *pod) refuse(bad hostile.Bad) {
	p.t.Helper()
	p.publish(bad.Stored(p.revision))
	st := p.Until(p.t, "a refusal of "+bad.Name, func(st kit.Status) bool {
		return st.Rejected != nil && st.Rejected.Revision == p.revision
	})
	if st.Reason() != string(bad.Reason) || st.Active.Revision != p.served {
		p.t.Errorf("%s: %s (%.300s), revision %d is served; want %s and %d", bad.Name, st.Reason(), st.Rejected.Message, st.Active.Revision, bad.Reason, p.served)
	}
}

// resident gives the most memory that the process has had, in KiB, and what of the present one are pages of files.
func (p *pod) resident() (most, files int) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.PID))
	if err != nil {
		p.t.Fatalf("the sidecar is gone: %v; its log:\n%s", err, p.Log())
	}
	for _, line := range strings.Split(string(text), "\n") {
		_, _ = fmt.Sscanf(line, "VmHWM: %d kB", &most) // the one line that fits
		_, _ = fmt.Sscanf(line, "RssFile: %d kB", &files)
	}
	return most, files
}

// within looks at the memory, and says what it came to.
func (p *pod) within(what string, want int) {
	p.t.Helper()
	most, files := p.resident()
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.PID), []byte("5"), 0o644) // begins the most anew, where that is let
	p.t.Logf("%-36s at most %5d KiB resident (%d of files)%s", what, most, files, p.used())
	if most > want {
		p.t.Errorf("%s: %d KiB resident; want at most %d", what, most, want)
	}
}

func (p *pod) used() string {
	if p.group == nil {
		return ""
	}
	peak, refused := p.group.peak()
	if n := p.group.kills(); n > 0 {
		p.t.Fatalf("the kernel ended %d processes for want of memory", n)
	}
	return fmt.Sprintf("; group at most %d KiB, limit met %s times", peak>>10, refused)
}

const subject = `{"context":{"targetingKey":"u-1","x":"1","u":"1","plan":"gold","country":"DE","l0":["1","2"],"l1":[1,2],"b":true}}`

// clients evaluate until they are told to stop, and count what went wrong.
type clients struct {
	group  sync.WaitGroup
	stop   chan struct{}
	done   atomic.Int64
	failed atomic.Int64
	last   atomic.Value // what
}

func (p *pod) clients() *clients {
	c := &clients{stop: make(chan struct{})}
	for _, path := range []string{"/" + kit.Number, "/" + kit.Number, ""} { // two ask for a flag, one for all
		c.group.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
					c.ask(p.Sidecar, path)
				}
			}
		})
	}
	return c
}

func (c *clients) ask(s *kit.Sidecar, path string) {
	status, _, body, err := s.Do("POST", "http://socket/ofrep/v1/evaluate/flags"+path, subject)
	c.done.Add(1)
	if err != nil || status != 200 || path != "" && !strings.Contains(string(body), `"variant":"it"`) {
		c.failed.Add(1)
		c.last.Store(fmt.Sprintf("%d %.200s %v", status, body, err))
	}
}

func (c *clients) fail(err error) {
	c.failed.Add(1)
	c.last.Store(err.Error())
}

func (c *clients) end(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.group.Wait()
	if n := c.failed.Load(); n > 0 {
		t.Errorf("%d of %d evaluations failed; the last: %v", n, c.done.Load(), c.last.Load())
	}
}

// few are the documents of a short run.
var few = map[string]bool{"realistic": true}

// The largest documents that burgeectl lets through, and the largest that a sidecar takes, each twice with nothing in common, so that old and
// new flags are in memory together. Every third time the sidecar begins anew, from disk.
func TestLargestDocuments(t *testing.T) {
	p := newPod(t)
	p.start()
	p.serve(kit.Flags(1, 10))
	for i, family := range hostile.Legals() {
		if *only != "" && *only != family.Name || *only == "" && !*full && !few[family.Name] {
			continue
		}
		p.serve(kit.Flags(1, 10))
		c := p.clients()
		for salt := range 2 {
			p.serve(family.Share(2*p.revision+salt, publish.Share))
		}
		p.within(family.Name+", as published", wantMemory)
		for salt := range 2 {
			p.serve(family.Largest(2*p.revision + salt))
		}
		c.end(t)
		p.within(family.Name+", as loaded", loadMemory)
		if i%3 == 0 {
			p.Stop(t)
			p.start()
			p.WillServe(t, 1, p.revision)
			p.within("the same from disk", wantMemory)
		}
	}
}

// Everything that must be refused, one after the other, over flags that stay served.
func TestHostileDocuments(t *testing.T) {
	p := newPod(t)
	p.start()
	p.serve(hostile.Legals()[0].Share(0, publish.Share))
	p.within("the largest realistic document", wantMemory)
	c := p.clients()
	for i, bad := range hostile.Refused() {
		if *only != "" && *only != bad.Name || *only == "" && !*full && i%9 != 0 {
			continue
		}
		p.refuse(bad)
		p.within(bad.Name, loadMemory) // burgeectl publishes none of them
	}
	c.end(t)
	p.Serves(t, 1, p.served)
	p.serve(kit.Flags(1, 10))
}
