// Package network follows a real S3 server over a network that fails: real sidecars and publishers, and between them and the server a
// proxy that spoils bytes (toxiproxy) or a handler that spoils answers. Whatever happens, answers go on, no older revision is served,
// /status names what is wrong, and the sidecar is back soon after it ends.
package network

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/toxiproxy"
	"github.com/burgeehq/burgee/test/versitygw"
)

func TestMain(m *testing.M) { kit.Main(m) }

const (
	bucket = "flags"
	store  = "s3://" + bucket + "/shop/prod"
	head   = store + "/manifest.json"
)

// The pace of the sidecars here: the longest pause after a failure is staleAfter.
const (
	poll       = 200 * time.Millisecond
	staleAfter = 2 * time.Second
)

// backWithin bounds how long after a fault the newest flags are served: the longest pause, one attempt that is still under way when the
// fault ends, and what a busy machine takes.
const backWithin = staleAfter + 5*time.Second + 3*time.Second

// site is a server with a bucket and revision 1 in it, and whoever publishes there over a network without faults.
type site struct {
	*versitygw.Server
	publisher *kit.Shop
	secrets   []string // what nobody may read in a log
}

func newSite(t *testing.T) *site {
	t.Helper()
	server := versitygw.Start(t)
	server.Bucket(t, bucket)
	shop := kit.New(t).At(store)
	s := &site{Server: server, secrets: []string{server.Root.SecretKey, "X-Amz-", "Signature="}}
	s.publisher = shop.As(append(server.Env(server.Root), "BURGEE_S3_PATH_STYLE=true"))
	s.publish(t, 1)
	return s
}

// publish makes a revision whose flag has its number.
func (s *site) publish(t *testing.T, revision int, args ...string) {
	t.Helper()
	s.publisher.Publish(t, kit.Flags(revision, 0), args...)
}

// at is the shop of somebody who reaches the server under another URL, with some variables changed.
func (s *site) at(endpoint string, env ...string) *kit.Shop {
	all := append([]string{}, s.publisher.Env...) // of a name that stands twice, the last counts
	all = append(all, "AWS_ENDPOINT_URL_S3="+endpoint)
	return s.publisher.As(append(all, env...))
}

// through puts a proxy before the server.
func (s *site) through(t *testing.T) (*toxiproxy.Proxy, *kit.Shop) {
	t.Helper()
	proxy := toxiproxy.Start(t).Proxy(t, strings.TrimPrefix(s.Endpoint(), "http://"))
	return proxy, s.at("http://" + proxy.Address)
}

// start starts a sidecar that reaches its store.
func (s *site) start(t *testing.T, shop *kit.Shop, args ...string) *kit.Sidecar {
	t.Helper()
	burgee := s.serving(t, shop, args...)
	burgee.Fresh(t, 1)
	return burgee
}

// serving starts a sidecar, waits until it serves revision 1, from wherever, and has it watched.
func (s *site) serving(t *testing.T, shop *kit.Shop, args ...string) *kit.Sidecar {
	t.Helper()
	burgee := shop.Start(t, append([]string{"--poll", poll.String(), "--stale-after", staleAfter.String()}, args...)...)
	burgee.WillServe(t, 1, 1)
	s.watch(t, burgee)
	return burgee
}

// watch asks for flags until the test ends: no answer may be an error, of an older revision, or of two. At the end it looks for secrets.
func (s *site) watch(t *testing.T, burgee *kit.Sidecar) {
	t.Helper()
	done := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		last := 0
		for {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			a, err := burgee.Evaluate(kit.Number, "{}")
			revision, wrong := strconv.Atoi(a.Revision)
			if err != nil || wrong != nil || a.HTTP != 200 || revision < last || a.Value != float64(revision) {
				t.Errorf("after an answer of revision %d came %+v (%v)", last, a, err)
				return
			}
			last = revision
		}
	})
	t.Cleanup(func() {
		close(done)
		group.Wait()
		s.hasNoSecret(t, burgee)
	})
}

