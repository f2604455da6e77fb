package network

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/toxiproxy"
)

var (
	publishers    = flag.Int("publishers", 8, "how many publishers work at once")
	rounds        = flag.Int("rounds", 6, "how often each of them does so")
	publisherSeed = flag.Uint64("publishers.seed", 0, "seed of what they meet; 0 means a new one")
)

// way is one publisher's to the server, with a handler that can lose answers behind a proxy that can spoil bytes.
type way struct {
	name   string
	front  *front
	proxy  *toxiproxy.Proxy
	shop   *kit.Shop
	random *rand.Rand
	kills  bool
}

// told is what a run of burgeectl said of its message.
type told struct {
	message, by, over string
	printed           kit.Printed
}

// Several publishers at once, each over a network that is slow, cut, reset or loses answers, and one who kills beside them: what each was
// told is what the store holds, all of it is in one chain, and burgeectl verify finds nothing wrong.
func TestPublishersOverBrokenNetworks(t *testing.T) {
	t.Parallel()
	seed := *publisherSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-publishers=%d -rounds=%d -publishers.seed=%d", *publishers, *rounds, seed)
	site := newSite(t)
	site.publisher.Publish(t, withPay(0))
	proxies := toxiproxy.Start(t)
	var ways []*way
	for who := range *publishers + 1 { // the last one kills
		f, _ := site.front(t)
		proxy := proxies.Proxy(t, strings.TrimPrefix(f.URL, "http://"))
		ways = append(ways, &way{fmt.Sprintf("p%d", who), f, proxy, site.at("http://" + proxy.Address), rand.New(rand.NewPCG(seed, uint64(who))), who == *publishers})
	}
	said := make([][]told, len(ways))
	t.Run("at once", func(t *testing.T) {
		for who, w := range ways {
			t.Run(w.name, func(t *testing.T) {
				t.Parallel()
				for round := range *rounds {
					one := told{message: fmt.Sprintf("%s-%d", w.name, round), by: w.name, over: w.spoil(t)}
					one.printed = w.change(one.message, who*1000+round)
					said[who] = append(said[who], one)
				}
			})
		}
	})
	site.publisher.TryPublish(withPay(1_000_000), "--message", "last").Good(t) // it completes what others owe
	site.holds(t, slices.Concat(said...))
}

// withPay has a flag that can be killed.
func withPay(number int) string {
	return strings.TrimSuffix(kit.Flags(number, 0), "}}") + `,"pay":{"state":"ENABLED","variants":{"new":"new","old":"old"},"defaultVariant":"new",
		"metadata":{"owner":"tests","kind":"kill-switch","description":"Made by a test.","emergencyAction":"Call nobody.","safeVariant":"old"}}}}`
}

// spoil gives a way another fault, and says which.
func (w *way) spoil(t *testing.T) string {
	t.Helper()
	w.front.set(nil)
	w.proxy.Mend(t)
	n := func(from, to int) int { return from + w.random.IntN(to-from) }
	put := []string{"/manifest.json", "/manifest.json", "/bundles/", "/ledgers/", "/revisions/"}[w.random.IntN(5)]
	switch w.random.IntN(11) {
	case 0:
		w.proxy.Cut(t)
		return "cut"
	case 1:
		w.proxy.Add(t, answers("reset_peer", map[string]int{"timeout": n(0, 60)}))
		return "reset"
	case 2:
		w.proxy.Add(t, answers("limit_data", map[string]int{"bytes": n(500, 4000)}))
		return "half of the answers"
	case 3:
		w.proxy.Add(t, toxiproxy.Toxic{Type: "limit_data", Stream: "upstream", Attributes: map[string]int{"bytes": n(500, 9000)}})
		return "half of the requests"
	case 4:
		w.front.set(only(http.MethodPut, "/manifest.json", lose))
		return "lost answers of the head"
	case 5:
		w.front.set(only(http.MethodPut, put, once(lose)))
		return "a lost answer of " + put
	case 6:
		w.front.set(only(http.MethodPut, put, once(refuse(503, "SlowDown"))))
		return "503 of " + put
	case 7:
		w.front.set(only(http.MethodPut, put, once(refuse(409, "ConditionalRequestConflict"))))
		return "409 of " + put
	case 8:
		w.front.set(only(http.MethodPut, "/manifest.json", hole))
		return "no head that arrives"
	}
	w.proxy.Add(t, answers("latency", map[string]int{"latency": n(5, 60), "jitter": n(0, 40)}))
	return "slow"
}

