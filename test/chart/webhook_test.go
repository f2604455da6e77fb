package chart

import (
	"encoding/json"
	"maps"
	"reflect"
	"testing"
)

// The webhook's pods are scraped, listen where its port is, and keep their labels, by which the Service finds them, whatever is given to them.
func TestTheWebhooksPods(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	scraped := map[string]any{"prometheus.io/scrape": "true", "prometheus.io/port": "8014", "prometheus.io/path": "/metrics"}
	with := func(name string, value any) map[string]any {
		all := maps.Clone(scraped)
		all[name] = value
		return all
	}
	for name, row := range map[string]struct {
		values      object
		annotations map[string]any
		address     string
		network     any
		dns         any
	}{
		"defaults":      {object{}, scraped, ":8443", nil, nil},
		"not annotated": {object{"metrics": object{"annotations": false}}, map[string]any{}, ":8443", nil, nil},
		"annotations":   {object{"webhook": object{"podAnnotations": object{"team": "a"}}}, with("team", "a"), ":8443", nil, nil},
		"scraped by it": {object{"webhook": object{"podAnnotations": object{"prometheus.io/scrape": "false"}}}, with("prometheus.io/scrape", "false"), ":8443", nil, nil},
		"labels":        {object{"webhook": object{"podLabels": object{"team": "a", "app.kubernetes.io/component": "b"}}}, scraped, ":8443", nil, nil},
		"a port":        {object{"webhook": object{"port": 9443}}, scraped, ":9443", nil, nil},
		"host network":  {object{"webhook": object{"hostNetwork": true}}, scraped, ":8443", true, "ClusterFirstWithHostNet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := json.Marshal(row.values)
			if err != nil {
				t.Fatal(err)
			}
			all := objectsOf(t, rendered(t, helm, append(good(), "--values", written(t, "values.json", string(text)))...))
			deployment := find(t, all, "Deployment", "burgee-inject")
			template := at(deployment, "spec", "template")
			annotations, _ := at(template, "metadata", "annotations").(object)
			if checksum, _ := annotations["checksum/injection"].(string); len(checksum) != 64 {
				t.Errorf("no checksum of the definition among %v", annotations)
			}
			delete(annotations, "checksum/injection")
			if !reflect.DeepEqual(annotations, row.annotations) {
				t.Errorf("annotations %v; want %v", annotations, row.annotations)
			}
			labels, _ := at(template, "metadata", "labels").(object)
			for label, value := range at(find(t, all, "Service", "burgee-inject"), "spec", "selector").(object) {
				if labels[label] != value {
					t.Errorf("label %s is %v; the Service looks for %v", label, labels[label], value)
				}
			}
			if name == "labels" && labels["team"] != "a" {
				t.Errorf("labels %v; want team among them", labels)
			}
			container := at(template, "spec", "containers", 0)
			port, _ := at(container, "ports", 0, "containerPort").(float64)
			if listens := at(container, "args", 4); listens != "--listen="+row.address || row.address != ":"+jsonOf(t, port) {
				t.Errorf("it listens at %v and names port %v; want %s", listens, port, row.address)
			}
			if network, dns := at(template, "spec", "hostNetwork"), at(template, "spec", "dnsPolicy"); network != row.network || dns != row.dns {
				t.Errorf("hostNetwork %v, dnsPolicy %v; want %v, %v", network, dns, row.network, row.dns)
			}
			// On a node's network, a second pod beside the first would wait for its ports for ever.
			if surge := at(deployment, "spec", "strategy", "rollingUpdate", "maxSurge"); (surge == 0.0) != (row.network == true) {
				t.Errorf("maxSurge is %v", surge)
			}
		})
	}
}

// A NetworkPolicy is for the webhook's pods alone, lets the API server and probes in, and nothing out.
func TestTheWebhooksNetworkPolicy(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	port := func(number float64) []any { return []any{object{"port": number, "protocol": "TCP"}} }
	for name, row := range map[string]struct {
		set   string
		ports []any
	}{
		"everybody": {"", []any{object{"ports": port(8443)}, object{"ports": port(8014)}}},
		"one": {
			",webhook.port=9443,webhook.networkPolicy.from[0].ipBlock.cidr=10.0.0.0/28",
			[]any{object{"ports": port(9443), "from": []any{object{"ipBlock": object{"cidr": "10.0.0.0/28"}}}}, object{"ports": port(8014)}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := objectsOf(t, rendered(t, helm, append(good(), "--set", "webhook.networkPolicy.enabled=true"+row.set)...))
			want := object{
				"podSelector": at(find(t, all, "Deployment", "burgee-inject"), "spec", "selector"),
				"policyTypes": []any{"Ingress", "Egress"}, "ingress": row.ports,
			}
			if got := find(t, all, "NetworkPolicy", "burgee-inject")["spec"]; !reflect.DeepEqual(got, any(want)) {
				t.Errorf("it is\n%s\nwant\n%s", pretty(t, got), pretty(t, want))
			}
		})
	}
}

func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
