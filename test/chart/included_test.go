package chart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a chart's author gets wrong is refused where it stands.
func TestTheLibraryRefuses(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ include, set, want string }{
		"unknown":          {`include "burgee.container" (merge (dict "Parameters" (dict "stor" "s3://x")) .Subcharts.burgee)`, "", "parameter stor is not known; there are cpuLimit, cpuRequest, environment, memory, socket, store"},
		"no store":         {`include "burgee.container" .Subcharts.burgee`, "burgee.store=", "no store: give the chart burgee the value store, or the parameter store where its templates are included"},
		"emptied":          {`include "burgee.volumes" (merge (dict "Parameters" (dict "memory" "")) .Subcharts.burgee)`, "", "no memory: give the chart burgee the value memory, or the parameter memory where its templates are included"},
		"no keys to trust": {`include "burgee.env" .Subcharts.burgee`, "burgee.trustKeys=null", "trustKeys is empty, so no flags could be trusted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := parent(t)
			if err := os.WriteFile(filepath.Join(folder, "templates", "wrong.yaml"), []byte("{{ "+row.include+" }}\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, pod := range pods(t) {
				if err := os.Remove(filepath.Join(folder, "templates", pod+".yaml")); err != nil {
					t.Fatal(err)
				}
			}
			text, refused := templateOf(t, program(t, "helm"), folder, "shop", "--values", below(t, readYAML(t, "values/webhook.yaml")), "--set", row.set)
			if !strings.Contains(refused, row.want) {
				t.Errorf("it says %q and renders %d bytes; want: %s", refused, len(text), row.want)
			}
		})
	}
}

// A dependency that is to inject nothing makes no objects, and the parent names the Service as it likes.
func TestADependencyMakesNothingItself(t *testing.T) {
	t.Parallel()
	text, refused := templateOf(t, program(t, "helm"), parent(t), "shop", "--values", below(t, readYAML(t, "values/webhook.yaml")))
	if refused != "" {
		t.Fatal(refused)
	}
	if strings.Contains(text, "# Source: shop/charts/burgee/") {
		t.Errorf("the dependency renders objects:\n%s", text)
	}
	service := find(t, objectsOf(t, text), "Service", "checkout-fleet")
	if at(service, "spec", "clusterIP") != "None" || at(service, "spec", "publishNotReadyAddresses") != true {
		t.Errorf("the Service is not headless, or leaves pods out: %v", service["spec"])
	}
	if at(service, "spec", "selector", "app") != "checkout" || at(service, "metadata", "namespace") != system {
		t.Errorf("the Service is for other pods: %v", service)
	}
}

// Notes tell what is to be done next in the mode that is in force, and what is missing.
func TestNotes(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	for name, row := range map[string]struct{ file, want string }{
		"webhook":     {"webhook", "kubectl -n burgee-system rollout status deployment/burgee-inject"},
		"certificate": {"webhook", "set webhook.certificate.from to cert-manager or secret"},
		"no store":    {"cert-manager", "There is no default for burgee.dev/store"},
		"secret":      {"secret", "kubectl -n NAMESPACE create secret generic flags-reader --from-file=credentials"},
		"irsa":        {"everything", "The role arn:aws:iam::123456789012:role/flags must trust the service accounts"},
		"bootstrap":   {"everything", "Namespaces may have the ConfigMap flags-to-start-from"},
		"labels":      {"everything", "--labels=burgee.dev/inject=true,flags=on\n"},
		"a pod":       {"everything", "\n    kubectl -n NAMESPACE port-forward pod/POD 8024:9014\n"},
		"unasked":     {"webhook", "the chart's README has a\n  command that lists such pods."},
		"releases":    {"policy", "Another release in this cluster needs an injection.objectSelector of its own"},
		"ignored":     {"everything", "webhook.failurePolicy is Ignore"},
		"left behind": {"cert-manager", "authority is in one. To remove them:\n    kubectl -n burgee-system delete secret --ignore-not-found burgee-inject-managed-ca burgee-inject-managed-tls\n"},
		"by issuer":   {"issuer", "--enable-certificate-owner-ref. To remove them:\n    kubectl -n burgee-system delete secret --ignore-not-found burgee-inject-managed-tls\n"},
		"none":        {"none", `{{- include "burgee.container" .Subcharts.burgee | nindent 6 }}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, err := run(t, helm, "install", "burgee", chartFolder, "--namespace", system, "--dry-run=client", "--values", filepath.Join("testdata", "values", row.file+".yaml"))
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
			if _, notes, _ := strings.Cut(stdout, "\nNOTES:\n"); !strings.Contains(notes, row.want) {
				t.Errorf("the notes do not say %q:\n%s", row.want, notes)
			}
		})
	}
}