// change publishes flags with a number of their own, or overrides a flag.
func (w *way) change(message string, number int) kit.Printed {
	if !w.kills {
		return w.shop.TryPublish(withPay(number), "--message", message, "--author", w.name)
	}
	args := [][]string{{"kill", "pay"}, {"set", "pay", "--variant", "new"}, {"restore", "pay"}}[number%3]
	return w.shop.Ctl(append(args, "--store", store, "--environment", kit.Environment, "--key", w.shop.Path("team.key"), "--author", w.name, "--message", message)...)
}

// holds wants the store clean, and each message in it as often as its author was told.
func (s *site) holds(t *testing.T, all []told) {
	t.Helper()
	args := []string{"--store", store, "--trust-key", s.publisher.Path("team.pub"), "--output", "json"}
	var verdict struct {
		Good                bool
		Revision, Revisions int
		Owed                string
		Spare               []string
	}
	decode(t, s.publisher.Ctl(append([]string{"verify"}, args...)...).Good(t).Stdout, &verdict)
	var past struct {
		Revisions []struct {
			Revision        int
			Author, Message string
		}
	}
	decode(t, s.publisher.Ctl(append([]string{"history", "--limit", "0"}, args...)...).Good(t).Stdout, &past)
	if !verdict.Good || verdict.Owed != "" || verdict.Revisions != len(past.Revisions) || verdict.Revision != verdict.Revisions {
		t.Fatalf("verify: %+v; history has %d revisions", verdict, len(past.Revisions))
	}
	revisions, authors := map[string][]int{}, map[string]string{}
	for _, r := range past.Revisions {
		revisions[r.Message] = append(revisions[r.Message], r.Revision)
		authors[fmt.Sprint(r.Revision)] = r.Author
	}
	tally := map[string]int{}
	for _, one := range all {
		one.printed.Stderr = strings.ReplaceAll(one.printed.Stderr, `missing colon: "X-Amz-`, "") // half of a header that was answered
		s.printsNoSecret(t, one.printed)
		at := revisions[one.message]
		kind, good := one.judge(at, authors)
		if tally[kind]++; !good {
			t.Errorf("%s over %s is in the store at %v, and was told %s: %s", one.message, one.over, at, kind, one.printed)
		}
	}
	t.Logf("%d runs, %d revisions, %d spare objects: %v", len(all), verdict.Revisions, len(verdict.Spare), tally)
}

// first finds who a conflict says was first.
var first = regexp.MustCompile(`not published: (\S+) published revision (\d+)[ ,]`)

// judge says what was told, and whether that agrees with the revisions that the message has.
func (one told) judge(at []int, authors map[string]string) (kind string, good bool) { // authors by revision
	stderr := one.printed.Stderr
	switch code := one.printed.Code; {
	case code == 0 && strings.HasPrefix(one.printed.Stdout, "unchanged"):
		return "unchanged", len(at) == 0
	case code == 0:
		return "done", len(at) == 1 && regexp.MustCompile(fmt.Sprintf(`revision %d\b`, at[0])).MatchString(one.printed.Stdout)
	case code == 1 && strings.Contains(stderr, "burgeectl show tells whether"):
		return "unknown", len(at) <= 1
	case code == 3 && strings.Contains(stderr, "not published: "):
		named := first.FindStringSubmatch(stderr)
		return "conflict", len(at) == 0 && named != nil && named[1] != one.by && named[1] == authors[named[2]]
	case code == 3 && strings.Contains(stderr, "is not overridden"):
		return "absent", len(at) == 0
	case code == 1 && len(at) == 1: // the store did it after its publisher had looked: what a network still carries, no look tells
		return "failed, and done late", strings.Contains(stderr, "write head")
	}
	return "failed", one.printed.Code == 1 && len(at) == 0
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
