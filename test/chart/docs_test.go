package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
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

// What cert-manager leaves in the cluster is what it was asked to write: the command that removes it names each Secret.
func TestTheReadmeNamesWhatIsLeft(t *testing.T) {
	t.Parallel()
	command := regexp.MustCompile(`(?m)^kubectl --namespace burgee-system delete secret --ignore-not-found (.+)$`).FindStringSubmatch(readme(t))
	if command == nil {
		t.Fatal("charts/burgee/README.md has no command that removes Secrets")
	}
	var want []string
	for _, o := range objectsOf(t, rendered(t, program(t, "helm"), append(good(), "--set", "webhook.certificate.from=cert-manager")...)) {
		if o["kind"] == "Certificate" {
			secret, _ := at(o, "spec", "secretName").(string)
			want = append(want, secret)
		}
	}
	if got := strings.Fields(command[1]); len(want) != 2 || !slices.Equal(slices.Sorted(slices.Values(want)), got) {
		t.Errorf("it removes %q; cert-manager makes %q", got, want)
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
