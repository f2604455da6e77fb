package kubernetes

import (
	"encoding/json"
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
		"--set", "sidecar.socket=/flags/it.sock", "--set", "metrics.annotations=false", "--set", "sidecar.settings.logFormat=json",
		"--set-json", `sidecar.env=[{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}, {"name": "NOTE", "value": "it's \"so\" \\ <store> $x"}]`,
		"--set", "trustKeys.team=null", "--set", "allowUnsigned=true", "--set", "image.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000",
	},
}

// application pods: what is in them already must stay, and stay in order.
var applications = map[string]struct {
	pod        object
	parameters object // for the named templates, which have no annotations to go by
}{
	"plain": {pod("p", nil), nil},
	"much": {pod("p", func(_, spec object) {
		spec["volumes"] = list{object{"name": "data", "emptyDir": object{}}}
		spec["initContainers"] = list{
			container("migrate", "env", list{object{"name": "A", "value": "1"}}),
			container("proxy", "restartPolicy", "Always", "volumeMounts", list{object{"name": "data", "mountPath": "/data"}}),
		}
		spec["containers"] = list{
			container("app", "env", list{object{"name": "A", "value": "1"}, object{"name": "B", "valueFrom": object{"fieldRef": object{"fieldPath": "metadata.name"}}}}),
			container("other", "ports", list{object{"containerPort": 8080}}, "volumeMounts", list{object{"name": "data", "mountPath": "/data", "readOnly": true}}),
		}
	}), nil},
	"parameters": {pod("p", func(meta, _ object) {
		meta["annotations"] = object{
			"burgee.dev/store": "s3://other/a\"b\\c", "burgee.dev/environment": "shop/staging", "burgee.dev/socket": "/a/b/c.sock",
			"burgee.dev/memory": "100Mi", "burgee.dev/cpu-request": "1", "burgee.dev/cpu-limit": "2", "example.com/other": "x",
		}
	}), object{
		"store": "s3://other/a\"b\\c", "environment": "shop/staging", "socket": "/a/b/c.sock", "memory": "100Mi", "cpuRequest": "1", "cpuLimit": "2",
	}},
}

// The policy, the webhook and the named templates make the same pod, field by field, of the same settings.
func TestTheSamePod(t *testing.T) {
	t.Parallel()
	s := newSite(t, cluster.Config{})
	app := newApp(t)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		made := map[string]map[string]object{"policy": {}, "webhook": {}, "templates": {}}
		for way, install := range installs {
			release := install(t, s, settings[name]...)
			for application, c := range applications {
				made[way][application] = s.mustDry(t, c.pod)
			}
			release.uninstall(t)
		}
		for application, c := range applications {
			made["templates"][application] = s.mustDry(t, app.render(t, s, c.pod, c.parameters, settings[name]...))
			t.Run(name+"/"+application, func(t *testing.T) {
				if err := hasSidecar(made["policy"][application]); err != nil {
					t.Error(err)
				}
				for _, way := range []string{"webhook", "templates"} {
					for _, difference := range differences(made["policy"][application], made[way][application]) {
						t.Errorf("by policy and by %s: %s", way, difference)
					}
				}
			})
		}
	}
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
	for _, value := range slices.Concat(s.values, values) {
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
