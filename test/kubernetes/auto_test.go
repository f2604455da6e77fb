package kubernetes

import (
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// Left to itself the chart takes the policy where the API has it, and the webhook where it does not. 1.33 is the oldest version whose API this
// server can be told to have.
func TestTheModeThatTheClusterHas(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, way, other string }{
		{"1.33", "mutatingwebhookconfigurations", "validatingadmissionpolicies"},
		{"1.35", "mutatingwebhookconfigurations", "validatingadmissionpolicies"},
		{"1.36", "mutatingadmissionpolicies", "mutatingwebhookconfigurations"},
	} {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, cluster.Config{EmulatedVersion: c.version})
			s.helm(t, "install")
			r := &release{site: s}
			if c.way == "mutatingwebhookconfigurations" {
				r.webhook = s.startWebhook(t)
			}
			r.inForce(t)
			if got := s.Kubectl(t, "get", c.way, "-o", "name"); strings.Count(got, "\n") != 1 || !strings.Contains(got, "burgee") {
				t.Errorf("%s: %q; want the chart's own", c.way, got)
			}
			if got := s.Kubectl(t, "get", c.other, "-o", "name"); got != "" {
				t.Errorf("%s: %q; want none", c.other, got)
			}
		})
	}
}

// The policy cannot be had where the API has none, and Helm says so rather than install half of it.
func TestThePolicyIsRefusedByAnOlderAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{EmulatedVersion: "1.35"})
	printed := s.TryHelm(t, s.helmArgs(t, "install", "--set", "injection.mode=policy")...)
	printed.Refused(t, "MutatingAdmissionPolicy")
	if left := s.Kubectl(t, "get", "validatingadmissionpolicies", "-o", "name"); left != "" {
		t.Errorf("Helm leaves %s", left)
	}
}
