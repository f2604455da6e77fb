package observe

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Whoever is woken by an alert learns what is wrong, where, and what to read.
func TestAlertsSayWhatOnCallNeeds(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range alerts(t) {
		if seen[a.Alert] {
			t.Errorf("two alerts are called %s: their cases could not be told apart", a.Alert)
		}
		seen[a.Alert] = true
		if !regexp.MustCompile(`^Burgee[A-Z][A-Za-z]+$`).MatchString(a.Alert) {
			t.Errorf("%s: want a name that begins with Burgee", a.Alert)
		}
		if _, err := time.ParseDuration(strings.Replace(a.For, "1d", "24h", 1)); err != nil {
			t.Errorf("%s: for %q is no duration", a.Alert, a.For)
		}
		if severity := a.Labels["severity"]; severity != "critical" && severity != "warning" {
			t.Errorf("%s has severity %q; want critical or warning", a.Alert, severity)
		}
		if len(a.Labels) != 1 {
			t.Errorf("%s has labels %v; want the severity alone: others would hide those of the series", a.Alert, a.Labels)
		}
		want := []string{"{{ $labels.pod }}", "{{ $labels.namespace }}"}
		if regexp.MustCompile(`^(sum|max) by \(burgee_environment`).MatchString(a.Expr) { // what counts a fleet is of no pod
			want = []string{"{{ $labels.burgee_environment }}"}
		}
		for _, part := range want {
			if !strings.Contains(a.Annotations["description"], part) {
				t.Errorf("%s: the description lacks %s", a.Alert, part)
			}
		}
		if a.Annotations["summary"] == "" || !strings.Contains(a.Annotations["runbook_url"], "/docs/runbook.md#") {
			t.Errorf("%s has annotations %v; want a summary, and a runbook_url with a heading", a.Alert, a.Annotations)
		}
	}
}

// The file goes into a PrometheusRule by .Files.Get, which renders nothing: what looks like Helm's must be Prometheus's.
func TestAlertsHoldNoTemplatesOfHelm(t *testing.T) {
	text := string(read(t, filepath.Join(folder, "alerts.yaml")))
	for _, m := range regexp.MustCompile(`\{\{[^}]*\}\}`).FindAllString(text, -1) {
		if !regexp.MustCompile(`^\{\{ \$(labels\.[a-z_]+|value( \| humanize[A-Za-z]*)?) \}\}$`).MatchString(m) {
			t.Errorf("alerts.yaml has %s, which is none of Prometheus's labels and values", m)
		}
	}
}

// cases is a file of tests for promtool.
type cases struct {
	Tests []struct {
		Name  string
		Cases []struct {
			EvalTime  string      `yaml:"eval_time"`
			Alert     string      `yaml:"alertname"`
			ExpAlerts []yaml.Node `yaml:"exp_alerts"`
		} `yaml:"alert_rule_test"`
	}
}

// caseFiles are run by promtool: TestPromtool.
var caseFiles = []string{"alerts_test.yaml", "alerts_day_test.yaml"}

// Each alert is seen silent over healthy sidecars, silent before its time where it fires later, and firing.
func TestEachAlertHasItsCases(t *testing.T) {
	healthy, before, fires := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, name := range caseFiles {
		var file cases
		if err := yaml.Unmarshal(read(t, filepath.Join("testdata", name)), &file); err != nil {
			t.Fatal(err)
		}
		for _, group := range file.Tests {
			silent := map[string]bool{}
			for _, c := range group.Cases {
				switch {
				case len(c.ExpAlerts) > 0:
					fires[c.Alert] = true
					before[c.Alert] = before[c.Alert] || silent[c.Alert]
				case group.Name == "healthy":
					healthy[c.Alert] = true
				default:
					silent[c.Alert] = true
				}
			}
		}
	}
	var names []string
	for _, a := range alerts(t) {
		names = append(names, a.Alert)
		if !healthy[a.Alert] || !before[a.Alert] || !fires[a.Alert] {
			t.Errorf("%s has no case in testdata where all is well (%v), none before it fires (%v), or none where it fires (%v)",
				a.Alert, healthy[a.Alert], before[a.Alert], fires[a.Alert])
		}
	}
	for name := range fires {
		if !slices.Contains(names, name) {
			t.Errorf("testdata has a case for %s, which is no alert", name)
		}
	}
}
