package inject

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Refusal says why a pod does not get the sidecar, and the way out, in the words that the chart's policy has too.
type Refusal struct{ Message string }

func (r *Refusal) Error() string { return r.Message }

// refusals are looked at in this order, and the first one that has something to say counts.
var refusals = []func(*Definition, *pod, map[string]string) string{
	manyAnnotations, unknownAnnotation, windows, hostNetwork, missingValue, badSocket, badQuantity, takenName, takenVolume, takenFolder, takenPort,
}

func (d *Definition) refuse(p *pod, values map[string]string) error {
	for _, look := range refusals {
		if why := look(d, p, values); why != "" {
			return &Refusal{opening + why}
		}
	}
	return nil
}

// maxAnnotations bounds a pod's. Kubernetes allows some ten thousand short ones, and its policies look at them in a time that grows with their
// number's square; the webhook says the same, though it is quick.
const maxAnnotations = 1000

func manyAnnotations(_ *Definition, p *pod, _ map[string]string) string {
	if n := len(p.annotations()); n > maxAnnotations {
		return fmt.Sprintf("the pod has %d annotations; with a sidecar it may have at most %d", n, maxAnnotations)
	}
	return ""
}

// unknownAnnotation finds typing errors, which would otherwise go unnoticed.
func unknownAnnotation(d *Definition, p *pod, _ map[string]string) string {
	for _, name := range sortedKeys(p.annotations()) {
		if strings.HasPrefix(name, prefix) && !slices.Contains(d.known, name) {
			rest := " is not known; there are " + listed(d.known)
			return sayable("annotation "+name+rest, "an annotation"+rest)
		}
	}
	return ""
}

func windows(_ *Definition, p *pod, _ map[string]string) string {
	if p.Spec.OS.Name != "windows" {
		return ""
	}
	return "the pod runs on Windows, for which there is no sidecar: take the label burgee.dev/inject off"
}

func hostNetwork(d *Definition, p *pod, _ map[string]string) string {
	if !p.Spec.HostNetwork {
		return ""
	}
	var ports []string
	for _, port := range d.ports {
		ports = append(ports, strconv.FormatInt(port, 10))
	}
	word := "ports "
	if len(ports) == 1 {
		word = "port "
	}
	return "the pod uses the network of its node, where " + word + listed(ports) + " would be the node's: take the label burgee.dev/inject off, " +
		"or include the sidecar by the chart's named templates with ports of its own"
}

func missingValue(d *Definition, _ *pod, values map[string]string) string {
	for _, k := range kinds[:free] {
		if p := d.declared[k.name]; p.Required && values[k.name] == "" {
			return fmt.Sprintf("no %s: give the pod the annotation %s, or the chart the value %s", k.name, p.Annotation, k.name)
		}
	}
	return ""
}

func badSocket(d *Definition, _ *pod, values map[string]string) string {
	if wrong := d.wrongSocket(values); wrong != "" {
		return d.wrongAnnotation(socket, values, wrong)
	}
	return ""
}

func badQuantity(d *Definition, _ *pod, values map[string]string) string {
	for _, k := range kinds {
		if wrong := d.wrongQuantity(k, values); wrong != "" {
			return d.wrongAnnotation(k.name, values, wrong)
		}
	}
	return ""
}

// wrongAnnotation says of a parameter's annotation what is wrong with its value, which wrong begins with.
func (d *Definition) wrongAnnotation(parameter string, values map[string]string, wrong string) string {
	annotation := "annotation " + d.declared[parameter].Annotation
	return sayable(annotation+": "+wrong, annotation+strings.TrimPrefix(wrong, quoted(values[parameter])))
}

func takenName(_ *Definition, p *pod, _ map[string]string) string {
	for _, c := range p.others() {
		if c.Name == sidecarName {
			return "container " + c.Name + " has the sidecar's name: call it otherwise"
		}
	}
	return ""
}

// takenVolume asks only where the sidecar is not there: where it is, the volumes are its own.
func takenVolume(d *Definition, p *pod, _ map[string]string) string {
	if p.hasSidecar() {
		return ""
	}
	for _, v := range d.volumes {
		if name := text(v, "name"); has(p.Spec.Volumes, name) {
			return "the pod has a volume " + name + " of its own: call it otherwise"
		}
	}
	return ""
}

// takenFolder finds other volumes where the socket's folder would be mounted.
func takenFolder(d *Definition, p *pod, values map[string]string) string {
	volume, folder := text(d.application.mounts[0], "name"), values[socketFolder]
	for _, c := range p.others() {
		for _, m := range c.VolumeMounts {
			if m.MountPath == folder && m.Name != volume {
				rest := ", where the socket goes: mount it elsewhere, or give the pod the annotation " + d.declared[socket].Annotation + " with another path"
				return sayable("container "+c.Name+" mounts "+m.Name+" at "+m.MountPath+rest, "a container mounts a volume"+strings.TrimPrefix(rest, ","))
			}
		}
	}
	return ""
}

func takenPort(d *Definition, p *pod, _ map[string]string) string {
	for _, c := range p.others() {
		for _, port := range c.Ports {
			if slices.Contains(d.ports, port.ContainerPort) {
				return sayable(fmt.Sprintf("container %s has port %d, which the sidecar takes in the pod's network", c.Name, port.ContainerPort),
					"a container has a port that the sidecar takes in the pod's network")
			}
		}
	}
	return ""
}
