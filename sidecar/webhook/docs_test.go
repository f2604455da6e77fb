package webhook

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/operations.md has a table of the webhook's own metrics: those of the Go runtime and of the process are not its to explain.
func TestTheDocumentsNameEveryMetric(t *testing.T) {
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), "| metric of `inject` |")
	if !found {
		t.Fatal("docs/operations.md has no table that begins | metric of `inject` |")
	}
	table, _, _ = strings.Cut(table, "\n\n")
	documented := map[string][]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|([^|]*)\\|").FindAllStringSubmatch(table, -1) {
		labels := []string{}
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[2], -1) {
			labels = append(labels, m[1])
		}
		documented[row[1]] = labels
	}
	w, _ := started(t)
	families, err := w.registry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if !strings.HasPrefix(family.GetName(), "burgee_") {
			continue
		}
		labels := []string{}
		for _, label := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, label.GetName())
		}
		if want, known := documented[family.GetName()]; !known || !slices.Equal(labels, want) {
			t.Errorf("metric %s has labels %v; docs/operations.md says %v (is there: %v)", family.GetName(), labels, want, known)
		}
		delete(documented, family.GetName())
	}
	for name := range documented {
		t.Errorf("docs/operations.md has a metric %s, which is not there", name)
	}
}
