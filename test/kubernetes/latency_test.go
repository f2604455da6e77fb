package kubernetes

import (
	"slices"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

const (
	rounds  = 300 // of the comparison
	longest = 20  // times what a pod without takes
)

// What the making of a pod takes without the sidecar and with it, by both ways at once: one server has both, each for pods of its own label,
// and each round makes one pod of each kind, so that all see the same machine. The log has the figures; the bounds are for what no machine
// excuses.
func TestLatency(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	by := func(way string) object {
		return pod("p", func(meta, _ object) { meta["labels"].(object)["by"] = way })
	}
	s.helm(t, "install", "--set", "injection.mode=webhook", "--set", "injection.objectSelector.matchLabels.by=webhook")
	s.startWebhook(t)
	second := s.helmArgs(t, "install", "--set", "injection.mode=policy", "--set", "injection.objectSelector.matchLabels.by=policy")
	second[1] = "second" // its name
	s.Helm(t, second...)
	for _, way := range []string{"policy", "webhook"} {
		s.Eventually(t, func() error {
			made, err := s.dry(by(way))
			if err != nil {
				return err
			}
			return hasSidecar(made)
		})
	}
	names := []string{"without", "policy", "webhook"}
	times := map[string][]time.Duration{}
	for range rounds {
		for _, way := range names {
			began := time.Now()
			made := s.mustDry(t, by(way))
			times[way] = append(times[way], time.Since(began))
			if (hasSidecar(made) == nil) == (way == "without") {
				t.Fatalf("a pod %s has init containers %v", way, flatten(made)["spec/initContainers"])
			}
		}
	}
	for _, way := range names {
		slices.Sort(times[way])
		half, nearlyAll := times[way][rounds/2], times[way][rounds*99/100]
		t.Logf("%d pods %s: p50 %v, p99 %v; %.2f and %.2f times those without", rounds, way, half, nearlyAll,
			float64(half)/float64(times["without"][rounds/2]), float64(nearlyAll)/float64(times["without"][rounds*99/100]))
		if half > time.Second {
			t.Errorf("half of all pods %s take longer than a second to be admitted", way)
		}
		if plain := times["without"][rounds/2]; half > longest*plain {
			t.Errorf("half of all pods %s take longer than %v to be admitted, those without longer than %v; want at most %d times that", way, half, plain, longest)
		}
	}
}
