//go:build linux

package node

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// The webhook's pods run on the node; the API server asks them, and what they answer runs.
func (n *node) injectsByWebhook(t *testing.T) {
	begin := time.Now()
	n.helm(t, "upgrade", "--set", "injection.mode=webhook", "--wait", "--timeout", "2m")
	t.Logf("the webhook answers after %s", time.Since(begin).Round(time.Millisecond))
	if policies := n.Kubectl(t, "get", "mutatingadmissionpolicies", "--output", "name"); policies != "" {
		t.Errorf("beside the webhook there are %s", policies)
	}
	n.inForce(t)
	n.TryKubectl(strings.Replace(podManifest("wrong"), labelled, labelled+`, annotations: {burgee.dev/storr: x}`, 1), "create", "--dry-run=server", "-f", "-").
		Refused(t, "annotation burgee.dev/storr is not known")
	n.Apply(t, podManifest("hooked"))
	n.Apply(t, jobManifest("hooked"))
	p := n.pod("hooked")
	p.until(t, "Ready", ready)
	p.log(t, "app", 0).willRead(t, 4, "6")
	p.log(t, "migrate", 0).beganWell(t)
	p.log(t, "app", 0).beganWell(t)
	p.isConfined(t)
	n.completes(t, "hooked")
}

// Without a pod of the webhook no pod with the label is made, and others are.
func (n *node) refusesWithoutWebhook(t *testing.T) {
	n.Kubectl(t, "scale", "deployment", "--all", "--replicas=0", "--namespace", system)
	n.Kubectl(t, "wait", "--for=delete", "pod", "--all", "--namespace", system, "--timeout=60s")
	eventually(t, func() error {
		refused := n.TryKubectl(podManifest("nobody"), "create", "--dry-run=server", "-f", "-")
		if refused.Code == 0 || !strings.Contains(refused.Stderr, "failed calling webhook") {
			return errors.New(refused.String())
		}
		return nil
	})
	n.TryKubectl(strings.Replace(podManifest("plain"), labelled, "labels: {app: plain}", 1), "create", "--dry-run=server", "-f", "-").Good(t)
}
