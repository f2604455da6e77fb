package chart

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/sidecar/inject"
	"github.com/burgeehq/burgee/sync/lkg"
	"github.com/burgeehq/burgee/test/kit"
)

func TestMain(m *testing.M) { kit.Main(m) }

// elsewhere are the settings of burgee that sidecar.settings has not: other values set them, or they make no sense in a pod.
var elsewhere = []string{
	"store", "environment", "trust-key", "allow-unsigned", "state-dir", "bootstrap", "socket", "socket-mode", "listen", "admin", "startup-wait",
	"s3-path-style", "flags",
}

// schema is values.schema.json.
func schema(t testing.TB) object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartFolder, "values.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := json.Unmarshal(text, &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// Whoever adds a setting to burgee says here whether the chart lets it be set.
func TestTheSchemaHasTheSettings(t *testing.T) {
	t.Parallel()
	help, err := exec.CommandContext(t.Context(), kit.Program(t, "burgee"), "--help").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^  --([a-z0-9-]+)`).FindAllStringSubmatch(string(help), -1) {
		if !slices.Contains(elsewhere, m[1]) {
			want = append(want, camel(m[1]))
		}
	}
	properties, _ := at(schema(t), "properties", "sidecar", "properties", "settings", "properties").(object)
	slices.Sort(want)
	if got := slices.Sorted(maps.Keys(properties)); len(want) < 8 || !slices.Equal(got, want) {
		t.Errorf("the schema has the settings %q; burgee --help those and others: %q", got, want)
	}
}

func camel(flag string) string {
	words := strings.Split(flag, "-")
	for i, word := range words[1:] {
		words[i+1] = strings.ToUpper(word[:1]) + word[1:]
	}
	return strings.Join(words, "")
}

// The sidecar takes every setting as the chart writes it: it gets as far as its store, which is not there.
func TestTheSidecarTakesTheSettings(t *testing.T) {
	t.Parallel()
	pod := patched(t, injection(t, program(t, "helm"), readYAML(t, "values/everything.yaml")), readYAML(t, "pods/one.yaml"))
	cmd := exec.CommandContext(t.Context(), kit.Program(t, "burgee"))
	state := t.TempDir()
	for name, value := range variables(at(pod, "spec", "initContainers", 0)) {
		switch name {
		case "BURGEE_STATE_DIR", "BURGEE_BOOTSTRAP":
			value = state
		case "BURGEE_SOCKET":
			value = filepath.Join(state, "no", "such", "folder", "s.sock") // where it stops: the settings are good by then
		case "BURGEE_LISTEN":
			value = "127.0.0.1:0"
		case "BURGEE_ADMIN":
			value = "127.0.0.1:0"
		}
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no/such/folder") {
		t.Errorf("%v; want it to stop at the socket's folder:\n%s", err, out)
	}
}

// A state folder that is full must leave room in its volume, or Kubernetes evicts the pod.
func TestTheStateFitsItsVolume(t *testing.T) {
	t.Parallel()
	if lkg.MaxFolder > 16<<20*3/4 {
		t.Errorf("the sidecar keeps up to %d bytes; the least that the schema takes for its volume is 16Mi", lkg.MaxFolder)
	}
	helm := program(t, "helm")
	for size, taken := range map[string]bool{
		"16Mi": true, "20Mi": true, "32Mi": true, "99Mi": true, "100Mi": true, "1Gi": true, "10Gi": true,
		"15Mi": false, "9Mi": false, "016Mi": false, "0Gi": false, "16Ki": false, "16": false, "16M": false, "": false, "1.5Gi": false,
	} {
		t.Run(size, func(t *testing.T) {
			t.Parallel()
			if text, refused := template(t, helm, append(good(), "--set-string", "sidecar.stateSize="+size)...); (refused == "") != taken {
				t.Errorf("it says %q and renders %d bytes; want it taken: %v", refused, len(text), taken)
			}
		})
	}
}

// What the schema takes as a socket or a quantity, the webhook takes as a default, and it refuses no less.
func TestTheSchemaRefusesWhatTheWebhookRefuses(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	for value, taken := range map[string]bool{
		"socket=/run/burgee/burgee.sock": true,
		"socket=/r/.s":                   true,
		"socket=/r/..s":                  true,
		"socket=/a/b/c/d.sock":           true,
		"socket=/" + strings.Repeat("a", 50) + "/" + strings.Repeat("s", 55): true,
		"socket=/" + strings.Repeat("a", 50) + "/" + strings.Repeat("s", 56): false,
		"socket=burgee.sock":        false,
		"socket=/burgee.sock":       false,
		"socket=/run/":              false,
		"socket=/run//s":            false,
		"socket=/run/./s":           false,
		"socket=/run/../s":          false,
		"socket=/run/..":            false,
		"socket=/run:/s":            false,
		"socket=":                   false,
		"resources.memory=64Mi":     true,
		"resources.memory=1.5Gi":    true,
		"resources.memory=64MiB":    false,
		"resources.memory=-1":       false,
		"resources.cpuRequest=100m": true,
		"resources.cpuRequest=":     true,
		"resources.cpuLimit=1e3":    true,
		"resources.cpuLimit=many":   false,
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			_, refused := template(t, helm, append(good(), "--set-string", "sidecar."+value)...)
			if (refused == "") != taken {
				t.Errorf("the schema: %q; want it taken: %v", refused, taken)
			}
			text := rendered(t, helm, append(good(), "--set-string", "sidecar."+value, "--skip-schema-validation")...)
			data, _ := at(find(t, objectsOf(t, text), "ConfigMap", "burgee-inject"), "data", "injection.json").(string)
			if _, err := inject.Parse([]byte(data)); (err == nil) != taken {
				t.Errorf("the webhook: %v; want it taken: %v", err, taken)
			}
		})
	}
}
