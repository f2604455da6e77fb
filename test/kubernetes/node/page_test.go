//go:build linux

package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

const busyboxImage = "docker.io/library/busybox:1.36"

// prelude is in front of each script of the page.
const prelude = `set -euo pipefail
trap 'kill $(jobs -p) 2> /dev/null || true' EXIT
`

// patient are the programs of the page, which wait here for what a person would see and wait for: logs of what has just begun, and a port
// that is just being forwarded. Each is called with the program's path.
var patient = map[string]string{
	"helm":      `exec %[1]s "$@"`,
	"kubectl":   `case " $* " in *" logs "*) until %[1]s "$@" | grep .; do sleep 0.1; done ;; *) exec %[1]s "$@" ;; esac`,
	"burgeectl": `for _ in $(seq 100); do %[1]s "$@" 2> /dev/null && exit; sleep 0.1; done; exec %[1]s "$@"`,
}

// The first part of docs/kubernetes.md works as it stands there, but for where the bucket is: from helm install to a flag.
func (n *node) followsThePage(t *testing.T) {
	n.Helm(t, "uninstall", "burgee", "--namespace", system, "--wait")
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		kit.Skip(t, "no busybox; the Makefile names the packages at e2e-node")
	}
	file := filepath.Join(t.TempDir(), "image.tar")
	programImage(t, file, busyboxImage, busybox, "bin/sh", "bin/wget", "bin/sleep")
	must(t, ctr("images", "import", file))
	about, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	must(t, err)
	version := regexp.MustCompile(`(?m)^appVersion: (.+)$`).FindSubmatch(about)
	must(t, ctr("images", "tag", burgeeImage, "ghcr.io/burgeehq/burgee:"+string(version[1])))

	n.shop.Publish(t, `{"flags":{"payments_enabled":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",
		"metadata":{"owner":"tests","kind":"permission","description":"Made by a test."}}}}`)
	folder := n.home(t)
	page, err := os.ReadFile("../../../docs/kubernetes.md")
	must(t, err)
	_, part, _ := strings.Cut(string(page), "\n## From `helm install` to a flag\n")
	part, _, _ = strings.Cut(part, "\n## ")
	blocks := strings.Split(part, "```sh\n")[1:]
	if len(blocks) < 4 {
		t.Fatalf("%d blocks of shell in the first part of docs/kubernetes.md; want helm install, a Secret, a pod and its status", len(blocks))
	}
	for i, block := range blocks {
		script, _, _ := strings.Cut(block, "```")
		script = strings.Replace(script, "region: eu-central-1", "region: us-east-1\n  endpoint: "+n.Endpoint()+"\n  pathStyle: true", 1)
		out := n.shell(t, folder, script)
		for line := range strings.Lines(script) {
			if want, ok := strings.CutPrefix(line, "# => "); ok && !strings.Contains(out, strings.TrimSpace(want)) {
				t.Errorf("%s\nprinted no %s, but\n%s", script, want, out)
			}
		}
		if i == 0 {
			n.inForce(t)
		}
	}
}

// home is the folder of somebody who has what the page takes for granted: the tree, the public key, a right to read the bucket.
func (n *node) home(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	charts, err := filepath.Abs("../../../charts")
	must(t, err)
	must(t, os.Symlink(charts, filepath.Join(folder, "charts")))
	key, err := os.ReadFile(n.shop.Path("team.pub"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(folder, "prod.pub"), key, 0o644))
	must(t, os.Mkdir(filepath.Join(folder, ".aws"), 0o700))
	must(t, os.WriteFile(filepath.Join(folder, ".aws", "credentials"), []byte(profile(n.Root)), 0o600))
	return folder
}

// shell runs a script of the page, with the programs that were built for the test.
func (n *node) shell(t *testing.T, folder, script string) string {
	t.Helper()
	programs := t.TempDir()
	for name, path := range map[string]string{
		"helm": os.Getenv(cluster.HelmBinary), "kubectl": filepath.Join(os.Getenv(cluster.Binaries), "kubectl"), "burgeectl": filepath.Join(os.Getenv(kit.Binaries), "burgeectl"),
	} {
		must(t, os.WriteFile(filepath.Join(programs, name), fmt.Appendf(nil, "#!/bin/sh\n"+patient[name]+"\n", path), 0o755))
	}
	cmd := exec.Command("bash", "-c", prelude+script)
	cmd.Dir = folder
	cmd.Env = []string{"HOME=" + folder, "KUBECONFIG=" + n.Kubeconfig, "PATH=" + programs + ":" + os.Getenv("PATH")}
	cmd.WaitDelay = patience // whatever the script leaves running has its output too
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v:\n%s", script, err, out)
	}
	return string(out)
}