// hasNoSecret wants neither key nor signature in what a sidecar tells the world.
func (s *site) hasNoSecret(t *testing.T, burgee *kit.Sidecar) {
	t.Helper()
	_, status := burgee.Page(t, "/status")
	for where, text := range map[string]string{"the log": burgee.Log(), "/status": status} {
		for _, secret := range s.secrets {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds %q:\n%s", where, secret, text)
			}
		}
	}
}

// says waits until the last failed poll is of that kind and its message holds the words, and gives it.
func says(t *testing.T, burgee *kit.Sidecar, kind string, words ...string) kit.Status {
	t.Helper()
	return burgee.Until(t, fmt.Sprintf("an error of kind %s that says %q", kind, words), func(st kit.Status) bool {
		if st.ErrorKind() != kind {
			return false
		}
		for _, word := range words {
			if !strings.Contains(st.Sync.LastError.Message, word) {
				return false
			}
		}
		return true
	})
}

// logs waits for a failed poll that says all that in the log: of a fault so short that /status may have forgotten it.
func logs(t *testing.T, burgee *kit.Sidecar, words ...string) {
	t.Helper()
	kit.Eventually(t, func() error {
		for _, line := range burgee.Lines("store not read") {
			text, missing := fmt.Sprint(line["error"]), 0
			for _, word := range words {
				if !strings.Contains(text, word) {
					missing++
				}
			}
			if missing == 0 {
				t.Log(text)
				return nil
			}
		}
		return fmt.Errorf("no failed poll in the log says %q", words)
	})
}

// stale waits until the flags count as stale, and wants them served all the same.
func stale(t *testing.T, burgee *kit.Sidecar, revision int) {
	t.Helper()
	burgee.Until(t, "stale", func(st kit.Status) bool { return st.Freshness == "stale" && st.Sync.Failures > 0 })
	burgee.Serves(t, revision, revision)
}

// back wants the newest revision served and confirmed within bound after the fault ended, and nothing left of the fault.
func back(t *testing.T, burgee *kit.Sidecar, revision int, bound time.Duration) {
	t.Helper()
	ended := time.Now()
	burgee.WillServe(t, revision, revision)
	burgee.Until(t, "no failure any more", func(st kit.Status) bool {
		return st.Sync.Failures == 0 && st.Sync.LastError == nil && st.Freshness == "fresh"
	})
	took := time.Since(ended)
	if took > bound {
		t.Errorf("revision %d is served and confirmed %s after the fault; want %s", revision, took, bound)
	}
	burgee.Fresh(t, revision)
	t.Logf("revision %d served and confirmed %s after the fault ended", revision, took.Round(10*time.Millisecond))
}

// attempt is a failed poll as the log has it.
type attempt struct {
	failures int
	at       time.Time
	wait     time.Duration // until the next
}

func attempts(t *testing.T, burgee *kit.Sidecar) []attempt {
	t.Helper()
	var all []attempt
	for _, line := range burgee.Lines("store not read") {
		failures, _ := line["failures"].(float64)
		wait, wrongWait := time.ParseDuration(fmt.Sprint(line["retry_in"]))
		at, wrongTime := time.Parse("2006-01-02T15:04:05.000000Z07:00", fmt.Sprint(line["@timestamp"]))
		if wrongWait != nil || wrongTime != nil || failures == 0 {
			t.Fatalf("log line %v", line)
		}
		all = append(all, attempt{int(failures), at, wait})
	}
	return all
}

// backsOff wants every pause so far between half and all of what is due: a second, doubling up to longest; and kept to.
func backsOff(t *testing.T, burgee *kit.Sidecar, longest time.Duration) {
	t.Helper()
	all := attempts(t, burgee)
	for i, a := range all {
		due := min(time.Second<<min(a.failures-1, 10), longest)
		if a.wait < due/2-time.Millisecond || a.wait > due+time.Millisecond {
			t.Errorf("after failure %d a pause of %s; want %s to %s", a.failures, a.wait, due/2, due)
		}
		if i > 0 && all[i-1].failures == a.failures-1 && a.at.Sub(all[i-1].at) < all[i-1].wait-5*time.Millisecond {
			t.Errorf("failure %d came %s after the one before; the pause was to be %s", a.failures, a.at.Sub(all[i-1].at), all[i-1].wait)
		}
	}
	if len(all) == 0 {
		t.Error("no failed poll in the log")
	}
}
