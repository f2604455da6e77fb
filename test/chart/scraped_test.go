package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// Whatever Prometheus finds pods by, it finds the ports that they have: PodMonitors, scrape.yaml and the pod's annotations. test/observe has
// a real Prometheus find targets by scrape.yaml, with the names that stand in it.
func TestWhatIsScrapedIsThere(t *testing.T) {
	eachHelm(t, func(t *testing.T, helm string) {
		all := objectsOf(t, rendered(t, helm, append(good(), "--set", "metrics.podMonitor.enabled=true")...))
		deployment := find(t, all, "Deployment", "burgee-inject")
		template, _ := at(deployment, "spec", "template").(object)
		definition := injection(t, helm, readYAML(t, "values/webhook.yaml"))
		labels := object{"burgee.dev/inject": "true"}
		pod := patched(t, definition, object{"metadata": object{"name": "web", "labels": labels}, "spec": object{"containers": []any{object{"name": "web"}}}})

		var scraped []string
		for _, one := range []struct {
			monitor, list string
			pod           object
		}{{"burgee", "initContainers", pod}, {"burgee-inject", "containers", template}} {
			monitor := find(t, all, "PodMonitor", one.monitor)
			endpoints, _ := at(monitor, "spec", "podMetricsEndpoints").([]any)
			port, _ := at(monitor, "spec", "podMetricsEndpoints", 0, "port").(string)
			container := at(one.pod, "spec", one.list, 0)
			if len(endpoints) != 1 || portOf(container, port) == 0 {
				t.Errorf("PodMonitor %s asks for %v; container %v has the ports %v", one.monitor, endpoints, at(container, "name"), at(container, "ports"))
			}
			wanted, _ := at(monitor, "spec", "selector", "matchLabels").(object)
			for name, value := range wanted {
				if at(one.pod, "metadata", "labels", name) != value {
					t.Errorf("PodMonitor %s selects %s=%v; the pod has %v", one.monitor, name, value, at(one.pod, "metadata", "labels"))
				}
			}
			if len(wanted) == 0 {
				t.Errorf("PodMonitor %s selects by no label", one.monitor)
			}
			scraped = append(scraped, fmt.Sprintf("%v;%s", at(container, "name"), port))
		}
		if got := kept(t); !slices.Equal(got, scraped) {
			t.Errorf("scrape.yaml keeps %q; PodMonitors find %q", got, scraped)
		}
		if got, want := at(pod, "metadata", "annotations", "prometheus.io/port"), fmt.Sprint(portOf(at(pod, "spec", "initContainers", 0), "burgee-admin")); got != want {
			t.Errorf("the annotation prometheus.io/port is %v; want %s", got, want)
		}
	})
}

// portOf is the number of a container's port with that name, or 0.
func portOf(container any, name string) float64 {
	ports, _ := at(container, "ports").([]any)
	for _, port := range ports {
		if at(port, "name") == name {
			number, _ := at(port, "containerPort").(float64)
			return number
		}
	}
	return 0
}

// kept are the pairs of container and port that scrape.yaml keeps.
func kept(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFolder, "files", "scrape.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var jobs []struct {
		Rules []struct{ Regex, Action string } `yaml:"relabel_configs"`
	}
	if err := yaml.Unmarshal(text, &jobs); err != nil || len(jobs) != 1 {
		t.Fatalf("scrape.yaml has %d jobs: %v", len(jobs), err)
	}
	for _, rule := range jobs[0].Rules {
		if rule.Action == "keep" {
			return strings.Split(rule.Regex, "|")
		}
	}
	t.Fatal("scrape.yaml keeps nothing")
	return nil
}
