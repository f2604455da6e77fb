package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestTheReadmeIsFresh(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), program(t, "helm-docs"), "--dry-run", "--sort-values-order", "file", "--chart-search-root", filepath.Dir(chartFolder), "--log-level", "error")
	want, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if got := readme(t); strings.TrimSpace(got) != strings.TrimSpace(string(want)) {
		t.Error("charts/burgee/README.md is not what its template and the values make: make chart-docs")
	}
}

// The example of a chart that includes the sidecar is one that TestTheLibraryGivesTheWebhooksPod renders.
func TestTheReadmesExampleRuns(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/parent/templates/one.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(readme(t), "```yaml\n"+string(text)+"```\n") {
		t.Error("charts/burgee/README.md does not have testdata/parent/templates/one.yaml as it stands")
	}
}

func readme(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFolder, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
