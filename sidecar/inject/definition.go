// Package inject puts the sidecar into pods: it reads the chart's definition of what a pod gets, and gives the JSON Patch that adds it, or
// says why it is not added. It does no I/O, and leaves whatever it does not know in a pod as it is, because a patch only adds.
package inject

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// MaxDefinition bounds a definition: a ConfigMap, which holds it, has at most as many bytes.
const MaxDefinition = 1 << 20

const (
	sidecarName = "burgee" // of the container
	always      = "Always" // the restart policy that makes an init container a sidecar
)

// Definition is what is added to pods. Make it with Parse; it never changes after.
type Definition struct {
	container   map[string]any
	volumes     []map[string]any
	application struct{ env, mounts []map[string]any }
	annotations map[string]any

	declared map[string]declared // by the parameter's name
	known    []string            // the annotations of all parameters, in order of their names
	ports    []int64             // that the sidecar takes, in order
	quantity *regexp.Regexp
}

// written is the definition as the chart writes it.
type written struct {
	Parameters  map[string]declared `json:"parameters"`
	Container   map[string]any      `json:"container"`
	Volumes     []map[string]any    `json:"volumes"`
	Application struct {
		Env          []map[string]any `json:"env"`
		VolumeMounts []map[string]any `json:"volumeMounts"`
	} `json:"application"`
	Annotations map[string]any `json:"annotations"`
}

// Parse reads a definition strictly: whatever would make a wrong pod of every pod is found here, and named by its place.
func Parse(text []byte) (*Definition, error) {
	if len(text) > MaxDefinition {
		return nil, fmt.Errorf("the definition has %d bytes; the limit is %d", len(text), MaxDefinition)
	}
	var w written
	if err := json.Unmarshal(text, &w, json.RejectUnknownMembers(true)); err != nil {
		return nil, placed(err)
	}
	d := &Definition{
		container: w.Container, volumes: w.Volumes, annotations: w.Annotations,
		declared: w.Parameters, quantity: regexp.MustCompile(quantityPattern),
	}
	d.application.env, d.application.mounts = w.Application.Env, w.Application.VolumeMounts
	for _, check := range []func() error{d.checkParameters, d.checkContainer, d.checkVolumes, d.checkApplication, d.checkAnnotations} {
		if err := check(); err != nil {
			return nil, err
		}
	}
	return d, nil
}

var kindNames = map[jsontext.Kind]string{
	'n': "null", 't': "true", 'f': "false", '"': "a string", '0': "a number", '{': "an object", '[': "an array",
}

// placed writes the decoder's errors as ours are, with the place first.
func placed(err error) error {
	wrong := (*json.SemanticError)(nil)
	if !errors.As(err, &wrong) {
		return err
	}
	why := "cannot be " + kindNames[wrong.JSONKind]
	if wrong.Err != nil {
		why = wrong.Err.Error()
	}
	if wrong.JSONPointer == "" {
		return errors.New("it " + why)
	}
	return fmt.Errorf("%s: %s", strings.ReplaceAll(strings.TrimPrefix(string(wrong.JSONPointer), "/"), "/", "."), why)
}

func (d *Definition) checkContainer() error {
	if len(d.container) == 0 {
		return errors.New("container: is missing; it is the sidecar, as in a pod")
	}
	if d.container["name"] != sidecarName {
		return fmt.Errorf("container.name: must be %q, by which a pod that has the sidecar is told", sidecarName)
	}
	if d.container["restartPolicy"] != always {
		return fmt.Errorf("container.restartPolicy: must be %q, which makes an init container a sidecar", always)
	}
	if d.ports = portsOf(d.container); len(d.ports) == 0 {
		return fmt.Errorf("container.env: neither %s nor %s names a port", adminVariable, listenVariable)
	}
	return nil
}

// checkVolumes wants each volume to be one that mounts can name.
func (d *Definition) checkVolumes() error {
	if len(d.volumes) == 0 {
		return errors.New("volumes: are missing; one holds the socket")
	}
	names := map[string]bool{}
	for i, v := range d.volumes {
		name := text(v, "name")
		if !strings.HasPrefix(name, sidecarName+"-") || names[name] {
			return fmt.Errorf("volumes[%d].name: %q; want one that begins with %s-, and no other volume has", i, name, sidecarName)
		}
		names[name] = true
	}
	mounts, _ := d.container["volumeMounts"].([]any)
	for i, m := range mounts {
		mount, _ := m.(map[string]any)
		if name := text(mount, "name"); !names[name] {
			return fmt.Errorf("container.volumeMounts[%d].name: there is no volume %q", i, name)
		}
	}
	for i, m := range d.application.mounts {
		if name := text(m, "name"); !names[name] {
			return fmt.Errorf("application.volumeMounts[%d].name: there is no volume %q", i, name)
		}
	}
	return nil
}

// checkApplication wants one mount, that of the socket's folder, for that is what pods are refused for.
func (d *Definition) checkApplication() error {
	if n := len(d.application.mounts); n != 1 {
		return fmt.Errorf("application.volumeMounts: there are %d; want one, which leads to the socket", n)
	}
	if name, _ := marker(text(d.application.mounts[0], "mountPath")); name != socketFolder {
		return fmt.Errorf("application.volumeMounts[0].mountPath: must be <%s>", socketFolder)
	}
	names := map[string]bool{}
	for i, e := range d.application.env {
		name := text(e, "name")
		if _, is := marker(name); is || name == "" || names[name] {
			return fmt.Errorf("application.env[%d].name: %q; want one that no other variable has, and no parameter", i, name)
		}
		names[name] = true
	}
	return nil
}

// checkAnnotations refuses such that the next look at the pod would take for somebody's wish.
func (d *Definition) checkAnnotations() error {
	for _, name := range sortedKeys(d.annotations) {
		if _, ok := d.annotations[name].(string); !ok {
			return fmt.Errorf("annotations.%s: must be a string", name)
		}
		if strings.HasPrefix(name, prefix) {
			return fmt.Errorf("annotations.%s: names that begin with %s are for who writes the pod", name, prefix)
		}
	}
	return nil
}

// text is a member that is a string, or "".
func text(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}
