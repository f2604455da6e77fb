// Package observe holds the alert rules, the dashboard and the scrape configuration of the chart against each other, the documents, and
// real sidecars that a real Prometheus scrapes.
package observe

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/burgeehq/burgee/test/kit"
)

// folder holds what the chart ships for Prometheus and Grafana.
const folder = "../../charts/burgee/files"

func TestMain(m *testing.M) { kit.Main(m) }

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// alert is one rule of alerts.yaml.
type alert struct {
	Alert       string
	Expr        string
	For         string
	Labels      map[string]string
	Annotations map[string]string
}

func alerts(t *testing.T) []alert {
	t.Helper()
	var file struct {
		Groups []struct {
			Name  string
			Rules []alert
		}
	}
	if err := yaml.Unmarshal(read(t, filepath.Join(folder, "alerts.yaml")), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Groups) != 1 || len(file.Groups[0].Rules) < 10 {
		t.Fatalf("alerts.yaml has %d groups; want one with all rules", len(file.Groups))
	}
	return file.Groups[0].Rules
}

// dashboard is what tests look at of dashboard.json.
type dashboard struct {
	UID           string
	Title         string
	SchemaVersion int
	Templating    struct{ List []variable }
	Panels        []panel
}

type variable struct {
	Name, Type, Definition, AllValue string
	IncludeAll                       bool
}

type source struct{ Type, UID string }

type panel struct {
	ID                       int
	Type, Title, Description string
	Datasource               source
	GridPos                  struct{ X, Y, W, H int }
	FieldConfig              struct{ Defaults struct{ Unit string } }
	Targets                  []target
}

type target struct {
	RefID      string
	Datasource source
	Expr       string
	Instant    bool
}

func board(t *testing.T) *dashboard {
	t.Helper()
	var d dashboard
	if err := json.Unmarshal(read(t, filepath.Join(folder, "dashboard.json")), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

// graphs are the panels that show something: all but the rows.
func (d *dashboard) graphs() (all []panel) {
	for _, p := range d.Panels {
		if p.Type != "row" {
			all = append(all, p)
		}
	}
	return all
}

// expressions are all that Prometheus is asked, by who asks it.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, a := range alerts(t) {
		all["alert "+a.Alert] = a.Expr
	}
	d := board(t)
	for _, p := range d.graphs() {
		for _, q := range p.Targets {
			all["panel "+p.Title+" "+q.RefID] = q.Expr
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			all["variable "+v.Name] = strings.TrimSuffix(strings.TrimPrefix(v.Definition, "label_values("), ")")
		}
	}
	return all
}
