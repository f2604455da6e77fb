package chart

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/burgeehq/burgee/sidecar/inject"
)

// parent is a chart with this one as its dependency, in a folder of its own. Each pod of testdata/pods has a template in it, written as
// people write them, that includes the sidecar by the named templates.
func parent(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	for at, from := range map[string]string{"": "testdata/parent", "charts/burgee": chartFolder} {
		if err := os.CopyFS(filepath.Join(folder, at), os.DirFS(from)); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// below writes values for the parent: the same, for its dependency, which is to inject nothing itself.
func below(t testing.TB, values object) string {
	t.Helper()
	own := maps.Clone(values)
	own["enabled"] = true
	own["injection"] = object{"mode": "none"}
	text, err := json.Marshal(object{"burgee": own})
	if err != nil {
		t.Fatal(err)
	}
	return written(t, "values.json", string(text))
}

// readYAML reads a file of testdata.
func readYAML(t testing.TB, name string) object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	var o object
	if err := yaml.Unmarshal(text, &o); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return plain(t, o)
}

// ways are values in which what pods get differs.
func ways(t testing.TB) map[string]object {
	t.Helper()
	shop := readYAML(t, "values/webhook.yaml")
	and := func(name string, value any) object {
		o := maps.Clone(shop)
		o[name] = value
		return o
	}
	return map[string]object{
		"defaults":      shop,
		"everything":    readYAML(t, "values/everything.yaml"),
		"secret":        and("s3", object{"region": "eu-central-1", "credentials": object{"from": "secret", "secret": "flags-reader"}}),
		"pod-identity":  and("s3", object{"region": "eu-central-1", "credentials": object{"from": "pod-identity"}}),
		"socket alone":  and("sidecar", object{"ports": object{"evaluation": 0}}),
		"a limit":       and("sidecar", object{"resources": object{"cpuLimit": "1", "cpuRequest": ""}}),
		"bootstrap":     and("bootstrap", object{"configMap": "start"}),
		"not annotated": and("metrics", object{"annotations": false}),
	}
}

// The webhook and the named templates make one pod of each, and of each way to install the chart. test/kubernetes has the policy's.
func TestTheLibraryGivesTheWebhooksPod(t *testing.T) {
	t.Parallel()
	eachHelm(t, func(t *testing.T, helm string) {
		folder := parent(t)
		for name, values := range ways(t) {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				definition := injection(t, helm, values)
				text, refused := templateOf(t, helm, folder, "shop", "--values", below(t, values))
				if refused != "" {
					t.Fatal(refused)
				}
				all := objectsOf(t, text)
				for _, pod := range pods(t) {
					got, want := included(t, all, pod), patched(t, definition, readYAML(t, "pods/"+pod+".yaml"))
					if !reflect.DeepEqual(bare(got), bare(want)) {
						t.Errorf("%s: the named templates make\n%s\nthe webhook makes\n%s", pod, pretty(t, bare(got)), pretty(t, bare(want)))
					}
				}
			})
		}
	})
}

func pods(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/pods/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d pods: %v", len(files), err)
	}
	var names []string
	for _, f := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(f), ".yaml"))
	}
	return names
}

// included is the pod that the parent's template of that name makes.
func included(t testing.TB, all []object, name string) object {
	t.Helper()
	if name == "one" {
		template, _ := at(find(t, all, "Deployment", "checkout"), "spec", "template").(object)
		return template
	}
	return find(t, all, "Pod", name)
}

// injection is what the webhook reads, as the chart hands it over.
func injection(t testing.TB, helm string, values object) *inject.Definition {
	t.Helper()
	own := maps.Clone(values)
	own["injection"] = object{"mode": "webhook"}
	own["fullnameOverride"] = "burgee"
	text, err := json.Marshal(own)
	if err != nil {
		t.Fatal(err)
	}
	all := objectsOf(t, rendered(t, helm, "--values", written(t, "values.json", string(text))))
	data, _ := at(find(t, all, "ConfigMap", "burgee-inject"), "data", "injection.json").(string)
	definition, err := inject.Parse([]byte(data))
	if err != nil {
		t.Fatalf("the webhook does not take what the chart renders: %v", err)
	}
	return definition
}

// patched is the pod that the webhook makes.
func patched(t testing.TB, definition *inject.Definition, pod object) object {
	t.Helper()
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := definition.Patch(text)
	if err != nil {
		t.Fatal(err)
	}
	var operations []struct {
		Op, Path string
		Value    any
	}
	if err := json.Unmarshal(patch, &operations); err != nil {
		t.Fatal(err)
	}
	var whole any = plain(t, pod)
	for _, o := range operations {
		if o.Op != "add" {
			t.Fatalf("the patch has the operation %s; a sidecar is only added", o.Op)
		}
		whole = added(t, whole, strings.Split(o.Path, "/")[1:], o.Value)
	}
	return whole.(object)
}

// added is what RFC 6902 says of add.
func added(t testing.TB, part any, path []string, value any) any {
	t.Helper()
	if len(path) == 0 {
		return value
	}
	step := strings.NewReplacer("~1", "/", "~0", "~").Replace(path[0])
	switch part := part.(type) {
	case object:
		part[step] = added(t, part[step], path[1:], value)
		return part
	case []any:
		index := len(part)
		if step != "-" {
			if err := json.Unmarshal([]byte(step), &index); err != nil || index > len(part) {
				t.Fatalf("%s of a list of %d", step, len(part))
			}
		}
		if len(path) == 1 {
			return slices.Insert(part, index, value)
		}
		part[index] = added(t, part[index], path[1:], value)
		return part
	}
	t.Fatalf("there is nothing at %q", path)
	return nil
}

// bare is a pod without what asks for the sidecar or names the pod: that is the webhook's pod's alone, or the chart's.
func bare(pod object) object {
	labels, annotations := object{}, object{}
	for from, to := range map[string]object{"labels": labels, "annotations": annotations} {
		all, _ := at(pod, "metadata", from).(object)
		for name, value := range all {
			if !strings.HasPrefix(name, "burgee.dev/") {
				to[name] = value
			}
		}
	}
	return object{"labels": labels, "annotations": annotations, "spec": pod["spec"]}
}

func pretty(t testing.TB, o any) string {
	t.Helper()
	text, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
