package kubernetes

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const (
	known  = "there are burgee.dev/cpu-limit, burgee.dev/cpu-request, burgee.dev/environment, burgee.dev/memory, burgee.dev/socket and burgee.dev/store"
	noPath = ` is no path of a file in a folder of its own below /run, /var/run, /tmp or /mnt, of at most 107 bytes; want such as /run/flags/burgee.sock`
)

// refused is every kind of pod that gets no sidecar, and what whoever makes it reads.
var refused = []struct {
	name    string
	pod     object
	message string
}{
	{"too many annotations", pod("p", func(meta, _ object) {
		many := object{}
		for i := range 5_000 {
			many[fmt.Sprint("a", i)] = ""
		}
		meta["annotations"] = many // and kubectl apply's own
	}), "burgee: the pod has 5001 annotations; with a sidecar it may have at most 1000"},
	{"unknown annotation", annotated("p", "storr", "x"), "burgee: annotation burgee.dev/storr is not known; " + known},
	{"Windows", pod("p", func(_, spec object) {
		spec["os"] = object{"name": "windows"}
		spec["securityContext"] = object{"runAsNonRoot": true}
		spec["containers"] = list{object{"name": "app", "image": "app"}}
	}), "burgee: the pod runs on Windows, for which there is no sidecar: take off the label that asks for one"},
	{
		"network of the node", pod("p", func(_, spec object) { spec["hostNetwork"] = true }),
		"burgee: the pod uses the network of its node, where ports 8014 and 8016 would be the node's: take off the label that asks for a sidecar" +
			", or include the sidecar by the chart's named templates with ports of its own",
	},
	{"no store", annotated("p", "store", ""), "burgee: no store: give the pod the annotation burgee.dev/store, or the chart the value store"},
	{
		"no environment", annotated("p", "environment", ""),
		"burgee: no environment: give the pod the annotation burgee.dev/environment, or the chart the value environment",
	},
	{
		"relative socket", annotated("p", "socket", "run/burgee.sock"),
		`burgee: annotation burgee.dev/socket: "run/burgee.sock"` + noPath,
	},
	{
		"socket in the root", annotated("p", "socket", "/burgee.sock"),
		`burgee: annotation burgee.dev/socket: "/burgee.sock"` + noPath,
	},
	{
		"socket with a way up", annotated("p", "socket", "/run/../etc/burgee.sock"),
		`burgee: annotation burgee.dev/socket: "/run/../etc/burgee.sock"` + noPath,
	},
	{
		"long socket", annotated("p", "socket", "/run/"+strings.Repeat("x", 103)),
		`burgee: annotation burgee.dev/socket: "/run/` + strings.Repeat("x", 103) + `"` + noPath,
	},
	{"memory", annotated("p", "memory", "lots"), `burgee: annotation burgee.dev/memory: "lots" is no amount of memory; want such as 64Mi`},
	{"processor", annotated("p", "cpu-limit", "much"), `burgee: annotation burgee.dev/cpu-limit: "much" is no amount of processor time; want such as 100m`},
	{"little memory", annotated("p", "memory", "8Mi"), `burgee: annotation burgee.dev/memory: "8Mi" is too little; want 16Mi or more: the sidecar needs as much`},
	{"little processor", annotated("p", "cpu-limit", "0.01"), `burgee: annotation burgee.dev/cpu-limit: "0.01" is too little; want 20m or more: as much is requested`},
	{"folder as store", annotated("p", "store", "file:///flags"), `burgee: annotation burgee.dev/store: "file:///flags" is no store; want such as s3://bucket/prefix`},
	{"environment", annotated("p", "environment", "shop prod"), `burgee: annotation burgee.dev/environment: "shop prod" is no environment; want such as shop/prod`},
	{"socket among secrets", annotated("p", "socket", "/var/run/secrets/a/b.sock"), `burgee: annotation burgee.dev/socket: "/var/run/secrets/a/b.sock"` + noPath},
	{
		"container of its name", pod("p", func(_, spec object) { spec["containers"] = list{container("app"), container("burgee")} }),
		"burgee: container burgee has the sidecar's name: call it otherwise",
	},
	{
		"init container of its name", pod("p", func(_, spec object) { spec["initContainers"] = list{container("burgee")} }),
		"burgee: container burgee has the sidecar's name: call it otherwise",
	},
	{"volume of its name", pod("p", func(_, spec object) {
		spec["volumes"] = list{object{"name": "burgee-state", "emptyDir": object{}}}
	}), "burgee: the pod has a volume burgee-state of its own: call it otherwise"},
	{"mount of its volume", pod("p", func(_, spec object) {
		spec["containers"] = list{container("app", "volumeMounts", list{object{"name": "burgee-socket", "mountPath": "/own"}})}
	}), "burgee: container app mounts burgee-socket, which is not there before the sidecar is: leave the mount out"},
	{"mount below the socket's folder", pod("p", func(_, spec object) {
		spec["volumes"] = list{object{"name": "run", "emptyDir": object{}}}
		spec["containers"] = list{container("app", "volumeMounts", list{object{"name": "run", "mountPath": "/run/burgee/sub"}})}
	}), "burgee: container app mounts run at /run/burgee/sub, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path"},
	{"mount where the socket goes", pod("p", func(_, spec object) {
		spec["volumes"] = list{object{"name": "run", "emptyDir": object{}}}
		spec["containers"] = list{container("app", "volumeMounts", list{object{"name": "run", "mountPath": "/run/burgee"}})}
	}), "burgee: container app mounts run at /run/burgee, where the socket goes: mount it elsewhere, or give the pod the annotation burgee.dev/socket with another path"},
	{"port of the sidecar", pod("p", func(_, spec object) {
		spec["containers"] = list{container("app", "ports", list{object{"containerPort": 8016}})}
	}), "burgee: container app has port 8016, which the sidecar takes in the pod's network"},
	{"several reasons", pod("p", func(meta, spec object) {
		meta["annotations"] = object{"burgee.dev/zone": "x", "burgee.dev/flags": "y", "burgee.dev/memory": "lots"}
		spec["hostNetwork"] = true
		spec["containers"] = list{container("burgee", "ports", list{object{"containerPort": 8016}})}
	}), "burgee: annotation burgee.dev/flags is not known; " + known},
	{"port of its probes", pod("p", func(_, spec object) {
		spec["initContainers"] = list{container("migrate", "ports", list{object{"containerPort": 8014}})}
	}), "burgee: container migrate has port 8014, which the sidecar takes in the pod's network"},
}

