// Package kubernetes installs the chart on a real control plane and looks at the pods that come of it. There is no node: test/kubernetes/node has one.
package kubernetes

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

func TestMain(m *testing.M) { kit.Main(m) }

const (
	system = "burgee-system" // where the release is
	shop   = "shop"          // an application's namespace, which takes restricted pods alone
	chart  = "../../charts/burgee"
)

// Objects and lists of Kubernetes' documents.
type (
	object = map[string]any
	list   = []any
)

// site is a cluster with a namespace for an application.
type site struct {
	*cluster.Cluster
	keys *kit.Shop // whose public key a release trusts
}

func newSite(t *testing.T, config cluster.Config) *site {
	t.Helper()
	s := &site{Cluster: cluster.Start(t, config)}
	s.Namespace(t, shop, cluster.Restricted)
	s.Namespace(t, system, cluster.Restricted)
	s.keys = kit.New(t)
	return s
}

// values are those of a release: what every one is given, and these.
func (s *site) values(more ...string) []string {
	given := []string{"--set", "store=s3://flags/shop", "--set", "environment=shop/prod", "--set", "s3.region=eu-central-1"}
	if !slices.Contains(more, unsigned) {
		given = append(given, "--set-file", "trustKeys.team="+s.keys.Path("team.pub"))
	}
	return append(given, more...)
}

// unsigned is a setting that goes without keys.
const unsigned = "allowUnsigned=true"

// pod is one that the restricted standard takes, of a container app; change may be nil.
func pod(name string, change func(meta, spec object)) object {
	meta := object{"name": name, "namespace": shop, "labels": object{"burgee.dev/inject": "true"}}
	spec := podSpec()
	if change != nil {
		change(meta, spec)
	}
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}
}

func podSpec() object {
	return object{
		"containers":      list{container("app")},
		"securityContext": object{"runAsNonRoot": true, "runAsUser": 1234, "seccompProfile": object{"type": "RuntimeDefault"}},
	}
}

// container is one that the restricted standard takes; each pair is a field and its value.
func container(name string, pairs ...any) object {
	c := object{
		"name": name, "image": "registry.example/" + name + ":1",
		"securityContext": object{"allowPrivilegeEscalation": false, "capabilities": object{"drop": list{"ALL"}}},
	}
	for i := 0; i < len(pairs); i += 2 {
		c[pairs[i].(string)] = pairs[i+1]
	}
	return c
}

// annotated is a pod with one annotation of ours.
func annotated(name, annotation, value string) object {
	return pod(name, func(meta, _ object) { meta["annotations"] = object{"burgee.dev/" + annotation: value} })
}

// text is a document as JSON.
func text(t testing.TB, document any) string {
	t.Helper()
	encoded, err := json.MarshalIndent(document, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(encoded)
}

// dry asks what would become of a pod.
func (s *site) dry(pod object) (object, error) {
	var made object
	namespace := pod["metadata"].(object)["namespace"].(string)
	err := s.Do(http.MethodPost, "/api/v1/namespaces/"+namespace+"/pods?dryRun=All&fieldValidation=Strict", pod, &made)
	return settled(made), err
}

// mustDry is dry for a pod that is taken.
func (s *site) mustDry(t testing.TB, pod object) object {
	t.Helper()
	made, err := s.dry(pod)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// injected says why a pod has no sidecar as it should be.
func injected(pod object) error {
	fields := flatten(pod)
	for path, want := range map[string]any{
		"spec/initContainers/burgee/restartPolicy":            "Always",
		"spec/initContainers/burgee/env/BURGEE_STORE/value":   "s3://flags/shop",
		"spec/containers/app/env/BURGEE_SOCKET/value":         "/run/burgee/burgee.sock",
		"spec/containers/app/env/OFREP_ENDPOINT/value":        "http://127.0.0.1:8016",
		"spec/containers/app/volumeMounts/burgee-socket/name": "burgee-socket",
		"spec/volumes/burgee-socket/emptyDir/medium":          "Memory",
		"spec/volumes/burgee-state/name":                      "burgee-state",
		"spec/initContainers/burgee#1/name":                   nil, // never twice
	} {
		if got := fields[path]; got != want {
			return fmt.Errorf("%s is %v; want %v", path, got, want)
		}
	}
	return nil
}
