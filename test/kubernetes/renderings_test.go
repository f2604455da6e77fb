package kubernetes

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// everything is what can be switched on in a release beside the injection.
var everything = map[string][]string{
	"defaults": nil,
}

// The server takes every rendering as it is: no field that it does not know, and none of a wrong kind.
func TestEveryRenderingIsTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	sets := maps.Clone(settings)
	maps.Copy(sets, everything)
	for _, mode := range []string{"policy", "webhook", "none"} {
		for _, name := range slices.Sorted(maps.Keys(sets)) {
			t.Run(mode+"/"+name, func(t *testing.T) {
				t.Parallel()
				args := s.helmArgs(t, "template", append(slices.Clone(sets[name]), "--set", "injection.mode="+mode, "--api-versions", "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy")...)
				rendered := s.Helm(t, args...)
				if !strings.Contains(rendered, "kind: ") {
					return // nothing is rendered where the named templates are all that is wanted
				}
				printed := s.TryKubectl(rendered, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
				printed.Good(t)
				if strings.Contains(printed.Stderr, "Warning") {
					t.Errorf("the server warns: %s", printed)
				}
			})
		}
	}
}
