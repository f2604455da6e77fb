package kubernetes

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// everything is what can be switched on in a release beside the injection.
var everything = map[string][]string{
	"monitoring": {
		"--set", "metrics.podMonitor.enabled=true", "--set", "metrics.podMonitor.labels.team=flags", "--set", "metrics.podMonitor.interval=30s",
		"--set", "alerts.enabled=true", "--set", "dashboard.enabled=true", "--set", "fleet.namespaces={shop}",
	},
	"cert-manager": {"--set", "webhook.certificate.from=cert-manager"},
	"issuer":       {"--set", "webhook.certificate.from=cert-manager", "--set", "webhook.certificate.issuerRef.name=ours", "--set", "webhook.certificate.issuerRef.kind=ClusterIssuer"},
	"pods of the webhook": {
		"--set", "webhook.replicas=3", "--set", "webhook.failurePolicy=Ignore", "--set", "webhook.priorityClassName=system-cluster-critical",
		"--set", "webhook.tolerations[0].operator=Exists", "--set", "imagePullSecrets[0].name=registry", "--set", "fullnameOverride=flags",
	},
}

// The server takes every rendering as it is: no field that it does not know, and none of a wrong kind.
func TestEveryRenderingIsTaken(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	s.Kubectl(t, "create", "-f", filepath.Join(os.Getenv(cluster.Binaries), "crds"))
	sets := maps.Clone(settings)
	maps.Copy(sets, everything)
	sets["own certificate"] = []string{
		"--set", "webhook.certificate.from=secret", "--set", "webhook.certificate.secret=ours", "--set-file", "webhook.certificate.caBundle=" + s.Path("ca.crt"),
	}
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
