//go:build linux

package node

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

const nodeName = "node"

// kubeletSettings has the folder, and the control group. Nothing is evicted and no image removed for want of space on the machine's disk,
// whoever fills it. How much of it volumes take is not counted, because that does not work on every machine that tests run on. Secrets
// come to pods within seconds.
const kubeletSettings = `
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: ` + gateway + `
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://` + containerdSocket + `
cgroupDriver: cgroupfs
cgroupRoot: /%[2]s
enforceNodeAllocatable: []
failCgroupV1: false
failSwapOn: false
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
imageGCHighThresholdPercent: 100
evictionHard: {memory.available: 0%%, nodefs.available: 0%%, nodefs.inodesFree: 0%%, imagefs.available: 0%%, imagefs.inodesFree: 0%%}
podLogsDir: %[1]s/logs
volumePluginDir: %[1]s/volume-plugins
syncFrequency: 2s
`

// startKubelet starts the node, and waits until pods can be run on it.
func startKubelet(t *testing.T, c *cluster.Cluster) {
	t.Helper()
	folder := os.Getenv(inside)
	for _, tree := range groupTrees() {
		must(t, os.MkdirAll(filepath.Join(tree, group(folder)), 0o755))
	}
	settings := filepath.Join(folder, "kubelet.yaml")
	must(t, os.WriteFile(settings, fmt.Appendf(nil, kubeletSettings, folder, group(folder)), 0o644))
	c.Spawn(t, "kubelet", "--config="+settings, "--kubeconfig="+c.Identity(t, "system:node:"+nodeName, "system:nodes"),
		"--root-dir="+filepath.Join(folder, "kubelet"), "--hostname-override="+nodeName, "--node-ip="+gateway)
	eventually(t, func() error {
		var n struct {
			Status struct{ Conditions []condition }
			Spec   struct{ Taints []object }
		}
		if err := c.Do(http.MethodGet, "/api/v1/nodes/"+nodeName, nil, &n); err != nil {
			return err
		}
		if !isTrue(n.Status.Conditions, "Ready") || len(n.Spec.Taints) != 0 {
			return fmt.Errorf("the node is not ready: %+v", n)
		}
		return nil
	})
}

// condition is one of those in a status.
type condition struct {
	Type, Status, Reason, Message string
	LastTransitionTime            time.Time
}

func isTrue(conditions []condition, kind string) bool {
	for _, c := range conditions {
		if c.Type == kind {
			return c.Status == "True"
		}
	}
	return false
}
