package kubernetes

import (
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// An upgrade signs with the authority that it finds in the cluster. One that somebody damaged is named, with the way out, which is one.
func TestADamagedAuthorityIsNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	s.helm(t, "install", "--set", "injection.mode=webhook")
	for _, damage := range []string{`{"data": {"tls.key": "Z2FyYmFnZQ=="}}`, `{"data": {"tls.crt": "Z2FyYmFnZQ=="}}`} {
		s.Kubectl(t, "patch", "secret", "burgee-inject-ca", "-n", system, "--type=merge", "-p", damage)
		tried := s.TryHelm(t, s.helmArgs(t, "upgrade", "--set", "injection.mode=webhook")...)
		want := "the Secret burgee-inject-ca in namespace burgee-system, with the authority of the webhook's certificate, is damaged: " +
			"kubectl -n burgee-system delete secret burgee-inject-ca, and upgrade again for another"
		if tried.Code == 0 || !strings.Contains(tried.String(), want) {
			t.Fatalf("the upgrade says %s; want: %s", tried, want)
		}
		s.Kubectl(t, "delete", "secret", "burgee-inject-ca", "-n", system)
		s.helm(t, "upgrade", "--set", "injection.mode=webhook")
	}
}
