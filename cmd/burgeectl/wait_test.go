package main

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
	"github.com/burgeehq/burgee/sync/publish"
)

// TestTheTimeToWaitHoldsForManySilentTargets gives more targets than are asked at once, none of which answers: whoever is not asked when
// the time is up, is not asked any more. A listener that nobody accepts from takes connections, and says nothing.
func TestTheTimeToWaitHoldsForManySilentTargets(t *testing.T) {
	t.Parallel()
	v := waiting{Wait: true, WaitTimeout: time.Millisecond}
	for range askedAtOnce + 1 {
		silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() }) // nobody spoke
		v.targets = append(v.targets, silent.Addr().String())
	}
	var out, problems bytes.Buffer
	end, err := v.wait(t.Context(), &world{stdout: &out, stderr: &problems, now: time.Now}, inJSON, goal{revision: 1})
	if err == nil || end.Reached != 0 {
		t.Fatalf("%d targets are there: %v", end.Reached, err)
	}
	said := map[string]int{}
	for _, one := range end.Targets {
		said[one.Missing]++
	}
	if said["no answer: it takes too long"] != askedAtOnce || said[notAsked] != 1 {
		t.Errorf("of the targets is said %v", said)
	}
}

// TestTheTimeToWaitBeginsWithTheMoment waits for flags that settle for longer than the time to wait is: until their moment nobody can have
// them, and hardly anybody is asked.
func TestTheTimeToWaitBeginsWithTheMoment(t *testing.T) {
	t.Parallel()
	const settle = 2 * time.Second
	at := time.Now().Add(settle)
	var asked atomic.Int64
	sidecar := httptest.NewServer(http.HandlerFunc(func(answer http.ResponseWriter, _ *http.Request) {
		served := 1
		if asked.Add(1); !time.Now().Before(at) {
			served = 2
		}
		fmt.Fprintf(answer, `{"mode": "store", "environment": "shop/prod", "active": {"revision": %d, "publishedAt": "2100-01-01T00:00:00Z"}, "sync": {"headRevision": 2}}`, served)
	}))
	t.Cleanup(sidecar.Close)
	var out, problems bytes.Buffer
	v := waiting{Wait: true, WaitTimeout: settle * 3 / 4, targets: []string{strings.TrimPrefix(sidecar.URL, "http://")}}
	w := &world{stdout: &out, stderr: &problems, now: time.Now}
	digest := bundle.Sum(nil)
	raw, err := bundle.Seal(bundle.Manifest{
		Environment: "shop/prod", Revision: 2, Bundle: bundle.Ref{Digest: digest, ContentDigest: digest, Size: 1}, Ledger: digest,
		PublishedAt: at.Add(-settle), ActivateAt: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := bundle.Policy{Trust: bundle.AllowUnsigned()}.Open(raw)
	if err != nil {
		t.Fatal(err)
	}
	result := publish.Result{Outcome: publish.Published, Head: head}
	if err := v.finish(t.Context(), w, inJSON, "shop/prod", result, func(*arrival) error { return nil }); err != nil {
		t.Errorf("%v: %s", err, problems.String())
	}
	if got := asked.Load(); got > 5 {
		t.Errorf("the sidecar was asked %d times", got)
	}
}