// firstSaid is what Kubernetes itself says of a pod before it asks a ValidatingAdmissionPolicy.
var firstSaid = map[string]string{"mount of its volume": `spec.containers[0].volumeMounts[0].name: Not found: "burgee-socket"`}

// Each refusal says what to do, to whoever applies the pod and to whoever looks at what should make it.
func testRefusals(t *testing.T, s *site) {
	s.Namespace(t, "lax") // the restricted standard has words of its own for some of these pods
	for _, c := range refused {
		t.Run(c.name, func(t *testing.T) {
			c.pod["metadata"].(object)["namespace"] = "lax"
			printed := s.TryKubectl(text(t, c.pod), "apply", "-f", "-")
			if first := firstSaid[c.name]; first != "" && strings.Contains(t.Name(), "/policy/") {
				printed.Refused(t, first)
				return
			}
			printed.Refused(t, c.message)
			if n := strings.Count(printed.Stderr, "burgee: "); n != 1 {
				t.Errorf("%s\nwant one refusal, and no other", printed)
			}
		})
	}
	t.Run("deployment", func(t *testing.T) { testRefusedDeployment(t, s) })
}

// A Deployment whose pods are refused is taken itself; its ReplicaSet tells why nothing comes of it.
func testRefusedDeployment(t *testing.T, s *site) {
	const message = "burgee: annotation burgee.dev/storr is not known; " + known
	made := template(object{"burgee.dev/inject": "true", "from": "refused"})
	made["metadata"].(object)["annotations"] = object{"burgee.dev/storr": "x"}
	s.Apply(t, text(t, workload("apps/v1", "Deployment", "refused", object{"selector": object{"matchLabels": object{"from": "refused"}}, "template": made})))
	s.Eventually(t, func() error {
		var deployment struct {
			Status struct {
				Conditions []struct{ Type, Status, Message string }
			}
		}
		if err := json.Unmarshal([]byte(s.Kubectl(t, "get", "deployment", "refused", "-n", shop, "-o", "json")), &deployment); err != nil {
			return err
		}
		for _, condition := range deployment.Status.Conditions {
			if condition.Type == "ReplicaFailure" && condition.Status == "True" && strings.Contains(condition.Message, message) {
				return nil
			}
		}
		return fmt.Errorf("conditions of the Deployment: %+v; want ReplicaFailure with %q", deployment.Status.Conditions, message)
	})
	s.Eventually(t, func() error {
		events := s.Kubectl(t, "get", "events", "-n", shop, "--field-selector=involvedObject.kind=ReplicaSet,reason=FailedCreate", "-o", "jsonpath={.items[*].message}")
		if !strings.Contains(events, message) {
			return fmt.Errorf("events of the ReplicaSet: %q; want %q", events, message)
		}
		return nil
	})
}
