package kubernetes

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// What README.md says of Kubernetes works as it stands there; test/readme runs its other commands.
func TestTheREADMEInstalls(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, script, _ := strings.Cut(string(page), "```sh\nhelm ")
	script, _, closed := strings.Cut("helm "+script, "```")
	if !closed {
		t.Fatal("README.md has no block of shell that begins with helm")
	}
	s := &site{Cluster: cluster.Start(t, cluster.Config{}), keys: kit.New(t)} // the command makes the release's namespace
	s.Namespace(t, shop, cluster.Restricted)
	s.shell(t, script)
	(&release{site: s}).inForce(t)
}

// shell runs a script where the tree's charts and the public key prod.pub are.
func (s *site) shell(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	charts, err := filepath.Abs("../../charts")
	if err != nil {
		t.Fatal(err)
	}
	for name, file := range map[string]string{"charts": charts, "prod.pub": s.keys.Path("team.pub"), "helm": os.Getenv(cluster.HelmBinary)} {
		if err := os.Symlink(file, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("bash", "-euc", script)
	cmd.Dir = folder
	cmd.Env = []string{"HOME=" + folder, "KUBECONFIG=" + s.Kubeconfig, "PATH=" + folder + ":" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s\n%v:\n%s", script, err, out)
	}
}
