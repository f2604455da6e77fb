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
	"time"

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
	"burgeectl": `[ "$1" = status ] && for _ in $(seq 100); do %[1]s "$@" 2> /dev/null && exit; sleep 0.1; done; exec %[1]s "$@"`,
}

// docs/kubernetes.md works as it stands there, from its first command to its last, but for where the bucket is, and how often it is asked.
func (n *node) followsThePage(t *testing.T) {
	n.Helm(t, "uninstall", "burgee", "--namespace", system, "--wait")
	n.Kubectl(t, "delete", "cronjobs,jobs,pods", "--all", "--namespace", applications) // the page waits for every sidecar
	n.bringImages(t)
	n.shop.Publish(t, `{"flags":{"payments_enabled":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on",
		"metadata":{"owner":"tests","kind":"kill-switch","description":"Made by a test.","emergencyAction":"Call nobody.","safeVariant":"off"}}}}`)
	r := &reader{node: n, folder: n.home(t)}
	page, err := os.ReadFile("../../../docs/kubernetes.md")
	must(t, err)
	around := map[string]func(*testing.T, func()){
		"All sidecars":             r.amongOtherPods,
		"Changing keys":            r.changesKeys,
		"When the store is away":   r.losesTheStore,
		"Prometheus and the fleet": r.seesTheFleet,
	}
	for _, section := range strings.Split(string(page), "\n## ")[1:] {
		title, text, _ := strings.Cut(section, "\n")
		blocks := strings.Split(text, "```sh\n")[1:]
		follow := func() { r.follow(t, blocks) }
		if check := around[title]; check != nil {
			check(t, follow)
		} else {
			follow()
		}
		if delete(around, title); strings.Contains(text, "\n```\n\n```\n") {
			t.Errorf("%s: a block without a language, which nobody runs", title)
		}
	}
	if r.ran < 10 || len(around) > 0 {
		t.Errorf("%d blocks of shell were run, and sections that are not there have checks: %v", r.ran, around)
	}
}

// bringImages gives the node the images that the page takes from registries.
func (n *node) bringImages(t *testing.T) {
	t.Helper()
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
}

// reader is somebody who follows the page.
type reader struct {
	*node
	folder string
	ran    int // blocks
}

// follow runs a section's blocks.
func (r *reader) follow(t *testing.T, blocks []string) {
	t.Helper()
	for _, block := range blocks {
		script, _, _ := strings.Cut(block, "```")
		script = strings.Replace(script, "region: eu-central-1", "region: us-east-1\n  endpoint: "+r.Endpoint()+"\n  pathStyle: true", 1)
		script = strings.Replace(script, "\nVALUES\n", "\nsidecar: {settings: {poll: "+poll.String()+"}}\nVALUES\n", 1)
		begin := time.Now()
		out := r.shell(t, r.folder, script)
		t.Logf("%s\n%s%s", script, out, time.Since(begin).Round(time.Millisecond))
		for line := range strings.Lines(script) {
			if want, ok := strings.CutPrefix(line, "# => "); ok && !strings.Contains(out, strings.TrimSpace(want)) {
				t.Errorf("%s\nprinted no %s, but\n%s", script, want, out)
			}
		}
		if strings.Contains(script, "helm ") {
			r.inForce(t, script)
		}
		r.ran++
	}
}

// home is the folder of somebody who has what the page takes for granted: the tree, the public key, a right to write to the bucket.
func (n *node) home(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	charts, err := filepath.Abs("../../../charts")
	must(t, err)
	must(t, os.Symlink(charts, filepath.Join(folder, "charts")))
	for _, kind := range []string{".key", ".pub"} {
		key, err := os.ReadFile(n.shop.Path("team" + kind))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(folder, "prod"+kind), key, 0o600))
	}
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
	cmd.Env = append([]string{
		"HOME=" + folder, "KUBECONFIG=" + n.Kubeconfig, "PATH=" + programs + ":" + os.Getenv("PATH"),
		"BURGEE_STORE=" + store, "BURGEE_ENVIRONMENT=" + kit.Environment, "BURGEE_TRUST_KEY=prod.pub", "BURGEE_AUTHOR=reader",
	}, n.shop.Env...)
	cmd.WaitDelay = patience // whatever the script leaves running has its output too
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v:\n%s", script, err, out)
	}
	return string(out)
}
