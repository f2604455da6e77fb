// Package chart holds charts/burgee against Helm itself, without a cluster: what it renders, what it refuses, and that its three ways give one
// pod. It skips what it has no program for; `make chart-test` builds them.
package chart

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const (
	chartFolder = "../../charts/burgee"
	system      = "burgee-system" // the release's namespace

	// policies is the API that a cluster has for mode policy. Without a cluster Helm must be told.
	policies = "admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
)

// programs are the variables that name them: a test that needs one is skipped where its variable is not set.
var programs = map[string]string{
	"helm": "BURGEE_TEST_HELM", "helm3": "BURGEE_TEST_HELM3", "kubeconform": "BURGEE_TEST_KUBECONFORM", "helm-docs": "BURGEE_TEST_HELM_DOCS",
}

// program gives a program's path.
func program(t testing.TB, name string) string {
	t.Helper()
	path := os.Getenv(programs[name])
	if path == "" {
		t.Skipf("SKIP: %s names no %s; make chart-test does", programs[name], name)
	}
	return path
}

// eachHelm runs a test with Helm 4, and with Helm 3 where there is one, side by side, as all tests here run: most of each is waiting for Helm.
func eachHelm(t *testing.T, test func(t *testing.T, helm string)) {
	t.Helper()
	for _, name := range []string{"helm", "helm3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, program(t, name))
		})
	}
}

// run runs Helm with folders of its own, and gives both of what it says.
func run(t testing.TB, helm string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), helm, args...)
	home := t.TempDir()
	cmd.Env = append(os.Environ(), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home, "KUBECONFIG="+filepath.Join(home, "none"))
	var out, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &wrong
	err = cmd.Run()
	return out.String(), wrong.String(), err
}

// template renders the chart as the release burgee, with values as Helm's flags give them.
func template(t testing.TB, helm string, values ...string) (text, refused string) {
	t.Helper()
	return templateOf(t, helm, chartFolder, "burgee", values...)
}

func templateOf(t testing.TB, helm, folder, release string, values ...string) (text, refused string) {
	t.Helper()
	stdout, stderr, err := run(t, helm, append([]string{"template", release, folder, "--namespace", system}, values...)...)
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil && stderr == "" {
		t.Fatalf("helm template %s: %v, and says nothing", strings.Join(values, " "), err)
	}
	if err == nil {
		stderr = ""
	}
	return stdout, stderr
}

// rendered is what the chart renders, as text, where it must.
func rendered(t testing.TB, helm string, values ...string) string {
	t.Helper()
	text, refused := template(t, helm, values...)
	if refused != "" {
		t.Fatalf("helm template %s:\n%s", strings.Join(values, " "), refused)
	}
	return text
}

// object is a part of a manifest.
type object = map[string]any

// objectsOf reads manifests. Numbers are what JSON has, so that they compare whatever wrote them.
func objectsOf(t testing.TB, text string) []object {
	t.Helper()
	var all []object
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, text)
		}
		if len(o) > 0 {
			all = append(all, plain(t, o))
		}
	}
}

// plain is the same in the shapes of encoding/json.
func plain(t testing.TB, o object) object {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var same object
	if err := json.Unmarshal(text, &same); err != nil {
		t.Fatal(err)
	}
	return same
}

// at follows names and indexes into an object; nil where there is nothing.
func at(o any, path ...any) any {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := o.(object)
			o = m[step]
		case int:
			list, _ := o.([]any)
			if step >= len(list) {
				return nil
			}
			o = list[step]
		}
	}
	return o
}

// find gives the one object of that kind and name.
func find(t testing.TB, all []object, kind, name string) object {
	t.Helper()
	var found []object
	var names []string
	for _, o := range all {
		names = append(names, nameOf(o))
		if nameOf(o) == kind+" "+name {
			found = append(found, o)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d objects are %s %s, of %q", len(found), kind, name, names)
	}
	return found[0]
}

func nameOf(o object) string {
	name, _ := at(o, "metadata", "name").(string)
	kind, _ := o["kind"].(string)
	return kind + " " + name
}

// valueSets are the files of testdata/values, each a way to install the chart. In their first line stands what else Helm is told.
func valueSets(t testing.TB) map[string][]string {
	t.Helper()
	names, err := filepath.Glob("testdata/values/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d values in testdata/values: %v", len(names), err)
	}
	sets := map[string][]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		values := []string{"--values", name}
		if first, _, _ := strings.Cut(string(text), "\n"); strings.Contains(first, "cluster: 1.36") {
			values = append(values, "--api-versions", policies)
		}
		sets[strings.TrimSuffix(filepath.Base(name), ".yaml")] = values
	}
	return sets
}

// eachSet runs a test for each of them.
func eachSet(t *testing.T, test func(t *testing.T, name string, values []string)) {
	t.Helper()
	sets := valueSets(t)
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, name, sets[name])
		})
	}
}
