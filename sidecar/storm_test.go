package sidecar

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/object"
)

var stormRevisions = flag.Int("storm.revisions", 100, "how many revisions the storm has")

const (
	stormAskers = 4
	stormFlags  = 5 // that say the revision, beside those that come and go
)

// manyNumbered has several flags that all say their revision: an answer that mixes two states cannot look like one.
func manyNumbered(revision int64) (document string, flags int) {
	var doc strings.Builder
	doc.WriteString(`{"flags":{"calm":{"state":"ENABLED","variants":{"it":0},"defaultVariant":"it"}`)
	flags = 1 + stormFlags + int(revision%3)
	for i := range flags - 1 {
		targeting := ""
		if i%2 == 1 {
			targeting = `,"targeting":{"if":[{"==":[{"var":"plan"},"pro"]},"it","it"]}`
		}
		fmt.Fprintf(&doc, `,"n%d":{"state":"ENABLED","variants":{"it":%d,"safe":-1},"defaultVariant":"it"%s,
			"metadata":{"failMode":"closed","maxStaleness":"5ms","safeVariant":"safe"}}`, i, revision, targeting)
	}
	return doc.String() + "}}", flags
}

// storm is a store whose publisher does all that there is, as fast as it can, while a sidecar is asked.
type storm struct {
	*history
	published atomic.Int64
	tokens    sync.Map // of revisions, int64 to string
}

func (s *storm) next(random *rand.Rand) {
	revision := s.published.Load() + 1
	document, flags := manyNumbered(revision)
	s.publishMany(document, flags, func(m *bundle.Manifest) {
		switch random.IntN(8) {
		case 0:
			m.ActivateAt = m.PublishedAt.Add(time.Second).Truncate(time.Second)
		case 1: // nobody is in a segment that there is none of, and a kill of one flag is what it says
			m.Overrides = []bundle.Override{{Flag: "n1"}}
		case 2:
			m.OldestPin = max(revision-3, 1)
		}
	})
	s.tokens.Store(revision, s.history.tokens[revision])
	s.published.Store(revision)
}

// Whatever changes while it is asked, and whatever it is pinned to, an answer is of one revision: that which its header names, which is the
// pinned one unless it says that it is not.
func TestAnswersAreWholeInAStorm(t *testing.T) {
	s := &storm{history: newHistory(t)}
	random := rand.New(rand.NewPCG(1, 2))
	s.next(random)
	stranger := newHistory(t)
	forged := stranger.ahead(5)
	r := s.rig(func(c *Config) {
		c.Poll, c.StaleAfter, c.PinWait, c.StateDir = 20*time.Millisecond, 30*time.Millisecond, 5*time.Millisecond, tempState(t)
	})
	r.start(t)
	defer r.stop()
	over, ticks := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	var asked, hit, missed atomic.Int64
	for i := range stormAskers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 3))
			for {
				select {
				case <-over:
					return
				default:
				}
				pinned, token := s.pick(random, forged)
				asked.Add(1)
				select {
				case ticks <- struct{}{}:
				default: // the publisher does not wait
				}
				switch s.checkStorm(t, r, random, pinned, token) {
				case pinHeld:
					hit.Add(1)
				case pinGone:
					missed.Add(1)
				}
			}
		})
	}
	group.Go(func() { // what asks beside them
		for {
			select {
			case <-over:
				return
			case ticks <- struct{}{}:
				_ = r.Status(time.Now())
				r.holder.makeRoom(1, 0)
				r.holder.look()
			}
		}
	})
	revisions := *stormRevisions
	if raced {
		revisions = min(revisions, 30)
	}
	for range revisions {
		switch random.IntN(10) {
		case 0:
			s.source.Break(func(context.Context, string) (func([]byte) []byte, error) { return nil, object.ErrUnavailable })
		case 1, 2:
			s.source.Break(nil)
		}
		s.next(random)
		for range random.IntN(15) {
			<-ticks
		}
	}
	close(over)
	group.Wait()
	if hit.Load() == 0 || missed.Load() == 0 {
		t.Errorf("of %d pins %d hit and %d missed: want some of each", asked.Load(), hit.Load(), missed.Load())
	}
	t.Logf("%d answers over %d revisions, %d pins hit, %d missed", asked.Load(), s.published.Load(), hit.Load(), missed.Load())
}

