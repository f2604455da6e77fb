package kubernetes

import (
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// Both ways to inject do the same, so both are held to the same. Each has a cluster of its own, for a cluster is asked for the same pods.
func TestInjection(t *testing.T) {
	t.Parallel()
	for mode, install := range installs {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, cluster.Config{Controllers: true})
			install(t, s)
			t.Run("kinds", func(t *testing.T) { testKinds(t, s) })
			t.Run("overrides", func(t *testing.T) { testOverrides(t, s) })
			t.Run("refusals", func(t *testing.T) { testRefusals(t, s) })
			t.Run("never twice", func(t *testing.T) { testNeverTwice(t, s) })
			t.Run("left alone", func(t *testing.T) { testLeftAlone(t, s) })
			t.Run("another injector", func(t *testing.T) { testAnotherInjector(t, s) })
			t.Run("bounds", func(t *testing.T) { testBounds(t, s) })
		})
	}
}
