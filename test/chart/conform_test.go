package chart

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// strangers are kinds that Kubernetes does not have itself; the goldens show how the chart writes them.
const strangers = "PodMonitor,PrometheusRule,Certificate,Issuer"

// Every manifest has only fields that its kind has, of the right types, and those that it must have.
func TestManifestsConform(t *testing.T) {
	t.Parallel()
	helm, schemas := program(t, "helm"), schemas(t)
	eachSet(t, func(t *testing.T, _ string, values []string) {
		text := rendered(t, helm, values...)
		if out, err := conform(t, schemas, text); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		for _, o := range objectsOf(t, text) {
			if pod, is := at(o, "spec", "template").(object); is {
				checkPod(t, schemas, pod)
			}
		}
	})
}

// A validator that finds nothing could have looked at nothing.
func TestTheValidatorValidates(t *testing.T) {
	t.Parallel()
	schemas := schemas(t)
	for want, text := range map[string]string{
		"additional properties 'replica' not allowed": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replica: 1, selector: {}, template: {}}\n",
		"missing properties":                          "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {}\n",
		"want integer":                                "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: https}]}\n",
		"could not find schema":                       "apiVersion: v1\nkind: Servise\nmetadata: {name: s}\n",
	} {
		if out, err := conform(t, schemas, text); err == nil || !strings.Contains(out, want) {
			t.Errorf("it says %q (%v); want %q of:\n%s", out, err, want, text)
		}
	}
}

// checkPod holds a pod's template, made a pod, against the schema.
func checkPod(t *testing.T, schemas string, template object) {
	t.Helper()
	pod := object{"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"], "spec": template["spec"]}
	text, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	if out, err := conform(t, schemas, string(text)); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func conform(t *testing.T, schemas, text string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(t, "kubeconform"), "-strict", "-skip", strangers,
		"-schema-location", filepath.Join(schemas, "{{.ResourceKind}}{{.KindSuffix}}.json"))
	cmd.Stdin = strings.NewReader(text)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// schemas is a folder with a JSON Schema for every kind of Kubernetes' own, made of the description of its API.
func schemas(t *testing.T) string {
	t.Helper()
	program(t, "kubeconform")
	text, err := description()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := writeSchemas(folder, text); err != nil {
		t.Fatal(err)
	}
	return folder
}

// description is the swagger.json of the Kubernetes that tools/kubernetes pins, as its module has it.
var description = sync.OnceValues(func() ([]byte, error) {
	cmd := exec.Command("go", "mod", "download", "-json", "k8s.io/kubernetes")
	cmd.Dir = filepath.Join("..", "..", "tools", "kubernetes")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go mod download k8s.io/kubernetes in %s: %w\n%s", cmd.Dir, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(module.Dir, "api", "openapi-spec", "swagger.json"))
})

// writeSchemas writes one file a kind, each with all that it refers to: kubeconform does not follow references to other files, and takes a
// schema that it cannot read for one that is not there.
func writeSchemas(folder string, description []byte) error {
	var api struct{ Definitions map[string]object }
	if err := json.Unmarshal(description, &api); err != nil {
		return err
	}
	for _, definition := range api.Definitions {
		strict(definition)
	}
	for name, definition := range api.Definitions {
		kinds, _ := definition["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 { // options and lists are served under many
			continue
		}
		used := map[string]object{}
		follow(definition, api.Definitions, used)
		text, err := json.Marshal(object{"$ref": "#/definitions/" + name, "definitions": with(used, name, definition)})
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, fileOf(kinds[0].(object))), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func with(all map[string]object, name string, one object) map[string]object {
	all[name] = one
	return all
}

// fileOf is the name that kubeconform asks for: deployment-apps-v1.json, and of a group only what stands before the first dot.
func fileOf(kind object) string {
	group, _, _ := strings.Cut(kind["group"].(string), ".")
	name := strings.ToLower(kind["kind"].(string))
	if group != "" {
		name += "-" + group
	}
	return name + "-" + kind["version"].(string) + ".json"
}

// strict makes a schema of a description: no fields but the known ones, and the two texts that may be numbers.
func strict(part any) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			strict(p)
		}
	case object:
		if properties, is := part["properties"].(object); is {
			if _, free := part["additionalProperties"]; !free {
				part["additionalProperties"] = false
			}
			for _, p := range properties {
				strict(p)
			}
		}
		if part["format"] == "int-or-string" {
			part["type"] = []any{"string", "integer"}
		}
		if description, _ := part["description"].(string); strings.HasPrefix(description, "Quantity is a fixed-point") {
			part["type"] = []any{"string", "number"}
		}
		delete(part, "format") // int32 and the like mean nothing to a validator
		strict(part["items"])
		strict(part["additionalProperties"])
	}
}

// follow gathers the definitions that a part refers to.
func follow(part any, all, used map[string]object) {
	switch part := part.(type) {
	case []any:
		for _, p := range part {
			follow(p, all, used)
		}
	case object:
		if ref, is := part["$ref"].(string); is {
			name := strings.TrimPrefix(ref, "#/definitions/")
			if _, done := used[name]; !done {
				used[name] = all[name]
				follow(all[name], all, used)
			}
		}
		for _, p := range part {
			follow(p, all, used)
		}
	}
}