// pick chooses what to be pinned to: nothing, a revision from long ago to one that is not there yet, or a forged one.
func (s *storm) pick(random *rand.Rand, forged string) (revision int64, token string) {
	switch random.IntN(6) {
	case 0:
		return 0, ""
	case 1:
		return 0, forged
	}
	revision = max(s.published.Load()-int64(random.IntN(24)), 1)
	text, _ := s.tokens.Load(revision)
	return revision, text.(string)
}

func (s *storm) checkStorm(t *testing.T, r *rig, random *rand.Rand, pinned int64, token string) pinResult {
	way := random.IntN(3)
	path := []string{flagsPath + "/n0", flagsPath, snapshotPath}[way]
	body := `{"context":{"plan":"pro"}}`
	var headers []string
	switch random.IntN(3) {
	case 0:
		headers = []string{"Burgee-Snapshot", token}
	case 1:
		headers = []string{"Baggage", "a=b", "Baggage", "burgee-snapshot=" + token}
	default:
		body = fmt.Sprintf(`{"context":{"burgee-snapshot":%q,"plan":"pro"}}`, token)
	}
	got := call(r.answer, fasthttp.MethodPost, path, body, headers...)
	text := bodyOf(t, got)
	if strings.Contains(string(text), errNoFlags.Error()) {
		return pinNone
	}
	type one struct {
		Key      string         `json:"key"`
		Value    int64          `json:"value"`
		Metadata map[string]any `json:"metadata"`
	}
	var all struct {
		one
		Pin      string `json:"pin"`
		Revision int64  `json:"revision"`
		Token    string `json:"token"`
		Flags    []one  `json:"flags"`
	}
	if err := json.Unmarshal(text, &all); err != nil || got.Response.StatusCode() != fasthttp.StatusOK {
		t.Errorf("%d %s: %v", got.Response.StatusCode(), text, err)
		return pinNone
	}
	revision, _ := strconv.ParseInt(string(got.Response.Header.Peek("Burgee-Revision")), 10, 64)
	offered := string(got.Response.Header.Peek("Burgee-Snapshot"))
	if want, _ := s.tokens.Load(revision); want != nil && want != offered { // nil: it is being published
		t.Errorf("revision %d offers another one's token", revision)
	}
	if way == 2 && (all.Revision != revision || all.Token != offered) {
		t.Errorf("snapshot of revision %d under the header of %d", all.Revision, revision)
	}
	flags := all.Flags
	if way == 0 {
		flags = []one{all.one}
	} else if want := 1 + stormFlags + int(revision%3); len(flags) != want {
		t.Errorf("%d flags of revision %d; want %d", len(flags), revision, want)
	}
	missed := false
	for i, f := range flags {
		marked := f.Metadata["burgee.pin"] == "missed"
		if i > 0 && marked != missed {
			t.Errorf("some are marked and some are not: %s", text)
		}
		missed = marked
		safe := f.Metadata["burgee.failClosed"] != nil || f.Metadata["burgee.override"] == true
		switch {
		case f.Key == "calm" && f.Value == 0, safe && f.Value == -1, !safe && f.Value == revision:
		default:
			t.Errorf("revision %d: %+v", revision, f)
		}
	}
	switch {
	case token == "" && missed: // of forged ones there are too many to tell
		t.Errorf("marked without a pin: %s", text)
	case pinned != 0 && !missed && revision != pinned:
		t.Errorf("pinned to %d, answered from %d without a mark", pinned, revision)
	}
	switch {
	case pinned == 0:
		return pinNone
	case missed:
		return pinGone
	}
	return pinHeld
}
