package kubernetes

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// Where pods have bounds, the sidecar counts like any container.
func testBounds(t *testing.T, s *site) {
	cpu := func(given object) object {
		given["resources"] = object{"requests": object{"cpu": "10m"}, "limits": object{"cpu": "100m"}}
		return given
	}
	in := func(namespace string, change func(meta, spec object)) object {
		return pod("p", func(meta, spec object) {
			meta["namespace"] = namespace
			cpu(spec["containers"].(list)[0].(object))
			if change != nil {
				change(meta, spec)
			}
		})
	}
	limited := func(meta, _ object) { meta["annotations"] = object{"burgee.dev/cpu-limit": "200m"} }
	const path = "spec/initContainers/burgee/resources/limits/cpu"

	t.Run("quota", func(t *testing.T) {
		s.Namespace(t, "quota", cluster.Restricted)
		s.bound(t, "quota", "resourcequotas", object{"metadata": object{"name": "q"}, "spec": object{"hard": object{"limits.cpu": "1"}}})
		s.Eventually(t, func() error { // the quota counts once a controller has seen it
			if _, err := s.dry(in("quota", nil)); err == nil || !strings.Contains(err.Error(), "must specify limits.cpu for: burgee") {
				return errors.Join(errors.New("a sidecar without a limit is to be refused"), err)
			}
			return nil
		})
		if got := flatten(s.mustDry(t, in("quota", limited)))[path]; got != "200m" {
			t.Errorf("%s is %v; want 200m", path, got)
		}
	})
	t.Run("range of limits", func(t *testing.T) {
		s.Namespace(t, "limits", cluster.Restricted)
		s.bound(t, "limits", "limitranges", object{"metadata": object{"name": "l"}, "spec": object{
			"limits": list{object{"type": "Container", "default": object{"cpu": "300m"}}},
		}})
		s.Eventually(t, func() error {
			if got := flatten(s.mustDry(t, in("limits", nil)))[path]; got != "300m" {
				return errors.New("the sidecar has not the range's limit")
			}
			return nil
		})
		if got := flatten(s.mustDry(t, in("limits", limited)))[path]; got != "200m" {
			t.Errorf("%s is %v; want 200m", path, got)
		}
	})
	t.Run("resources of the pod", func(t *testing.T) {
		given := func(memory string) object {
			return in(shop, func(_, spec object) {
				spec["resources"] = object{"requests": object{"memory": memory, "cpu": "100m"}, "limits": object{"memory": memory}}
			})
		}
		if err := hasSidecar(s.mustDry(t, given("96Mi"))); err != nil {
			t.Error(err)
		}
		if _, err := s.dry(given("48Mi")); err == nil || !strings.Contains(err.Error(), "must be greater than or equal to aggregate container requests") {
			t.Errorf("a pod with less memory than its sidecar: %v; want it refused", err)
		}
	})
}

// bound makes a bound in a namespace.
func (s *site) bound(t *testing.T, namespace, kind string, document object) {
	t.Helper()
	if err := s.Do(http.MethodPost, "/api/v1/namespaces/"+namespace+"/"+kind, document, nil); err != nil {
		t.Fatal(err)
	}
}
