//go:build linux

package node

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Sockets in namespaces that are the run's own, so that nobody else's is there.
const containerdSocket = "/run/containerd.sock"

// containerdSettings has the folder for what is kept, and the one with the plugins' settings; state and sockets go to /run.
const containerdSettings = `
version = 2
root = "%[1]s/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing", "io.containerd.internal.v1.opt"]
[grpc]
address = "` + containerdSocket + `"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "` + pauseImage + `"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "` + pluginFolder + `"
conf_dir = "%[1]s/cni"
`

// networkSettings puts each pod on the bridge, with an address that no other has, and with the node as the way out.
const networkSettings = `{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
  "type": "bridge", "bridge": "` + bridge + `", "isGateway": true, "hairpinMode": true,
  "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "` + network + `", "gateway": "` + gateway + `"}]], "routes": [{"dst": "0.0.0.0/0"}]}
}]}`

// startContainerd starts the runtime, and gives it the images.
func startContainerd(t *testing.T) {
	t.Helper()
	folder := os.Getenv(inside)
	must(t, os.Mkdir(filepath.Join(folder, "cni"), 0o755))
	must(t, os.WriteFile(filepath.Join(folder, "cni", "pods.conflist"), []byte(networkSettings), 0o644))
	settings := filepath.Join(folder, "containerd.toml")
	must(t, os.WriteFile(settings, fmt.Appendf(nil, containerdSettings, folder), 0o644))
	start(t, "containerd", "--config", settings)
	eventually(t, func() error { return ctr("version") })

	for _, image := range []struct {
		name string
		make func(file, name string)
	}{
		{pauseImage, func(file, name string) { programImage(t, file, name, build(t, "./pause")) }},
		{askerImage, func(file, name string) { programImage(t, file, name, build(t, "./asker")) }},
		{burgeeImage, func(file, name string) { layoutImage(t, file, name, filepath.Join(os.Getenv(imageFolder), "oci")) }},
	} {
		file := filepath.Join(folder, "image.tar")
		image.make(file, image.name)
		must(t, ctr("images", "import", file))
	}
}

// ctr runs the runtime's own tool.
func ctr(args ...string) error {
	output, err := exec.Command("ctr", append([]string{"--address", containerdSocket, "--namespace", "k8s.io"}, args...)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ctr %s: %w: %s", strings.Join(args, " "), err, output)
	}
	return nil
}

// build makes a program that needs nothing but the kernel.
func build(t *testing.T, source string) string {
	t.Helper()
	program := filepath.Join(os.Getenv(inside), filepath.Base(source))
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, source)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", source, err, output)
	}
	return program
}

// start starts a program of the node. It ends with the namespaces; what it says is shown where the test fails.
func start(t *testing.T, program string, args ...string) {
	t.Helper()
	name := filepath.Join(os.Getenv(inside), filepath.Base(program)+".log")
	log, err := os.Create(name)
	must(t, err)
	defer log.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	must(t, cmd.Start())
	go func() { _ = cmd.Wait() }() // how it ended is in the log
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", filepath.Base(program), tail(name))
		}
	})
}

// tail is the last of a log.
func tail(name string) string {
	const most = 6000
	text, err := os.ReadFile(name)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-most):])
}
