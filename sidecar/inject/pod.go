package inject

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"
)

// pod is what matters of one. What is absent, null or empty is all the same, but for the metadata, which must be there to be added to.
type pod struct {
	Metadata *struct {
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec *spec `json:"spec"`
}

type spec struct {
	OS struct {
		Name string `json:"name"`
	} `json:"os"`
	HostNetwork    bool         `json:"hostNetwork"`
	Containers     []*container `json:"containers"`
	InitContainers []*container `json:"initContainers"`
	Volumes        []named      `json:"volumes"`
}

type container struct {
	Name          string  `json:"name"`
	RestartPolicy string  `json:"restartPolicy"`
	Env           []named `json:"env"`
	Ports         []struct {
		ContainerPort int64 `json:"containerPort"`
	} `json:"ports"`
	VolumeMounts []mount `json:"volumeMounts"`

	path string // in the pod, as a JSON pointer, before anything was added
}

type named struct {
	Name string `json:"name"`
}

type mount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
}

// readPod reads a pod as the API server writes it. What is otherwise than its own decoder would take is an error and no refusal.
func readPod(text []byte) (*pod, error) {
	p := &pod{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("pod: %w", placed(err))
	}
	if p.Spec == nil {
		return nil, errors.New("pod: spec: is missing")
	}
	for name, list := range map[string][]*container{"containers": p.Spec.Containers, "initContainers": p.Spec.InitContainers} {
		for i, c := range list {
			if c == nil {
				return nil, fmt.Errorf("pod: spec.%s[%d]: must be an object", name, i)
			}
			c.path = fmt.Sprintf("/spec/%s/%d", name, i)
		}
	}
	return p, nil
}

func (p *pod) annotations() map[string]string {
	if p.Metadata == nil {
		return nil
	}
	return p.Metadata.Annotations
}

// hasSidecar tells whether it was put in already, by whatever way.
func (p *pod) hasSidecar() bool {
	for _, c := range p.Spec.InitContainers {
		if c.isSidecar() {
			return true
		}
	}
	return false
}

func (c *container) isSidecar() bool { return c.Name == sidecarName && c.RestartPolicy == always }

// others are all containers but the sidecar: those of the application first, then the init containers.
func (p *pod) others() []*container {
	all := append([]*container{}, p.Spec.Containers...)
	for _, c := range p.Spec.InitContainers {
		if !c.isSidecar() {
			all = append(all, c)
		}
	}
	return all
}

func has(all []named, name string) bool {
	for _, n := range all {
		if n.Name == name {
			return true
		}
	}
	return false
}

func (c *container) mounts(volume string) bool {
	for _, m := range c.VolumeMounts {
		if m.Name == volume {
			return true
		}
	}
	return false
}
