package cluster

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
`

// What the other tests take for granted: controllers make pods, the restricted standard holds, and an older API is without what came later.
func TestACluster(t *testing.T) {
	t.Parallel()
	c := Start(t, Config{Controllers: true})
	c.Namespace(t, "shop")
	c.Apply(t, deployment)
	c.Eventually(t, func() error {
		if pods := c.Kubectl(t, "get", "pods", "-n", "shop", "-l", "app=web", "-o", "name"); strings.Count(pods, "\n") != 1 {
			return fmt.Errorf("pods of the deployment: %q; want one", pods)
		}
		return nil
	})
	c.TryKubectl(strings.Replace(deployment, "image: web", "imagge: web", 1), "apply", "--validate=strict", "-f", "-").Refused(t, "unknown field")
	c.Namespace(t, "strict", Restricted)
	c.TryKubectl("", "run", "web", "--image=web", "-n", "strict").Refused(t, "violates PodSecurity", "allowPrivilegeEscalation")
	if printed := c.Helm(t, "list", "--all-namespaces", "--no-headers"); strings.TrimSpace(printed) != "" {
		t.Errorf("helm list prints %q", printed)
	}
}

func TestAnOlderAPI(t *testing.T) {
	t.Parallel()
	const policies = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
	older, newer := Start(t, Config{EmulatedVersion: "1.35"}), Start(t, Config{})
	if err, refusal := older.Do("GET", policies, nil, nil), (*Refusal)(nil); !errors.As(err, &refusal) || refusal.Code != 404 {
		t.Errorf("1.35 answers for MutatingAdmissionPolicy: %v; want 404", err)
	}
	if err := newer.Do("GET", policies, nil, nil); err != nil {
		t.Error(err)
	}
}
