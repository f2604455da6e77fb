package kubernetes

import (
	"encoding/json"
	"fmt"
	"testing"
)

// template is that of whatever makes pods.
func template(labels object) object {
	return object{"metadata": object{"labels": labels}, "spec": podSpec()}
}

// ending is a template of pods that are to end.
func ending(labels object) object {
	made := template(labels)
	made["spec"].(object)["restartPolicy"] = "Never"
	return made
}

func workload(apiVersion, kind, name string, spec object) object {
	return object{"apiVersion": apiVersion, "kind": kind, "metadata": object{"name": name, "namespace": shop}, "spec": spec}
}

// Whatever makes a pod, the pod has the sidecar, in a namespace that enforces the restricted standard.
func testKinds(t *testing.T, s *site) {
	labels := func(from string) object { return object{"burgee.dev/inject": "true", "from": from} }
	made := map[string]object{
		"pod":        pod("bare", func(meta, _ object) { meta["labels"] = labels("pod") }),
		"deployment": workload("apps/v1", "Deployment", "web", object{"selector": object{"matchLabels": object{"from": "deployment"}}, "template": template(labels("deployment"))}),
		"job":        workload("batch/v1", "Job", "once", object{"template": ending(labels("job"))}),
		"cronjob": workload("batch/v1", "CronJob", "often", object{
			"schedule": "* * * * *", "jobTemplate": object{"spec": object{"template": ending(labels("cronjob"))}},
		}),
	}
	for _, document := range made {
		s.Apply(t, text(t, document))
	}
	for kind := range made {
		t.Run(kind, func(t *testing.T) {
			t.Parallel() // a CronJob takes up to a minute
			s.Eventually(t, func() error {
				pods := s.pods(t, "from="+kind)
				if len(pods) != 1 {
					return fmt.Errorf("%d pods of the %s; want one", len(pods), kind)
				}
				return injected(pods[0])
			})
		})
	}
}

// pods reads those of the application's namespace that have the label.
func (s *site) pods(t *testing.T, selector string) []object {
	t.Helper()
	var found struct{ Items []object }
	if err := json.Unmarshal([]byte(s.Kubectl(t, "get", "pods", "-n", shop, "-l", selector, "-o", "json")), &found); err != nil {
		t.Fatal(err)
	}
	return found.Items
}
