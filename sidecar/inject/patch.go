package inject

import (
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
)

// scrape begins the annotations by which Prometheus finds pods. A pod that has any of these is scraped as its owner wants it.
const scrape = "prometheus.io/"

// operation is one of a JSON Patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// patch gathers operations. They are made for the pod as it was, and none but the last moves what an earlier one names.
type patch []operation

func (all *patch) add(path string, value any) { *all = append(*all, operation{"add", path, value}) }

// extend adds to the end of a list, which it makes where there is none, or one that is null.
func (all *patch) extend(path string, have int, values []map[string]any) {
	switch {
	case len(values) == 0:
	case have == 0:
		all.add(path, values)
	default:
		for _, value := range values {
			all.add(path+"/-", value)
		}
	}
}

// Patch gives the JSON Patch that brings the sidecar into a pod, or completes it where it is there; nil where nothing is to be done. A pod
// that must not have it is refused with a *Refusal. Any other error says that the text is no pod.
func (d *Definition) Patch(text []byte) ([]byte, error) {
	p, err := readPod(text)
	if err != nil {
		return nil, err
	}
	values := d.valuesFor(p.annotations())
	if err := d.refuse(p, values); err != nil {
		return nil, err
	}
	var all patch
	d.annotate(&all, p, values)
	d.addVolumes(&all, p, values)
	for _, c := range p.others() {
		d.serve(&all, c, values)
	}
	if !p.hasSidecar() {
		sidecar := renderObject(d.container, values)
		if len(p.Spec.InitContainers) == 0 {
			all.add("/spec/initContainers", []any{sidecar})
		} else {
			all.add("/spec/initContainers/0", sidecar)
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	encoded, err := json.Marshal(all, json.Deterministic(true))
	if err != nil {
		return nil, fmt.Errorf("write the patch: %w", err)
	}
	return encoded, nil
}

func (d *Definition) annotate(all *patch, p *pod, values map[string]string) {
	have, missing := p.annotations(), map[string]any{}
	for name := range have {
		if strings.HasPrefix(name, scrape) {
			return
		}
	}
	for name, value := range renderObject(d.annotations, values) {
		if _, given := have[name]; !given {
			missing[name] = value
		}
	}
	switch {
	case len(missing) == 0:
	case p.Metadata == nil:
		all.add("/metadata", map[string]any{"annotations": missing})
	case len(have) == 0:
		all.add("/metadata/annotations", missing)
	default:
		for _, name := range sortedKeys(missing) {
			all.add("/metadata/annotations/"+escaped(name), missing[name])
		}
	}
}

// escaped writes a name as an element of a JSON pointer (RFC 6901).
func escaped(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}

func (d *Definition) addVolumes(all *patch, p *pod, values map[string]string) {
	var missing []map[string]any
	for _, v := range renderAll(d.volumes, values) {
		if !has(p.Spec.Volumes, text(v, "name")) {
			missing = append(missing, v)
		}
	}
	all.extend("/spec/volumes", len(p.Spec.Volumes), missing)
}

// serve gives a container of the application what it needs to ask the sidecar.
func (d *Definition) serve(all *patch, c *container, values map[string]string) {
	var env, mounts []map[string]any
	for _, e := range renderAll(d.application.env, values) {
		if !has(c.Env, text(e, "name")) {
			env = append(env, e)
		}
	}
	for _, m := range renderAll(d.application.mounts, values) {
		if !c.mounts(text(m, "name")) {
			mounts = append(mounts, m)
		}
	}
	all.extend(c.path+"/env", len(c.Env), env)
	all.extend(c.path+"/volumeMounts", len(c.VolumeMounts), mounts)
}
