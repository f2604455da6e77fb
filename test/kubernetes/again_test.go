package kubernetes

import (
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A pod that has the sidecar gets no second one, as when a controller copies a pod or an operator applies what kubectl printed.
func testNeverTwice(t *testing.T, s *site) {
	for _, c := range []struct {
		name string
		pod  object
	}{
		{"plain", pod("plain", nil)},
		{"init containers", pod("p", func(_, spec object) { spec["initContainers"] = list{container("migrate")} })},
		{"own socket", annotated("p", "socket", "/run/flags/shop.sock")},
	} {
		t.Run(c.name, func(t *testing.T) {
			once := s.mustDry(t, c.pod)
			if err := hasSidecar(once); err != nil {
				t.Fatal(err)
			}
			again := s.mustDry(t, once)
			for _, difference := range differences(once, again) {
				t.Errorf("the second time changes %s", difference)
			}
		})
	}
}

// hasSidecar says whether a pod has one sidecar, whatever its settings.
func hasSidecar(pod object) error {
	fields := flatten(pod)
	if fields["spec/initContainers/burgee/restartPolicy"] != "Always" || fields["spec/initContainers/burgee#1/name"] != nil {
		return fmt.Errorf("init containers: %v; want one sidecar", fields["spec/initContainers"])
	}
	return nil
}

// Whom nobody asked for stays as it is.
func testLeftAlone(t *testing.T, s *site) {
	for name, labels := range map[string]object{"without the label": nil, "with another value": {"burgee.dev/inject": "false"}} {
		t.Run(name, func(t *testing.T) {
			made := s.mustDry(t, pod("p", func(meta, _ object) { meta["labels"] = labels }))
			if got := flatten(made)["spec/initContainers"]; got != nil {
				t.Errorf("init containers: %v; want none", got)
			}
		})
	}
	for _, namespace := range []string{"kube-system", system} {
		t.Run("in "+namespace, func(t *testing.T) {
			made := s.mustDry(t, pod("p", func(meta, _ object) { meta["namespace"] = namespace }))
			if got := flatten(made)["spec/initContainers"]; got != nil {
				t.Errorf("init containers: %v; want none", got)
			}
		})
	}
}

// late is what another injector adds.
var late = container("late", "env", list{object{"name": "OFREP_ENDPOINT", "value": "http://127.0.0.1:9"}})

// An injector that comes after ours adds a container; ours is asked once more, and completes it without a second sidecar.
func testAnotherInjector(t *testing.T, s *site) {
	if err := hasSidecar(s.mustDry(t, pod("before", nil))); err != nil {
		t.Fatal(err)
	}
	other := newInjector(t)
	configuration := object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": object{"name": "zz-late"},
		"webhooks": list{object{
			"name": "late.example.com", "admissionReviewVersions": list{"v1"}, "sideEffects": "None",
			"clientConfig":   object{"url": other.URL, "caBundle": base64.StdEncoding.EncodeToString(pemOf(other))},
			"objectSelector": object{"matchLabels": object{"late": "true"}},
			"rules":          list{object{"apiGroups": list{""}, "apiVersions": list{"v1"}, "operations": list{"CREATE"}, "resources": list{"pods"}}},
		}},
	}
	s.Apply(t, text(t, configuration))
	defer s.Kubectl(t, "delete", "mutatingwebhookconfiguration", "zz-late")
	s.Eventually(t, func() error {
		made, err := s.dry(pod("p", func(meta, _ object) { meta["labels"].(object)["late"] = "true" }))
		if err != nil {
			return err
		}
		fields := flatten(made)
		if fields["spec/containers"] != "app late" {
			return fmt.Errorf("containers: %v; want another injector's", fields["spec/containers"])
		}
		for path, want := range map[string]any{
			"spec/containers/late/volumeMounts/burgee-socket/mountPath": "/run/burgee",
			"spec/containers/late/env/BURGEE_SOCKET/value":              "/run/burgee/burgee.sock",
			"spec/containers/late/env/OFREP_ENDPOINT/value":             "http://127.0.0.1:9", // as it came
			"spec/containers/late/env/OFREP_ENDPOINT#1/value":           nil,
			"spec/containers/app/env/BURGEE_SOCKET#1/value":             nil,
		} {
			if fields[path] != want {
				t.Errorf("%s is %v; want %v", path, fields[path], want)
			}
		}
		return hasSidecar(made)
	})
}

// newInjector serves a webhook that adds the container late to every pod.
func newInjector(t *testing.T) *httptest.Server {
	t.Helper()
	patch := text(t, list{object{"op": "add", "path": "/spec/containers/-", "value": late}})
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review struct{ Request struct{ UID string } }
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(object{ // the server may be gone
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": object{"uid": review.Request.UID, "allowed": true, "patchType": "JSONPatch", "patch": []byte(patch)},
		})
	}))
	t.Cleanup(server.Close)
	return server
}

func pemOf(server *httptest.Server) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
}
