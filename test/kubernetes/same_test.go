package kubernetes

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

// settings are those of a release that change what a pod gets.
var settings = map[string][]string{
	"defaults":     nil,
	"irsa":         {"--set", "s3.credentials.from=irsa", "--set", "s3.credentials.roleArn=arn:aws:iam::123456789012:role/flags"},
	"pod identity": {"--set", "s3.credentials.from=pod-identity"},
	"secret": {
		"--set", "s3.credentials.from=secret", "--set", "s3.credentials.secret=flags", "--set", "s3.endpoint=https://s3.example.com",
		"--set", "s3.region=eu-central-1", "--set", "s3.pathStyle=true",
	},
	"everything else": {
		"--set", "bootstrap.configMap=flags", "--set", "sidecar.resources.cpuLimit=1", "--set", "sidecar.ports.evaluation=0",
		"--set", "sidecar.socket=/run/flags/it.sock", "--set", "metrics.annotations=false", "--set", "sidecar.settings.logFormat=json",
		"--set-json", `sidecar.env=[{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}, {"name": "NOTE", "value": "it's \"so\" \\ <store> $x"}]`,
		"--set", unsigned, "--set", "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
	},
}

// applications are pods without a sidecar: what is in them must stay, and stay in order.
var applications = map[string]struct {
	pod        object
	parameters object // for the named templates, which have no annotations to go by
	admission  bool   // the chart's author would write another pod for the named templates: admission alone is looked at
}{
	"plain": {pod: pod("p", nil)},
	"much": {pod: pod("p", func(_, spec object) {
		spec["volumes"] = list{object{"name": "data", "emptyDir": object{}}}
		spec["initContainers"] = list{
			container("migrate", "env", list{object{"name": "A", "value": "1"}}),
			container("proxy", "restartPolicy", "Always", "volumeMounts", list{object{"name": "data", "mountPath": "/data"}}),
		}
		spec["containers"] = list{
			container("app", "env", list{object{"name": "A", "value": "1"}, object{"name": "B", "valueFrom": object{"fieldRef": object{"fieldPath": "metadata.name"}}}}),
			container("other", "ports", list{object{"containerPort": 8080}}, "volumeMounts", list{object{"name": "data", "mountPath": "/data", "readOnly": true}}),
		}
	})},
	"large": {pod: pod("p", func(_, spec object) {
		var containers, env list
		for i := range 40 {
			env = append(env, object{"name": fmt.Sprintf("V%d", i), "value": strings.Repeat("x", 100)})
		}
		for i := range 100 {
			containers = append(containers, container(fmt.Sprintf("c%d", i), "env", env))
		}
		spec["containers"] = containers
	})},
	"parameters": {
		pod: pod("p", func(meta, _ object) {
			meta["annotations"] = object{
				"burgee.dev/store": "s3://other/a(b)='c'*", "burgee.dev/environment": "shop/staging", "burgee.dev/socket": "/tmp/b/c.sock",
				"burgee.dev/memory": "100Mi", "burgee.dev/cpu-request": "1", "burgee.dev/cpu-limit": "2", "example.com/other": "x",
			}
		}),
		parameters: object{
			"store": "s3://other/a(b)='c'*", "environment": "shop/staging", "socket": "/tmp/b/c.sock", "memory": "100Mi", "cpuRequest": "1", "cpuLimit": "2",
		},
	},
	"own ways": {admission: true, pod: pod("p", func(meta, spec object) {
		meta["annotations"] = object{"prometheus.io/scrape": "false"}
		spec["containers"] = list{container("app", "env", list{object{"name": "OFREP_ENDPOINT", "value": "http://elsewhere"}, object{"name": "BURGEE_SOCKET", "value": "/own"}})}
	})},
}

// The policy, the webhook and the named templates make the same pod, field by field, of the same settings, and a pod that has the sidecar by
// the named templates gets no other where its label asks for one.
func TestTheSamePod(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	app := newApp(t)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		made := map[string]object{} // by way and application
		for application, c := range applications {
			if !c.admission {
				made["templates/"+application] = s.mustDry(t, app.render(t, s, c.pod, c.parameters, settings[name]...))
			}
		}
		for way, install := range installs {
			release := install(t, s, settings[name]...)
			for application, c := range applications {
				made[way+"/"+application] = s.mustDry(t, c.pod)
				if !c.admission {
					made["templates and "+way+"/"+application] = s.mustDry(t, made["templates/"+application])
				}
			}
			release.uninstall(t)
		}
		for application, c := range applications {
			t.Run(name+"/"+application, func(t *testing.T) {
				compareWays(t, made, application, c.pod)
			})
		}
	}
}

// compareWays holds what came of a pod by each way against what came of it by policy.
func compareWays(t *testing.T, made map[string]object, application string, pod object) {
	t.Helper()
	model := made["policy/"+application]
	if err := hasSidecar(model); err != nil {
		t.Fatal(err)
	}
	for _, lost := range differences(pod, model) {
		if !strings.Contains(lost, ": <nil> -> ") && !grown(lost) {
			t.Errorf("the pod had %s", lost)
		}
	}
	for _, way := range []string{"webhook", "templates", "templates and policy", "templates and webhook"} {
		other, there := made[way+"/"+application]
		if !there {
			continue
		}
		for _, difference := range differences(model, other) {
			t.Errorf("by policy and by %s: %s", way, difference)
		}
	}
}

// grown tells whether a difference is that of a list which has what it had, in the same order, and more.
func grown(difference string) bool {
	_, change, _ := strings.Cut(difference, ": ")
	was, is, _ := strings.Cut(change, " -> ")
	rest := strings.Fields(is)
	for name := range strings.FieldsSeq(was) {
		at := slices.Index(rest, name)
		if at < 0 {
			return false
		}
		rest = rest[at+1:]
	}
	return true
}

// app is testdata/app beside the chart that it depends on.
type app struct{ folder string }

func newApp(t *testing.T) *app {
	t.Helper()
	a := &app{filepath.Join(t.TempDir(), "app")}
	for from, to := range map[string]string{filepath.Join("testdata", "app"): "", chart: filepath.Join("charts", "burgee")} {
		if err := os.CopyFS(filepath.Join(a.folder, to), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// render gives the pod as the application's chart has it. No label asks for a sidecar: it has one.
func (a *app) render(t *testing.T, s *site, pod, parameters object, values ...string) object {
	t.Helper()
	given := filepath.Join(t.TempDir(), "values.json")
	if err := os.WriteFile(given, []byte(text(t, object{"pod": pod, "parameters": parameters})), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"template", "app", a.folder, "--values", given}
	for _, value := range s.values(values...) {
		if !strings.HasPrefix(value, "--") {
			value = "burgee." + value
		}
		args = append(args, value)
	}
	printed := s.TryKubectl(s.Helm(t, args...), "create", "--dry-run=client", "-o", "json", "-f", "-").Good(t)
	var made object
	if err := json.Unmarshal([]byte(printed), &made); err != nil {
		t.Fatal(err)
	}
	return made
}
