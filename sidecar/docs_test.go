package sidecar

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// cells gives the rows of a table in a document, found by the beginning of its head.
func cells(t *testing.T, file, head string) [][]string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(text), head)
	if !found {
		t.Fatalf("%s has no table that begins %q", file, head)
	}
	table, _, _ = strings.Cut(table, "\n\n")
	var rows [][]string
	for line := range strings.Lines(table) {
		if row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|"); strings.HasPrefix(line, "| `") {
			for i := range row {
				row[i] = strings.TrimSpace(row[i])
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func TestTheDocumentsNameEveryMetric(t *testing.T) {
	quoted := regexp.MustCompile("`([^`]+)`")
	documented := map[string][]string{}
	for _, row := range cells(t, "../docs/operations.md", "| metric |") {
		var labels []string
		for _, m := range quoted.FindAllStringSubmatch(row[1], -1) {
			labels = append(labels, m[1])
		}
		documented[strings.Trim(row[0], "`")] = labels
	}
	have := map[string][]string{"burgee_request_seconds": {"call"}}
	for _, m := range metrics {
		have[m.name] = m.labels
	}
	for name, labels := range have {
		if got, ok := documented[name]; !ok || !slices.Equal(got, labels) {
			t.Errorf("metric %s has labels %v; docs/operations.md says %v", name, labels, got)
		}
	}
	for name := range documented {
		if _, ok := have[name]; !ok {
			t.Errorf("docs/operations.md has a metric %s, which is not there", name)
		}
	}
}

func TestMetricsCanBeGathered(t *testing.T) {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(newExporter(develop(t, shop)))
	if _, err := registry.Gather(); err != nil {
		t.Error(err)
	}
}
