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
)

// Variables with what make e2e-node has built.
const imageFolder = "BURGEE_TEST_IMAGE" // as make image leaves it

const pluginFolder = "/usr/lib/cni" // where Debian has them

const (
	patience  = 60 * time.Second
	lookEvery = 20 * time.Millisecond
)

// missing names what keeps the tests from running here; "" where all is there.
func missing() string {
	switch {
	case os.Getenv(imageFolder) == "":
		return "make e2e-node runs this"
	case os.Geteuid() != 0:
		return "a node needs root"
	}
	for _, program := range []string{"containerd", "ctr", "runc", "ip", pluginFolder + "/bridge"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Sprintf("%v: make e2e-node names the packages", err)
		}
	}
	return ""
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
