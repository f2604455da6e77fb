//go:build linux

// Package node runs pods with the sidecar on a real node: kubelet, containerd and runc beside a real control plane, all in namespaces of
// their own. make e2e-node runs it.
package node

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// imageFolder is the environment variable with the folder that make image has written.
const imageFolder = "BURGEE_TEST_IMAGE"

const pluginFolder = "/usr/lib/cni" // where Debian has them

const (
	patience  = 90 * time.Second
	lookEvery = 20 * time.Millisecond
)

// missing names what keeps the tests from running here; "" where all is there.
func missing() string {
	switch {
	case os.Getenv(imageFolder) == "" || os.Getenv(cluster.Binaries) == "":
		return "make e2e-node runs this"
	case os.Geteuid() != 0:
		return "a node needs root"
	}
	for _, program := range []string{"containerd", "ctr", "runc", "ip", pluginFolder + "/bridge"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("%v: the Makefile names the packages at e2e-node", err)
		}
	}
	return ""
}

// node is a cluster with one node, and a store that its pods reach.
type node struct {
	*cluster.Cluster
	*site
}

func startNode(t *testing.T) *node {
	t.Helper()
	if why := missing(); why != "" {
		kit.Skip(t, why)
	}
	begin := time.Now()
	c := cluster.Start(t, cluster.Config{Controllers: true, Scheduler: true, APIServer: []string{
		"--authorization-mode=Node",                    // beside RBAC
		"--enable-aggregator-routing",                  // to the webhook's pods rather than to their Service, whose address no kube-proxy makes work
		"--kubelet-preferred-address-types=InternalIP", // for kubectl logs
	}})
	startContainerd(t)
	startKubelet(t, c)
	t.Logf("the node is up after %s", time.Since(begin).Round(time.Millisecond))
	return &node{c, newSite(t)}
}

// pod is one in the applications' namespace.
func (n *node) pod(name string) *pod { return &pod{n.Cluster, applications, name} }

// One cluster and one release are enough for all of it: a pod's life from its first second to its last, work that ends by itself beside it,
// then the webhook in the policy's place, and at last the page that tells people how.
func TestOnANode(t *testing.T) {
	n := startNode(t)
	n.Namespace(t, system, cluster.Restricted)
	n.Namespace(t, applications, cluster.Restricted)
	reader := n.User(t)
	n.Allow(t, bucket, reader)
	n.publish(t, 1)
	n.Apply(t, secretManifest(profile(reader)))

	n.helm(t, "install", "--set", "injection.mode=policy")
	n.inForce(t)
	s := &story{node: n, whole: t, pod: n.pod("web")}
	for _, part := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"held back until there are flags", s.isHeldBackUntilThereAreFlags},
		{"work begins", func(t *testing.T) { // meanwhile it goes on
			n.Apply(t, podWithout("without"))
			n.Apply(t, jobManifest("work"))
		}},
		{"confined", s.pod.isConfined},
		{"scraped", s.isScraped},
		{"a job completes", func(t *testing.T) { n.completes(t, "work") }},
		{"follows", s.follows},
		{"outlives the store", s.outlivesTheStore},
		{"comes back", s.comesBack},
		{"follows again", s.followsAgain},
		{"new keys", s.takesUpNewKeys},
		{"a CronJob", func(t *testing.T) { n.Apply(t, cronJobManifest("each-minute")) }}, // not before: each minute of it needs the store
		{"never short of memory", s.pod.wasNotStarved},
		{"starts without flags", func(t *testing.T) { n.startsWithoutFlags(t, "without") }},
		{"ends in order", s.endsInOrder},
		{"by webhook", n.injectsByWebhook},
		{"a CronJob's job completes", func(t *testing.T) { n.completesOnTime(t, "each-minute") }},
		{"without the webhook", n.refusesWithoutWebhook},
		{"the page for platform engineers", n.followsThePage},
	} {
		begin := time.Now()
		if !t.Run(part.name, part.run) {
			return // the next part begins where this one should have ended
		}
		t.Logf("%s: %s", part.name, time.Since(begin).Round(time.Millisecond))
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually looks again until try gives nil.
func eventually(t *testing.T, try func() error) {
	t.Helper()
	deadline := time.After(patience)
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatalf("not within %s: %v", patience, err)
		case <-time.After(lookEvery):
		}
	}
}
